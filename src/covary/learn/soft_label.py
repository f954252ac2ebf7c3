"""Labels that are as sure as what is left of the sample."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from covary.draws.keys import Key
from covary.ops.mix.labels import Classes, read_labels
from covary.options import Strength
from covary.pipeline import Pipeline
from covary.targets.visible import visible_fractions

Reals = NDArray[np.float64]


def soft_label(
    labels: Any, distortion: ArrayLike, classes: Classes = None, *, power: float = 4.0, least: float | None = None
) -> NDArray[np.float32]:
    """Lower the confidence of labels by how distorted their samples are.

    The label's class keeps 1 - (1 - least) * distortion ** power, the others share the rest: an undistorted sample
    keeps its label, one of which nothing is left has an even one.

    Args:
        labels: class numbers (B,) or soft rows (B, K), such as `target` of a mixed batch.
        distortion: (B,) from 0, as it was, to 1, nothing left: 1 - `visible_fraction`, `noise_share`, `edited_share`.
        classes: their number K, or their names; needed for class numbers.
        power: how long labels stay sure: 1 lowers them evenly, 4 hardly before half of the sample is gone. Default 4.
        least: confidence where nothing is left, in (0, 1]. Default 1 / K, which is chance.

    Returns:
        (B, K) float32 targets, each row summing to what the label's row does.

    Raises:
        ValueError: a distortion outside [0, 1], a wrong power or least, labels of one class or without classes.

    Paper: Liu et al. 2023, "Soft Augmentation for Image Classification" (CVPR).

    Helps: strong crops and noise, whose samples may not show their class any more; calibration.
    Hurts: variations that distort without hiding anything: leave them out of the distortion.

    Example:
        >>> from covary.learn import soft_label
        >>> soft_label([0, 1], [0.0, 0.5], classes=2, power=1).tolist()
        [[1.0, 0.0], [0.25, 0.75]]
    """
    distortions = np.asarray(distortion, dtype=np.float64)
    read = read_labels(labels, len(distortions) if distortions.ndim == 1 else -1, classes)
    if not ((distortions >= 0) & (distortions <= 1)).all():
        raise ValueError(
            f"soft_label: distortion goes from {distortions.min()} to {distortions.max()}; allowed: 0 to 1"
        )
    own = np.arange(len(distortions))[:, None]
    rows = read.mixed(own, np.ones((len(distortions), 1))).astype(np.float64)
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise ValueError(f"soft_label: labels make targets of shape {rows.shape}; needed are two classes or more")
    count = rows.shape[1]
    lowest = 1 / count if least is None else least
    for name, value, fine in (("power", power, power > 0), ("least", lowest, 0 < lowest <= 1)):
        if not fine:
            raise ValueError(
                f"soft_label: {name} is {value!r}; allowed: a number above 0{', up to 1' * (name == 'least')}"
            )
    confidence = 1 - (1 - lowest) * distortions**power
    others = (1 - confidence) / (count - 1)
    # A row is a mixture of classes, each of which spreads in the same way.
    made: NDArray[np.float32] = (
        rows * (confidence - others)[:, None] + others[:, None] * rows.sum(axis=1, keepdims=True)
    ).astype(np.float32)
    return made


def visible_fraction(
    pipeline: Pipeline,
    sizes: Sequence[tuple[int, int]] | NDArray[np.int64],
    *,
    keys: Sequence[Key],
    epoch: int | Sequence[int] = 0,
    strength: Strength = None,
    channels: int = 3,
    dtype: str = "uint8",
) -> Reals:
    """(B,) the share of each picture that is seen in a variation of it, 0 to 1.

    What crops, shifts and turns push off the canvas and what erasures paint over is gone. Exact, from the plan alone,
    no pixel is looked at; behind displacements (elastic, grid) by 64 x 64 points. A `Loader` with `visible=True` gives
    the same as the field `visible`.

    Args:
        pipeline: that makes the variations.
        sizes: (B, 2) heights and widths of the pictures.
        keys: B identities.
        epoch: which variations, one for all or one for each.
        strength: of the variations.
        channels, dtype: of the pictures.
    """
    planned = pipeline.planned(sizes, keys=keys, epoch=epoch, strength=strength, channels=channels, dtype=dtype)
    return visible_fractions(planned.groups, planned.sizes)


def noise_share(snr_db: ArrayLike) -> Reals:
    """How much of a sound's power is noise, 0 to 1: the distortion at a ratio of signal to noise in dB.

    At 0 dB half of what is heard is noise; what a pipeline drew is in its trace, as `snr` of its operations.
    """
    share: Reals = 1 / (1 + 10 ** (np.asarray(snr_db, dtype=np.float64) / 10))
    return share


def edited_share(originals: Sequence[str], varied: Sequence[str]) -> Reals:
    """(B,) the share of each text's words that a variation changed, moved or left out, 0 to 1; added words count, too.

    1 - 2 M / (words before + words after), M being the words that stand in both in the same order
    (Ratcliff and Obershelp's matching).

    Args:
        originals: B texts.
        varied: a variation of each.
    """
    if len(originals) != len(varied):
        raise ValueError(
            f"edited_share: {len(originals)} originals and {len(varied)} variations; needed is one of each"
        )
    pairs = zip(originals, varied, strict=True)
    return np.array(
        [1 - SequenceMatcher(None, one.split(), other.split(), autojunk=False).ratio() for one, other in pairs]
    )
