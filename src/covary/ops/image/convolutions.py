"""Random convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_normals
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.planes import as_picture, white_of
from covary.ops.view import View
from covary.plan.changes import Change, Floats, Image, Pixels


@operation
class RandConv(Amount):
    """Blend the picture with its convolution by a random kernel: shapes stay, colours and textures change.

    Any (H, W, C) image. Each channel of the convolution is a sum over all channels; the weights are independent normal
    numbers with standard deviation 1 / sqrt(C * k * k) for kernels k pixels wide, so that on average contrast stays.
    Values count from mid-grey.

    Args:
        kernel_size: widths in pixels, one of which is drawn; odd, 1 to 31. Default (1, 3, 5, 7), as in the paper.
        amount: share of the convolution in the blend, 0 to 1. Identity: 0. Default 0 to 1, as in the paper's
            `RC mix`.

    Borders are reflected without the edge pixel. Values of uint8 and uint16 are clipped.

    Xu et al., "Robust and generalizable visual representation learning via random convolutions", ICLR 2021.

    Helps: models that lean on texture: other domains, sketches, other instruments.
    Hurts: classes told apart by colour or texture.
    """

    kernel_size: tuple[int, ...] = (1, 3, 5, 7)
    amount: Range = ranged(default=Uniform(0, 1, identity=0), low=0, high=1)

    uniforms = ("size",)
    streams = ("weights",)

    def check(self) -> None:
        sizes: Any = self.kernel_size
        if (
            not isinstance(sizes, tuple)
            or not sizes
            or any(isinstance(k, bool) or k not in range(1, 32, 2) for k in sizes)
        ):
            self.refuse("kernel_size", repr(sizes), "a tuple of odd whole numbers from 1 to 31")

    def describe(self, draw: Draw, view: View) -> Change:
        chosen = np.minimum((draw("size") * len(self.kernel_size)).astype(np.int64), len(self.kernel_size) - 1)
        streams, channels = draw.stream("weights"), view.channels
        parameters = []
        for sample, amount in enumerate(draw("amount").tolist()):
            size = self.kernel_size[chosen[sample]]
            weights = stream_normals(streams[sample : sample + 1], channels * channels * size * size)
            kernels = weights.reshape(channels, channels, size, size) / np.sqrt(channels * size * size)
            parameters.append({"kernels": kernels, "amount": amount})
        return Pixels(_convolved, tuple(parameters))


def _convolved(picture: Image, kernels: Floats, amount: float) -> Image:
    import cv2

    if amount == 0:
        return picture
    middle = white_of(picture) / 2
    values = picture.astype(np.float32)
    planes = [np.ascontiguousarray(values[..., channel]) - np.float32(middle) for channel in range(values.shape[2])]
    for channel, own in enumerate(kernels):
        # The blend as one kernel: the picture's own share stands in the middle of its own channel's.
        blend = amount * own
        side = own.shape[-1] // 2
        blend[channel, side, side] += 1 - amount
        made = np.full(planes[0].shape, middle, np.float32)
        for plane, taps in zip(planes, blend, strict=True):
            made += cv2.filter2D(plane, cv2.CV_32F, taps, borderType=cv2.BORDER_REFLECT_101)
        values[..., channel] = made
    return as_picture(values, picture.dtype)
