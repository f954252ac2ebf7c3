"""Samples blended value by value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.ops.base import operation
from covary.ops.mix.base import Draws, Floats, PairMixer
from covary.ops.mix.batch import DTYPES, Batch, Made

STEPS = 65536  # lambda is a multiple of 1 / 65536, with which blends of uint8 and uint16 are exact before rounding


def blend(first: NDArray[Any], second: NDArray[Any], share: float, out: NDArray[Any]) -> None:
    """out = share * first + (1 - share) * second; integers to nearest (uint8: ties to even, uint16: ties up).

    Args:
        first, second, out: arrays of one shape and dtype: float32, uint8 or uint16.
        share: a multiple of 1 / 65536 in [0, 1].
    """
    if share == 1:
        np.copyto(out, first)
    elif out.dtype == np.uint8:
        _blend_bytes(first, second, share, out)
    elif out.dtype == np.uint16:
        weight = np.uint32(share * STEPS)
        sums = np.multiply(first, weight, dtype=np.uint32)
        sums += np.multiply(second, np.uint32(STEPS) - weight, dtype=np.uint32)
        sums += np.uint32(STEPS // 2)
        sums >>= np.uint32(16)
        np.copyto(out, sums, casting="unsafe")
    else:
        # In this order, equal values stay exactly what they are, and no product and sum can be contracted into one.
        np.subtract(first, second, out=out)
        np.multiply(out, np.float32(share), out=out)
        np.add(out, second, out=out)


def _blend_bytes(first: NDArray[Any], second: NDArray[Any], share: float, out: NDArray[Any]) -> None:
    """By OpenCV, in float32: 8 bits times 16 bits and their sum fit its 24, so that only the result is rounded."""
    import cv2

    flat = [np.ascontiguousarray(array).reshape(1, -1) for array in (first, second)]
    if out.flags.c_contiguous:
        cv2.addWeighted(flat[0], share, flat[1], 1 - share, 0, dst=out.reshape(1, -1))
    else:
        np.copyto(out, cv2.addWeighted(flat[0], share, flat[1], 1 - share, 0).reshape(out.shape))


def in_steps(share: Floats) -> Floats:
    """Shares as multiples of 1 / 65536."""
    return np.rint(share * STEPS) / STEPS


@operation
class MixUp(PairMixer):
    """Blend each sample with a partner: lam of its own values and labels, 1 - lam of the partner's.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda, drawn for each sample. Default 0.2, of the 0.1 to 0.4
            that the paper found best for ImageNet; torchvision's 1.0 blends most samples halfway and underfits.
        field: which field is blended, a stacked array of any shape (float32, uint8, uint16). Default "image".
        pairs: whether `target_a`, `target_b` and `lam` come out too (and `mask_b` where there is a `mask`).

    Paper: Zhang et al. 2018, "mixup: beyond empirical risk minimization". Lambda is a multiple of 1 / 65536.

    Floating masks are blended. Class masks have no average: ask for `pairs=True`, which leaves `mask` as it is and adds
    `mask_b`, the partner's, for a loss of two targets.

    Helps: image classification with large networks (CIFAR-10, PreAct-ResNet-18: 5.6 to 4.2 % error); noisy labels.
    Hurts: small networks and long schedules, which may lose; tasks whose classes depend on fine detail. It can look
    calibrated and be worse after temperature scaling.
    """

    alpha: float = 0.2
    field: str = "image"

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        shares, partners = in_steps(self.shares(draw)).tolist(), draw.partners().tolist()
        values = batch.stack(self.field)
        if values.dtype not in DTYPES:
            raise TypeError(f"{self.field} has dtype {values.dtype}; allowed are float32, uint8 and uint16")
        room = made.room(self.field)
        for row in rows:
            blend(values[row], values[partners[row]], shares[row], room.open(row))
            made.pair(row, partners[row], shares[row])
