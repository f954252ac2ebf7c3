"""Masks in frequency and time."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Integers, Range
from covary.draws.streams import stream_uniforms
from covary.ops.base import operation, ranged
from covary.ops.spectrogram.base import Array, Draws, Spectra, SpectrogramOperation, is_tensor, like, where
from covary.ops.spectrogram.warps import TimeWarp

Fill: TypeAlias = Literal["mean", "zero", "least"]
FILLS: tuple[Fill, ...] = ("mean", "zero", "least")


def filled(spectra: Spectra, mask: NDArray[np.bool_], fill: Fill) -> Array:
    """The values with what is masked painted over.

    Args:
        spectra: the batch.
        mask: (B, F, T) or what broadcasts to it.
        fill: "mean" or "least" of each spectrogram without its padding, or "zero".
    """
    values = spectra.values
    mask = np.broadcast_to(mask, (len(spectra.lengths), spectra.bins, spectra.frames))[:, None]
    if fill == "zero":
        return where(mask, like(values, np.zeros((), dtype=np.float32)), values)
    within = like(values, (np.arange(spectra.frames) < spectra.lengths[:, None])[:, None, None, :])
    axes = (2, 3)
    if fill == "mean":
        number = like(values, np.maximum(spectra.lengths * spectra.bins, 1).astype(np.float32)[:, None, None, None])
        if is_tensor(values):
            return where(mask, values.masked_fill(~within, 0).sum(axes, True) / number, values)
        return where(mask, np.where(within, values, 0).sum(axes, keepdims=True) / number, values)
    if is_tensor(values):
        return where(mask, values.masked_fill(~within, float("inf")).amin(axes, True), values)
    return where(mask, np.where(within, values, np.inf).min(axes, keepdims=True, initial=np.inf), values)


def bands(start: NDArray[np.float64], width: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
    """(B, count) which places any of the bands (B, K) cover."""
    at = np.arange(count)
    covered = (at >= start[:, :, None]) & (at < (start + width)[:, :, None])
    return np.asarray(covered.any(axis=1))


@operation
class FrequencyMask(SpectrogramOperation):
    """Mask bands of frequencies.

    Args:
        width: of each band, in bins; a width is drawn for each. Default 0 to 27.
        count: how many. Default 2.
        fill: "mean" of the spectrogram without its padding, "zero", or its "least" value. Default "mean".

    Park et al. 2019, "SpecAugment".

    Helps: speech recognition and tagging.
    Hurts: tasks on pitch and timbre; wide masks on few bins.
    """

    width: Range = ranged(default=Integers(0, 27, identity=0), low=0)
    count: int = 2
    fill: Fill = "mean"

    streams = ("bands",)

    def check(self) -> None:
        if not isinstance(self.count, int) or not 0 <= self.count <= 64:
            self.refuse("count", repr(self.count), "a whole number from 0 to 64")
        self.one_of("fill", FILLS)

    def change(self, spectra: Spectra, draws: Draws) -> Array:
        uniforms = stream_uniforms(draws.stream("bands"), 2 * self.count)
        width = np.minimum(self.law("width").quantile(uniforms[:, 0::2]), spectra.bins)
        start = np.floor(uniforms[:, 1::2] * (spectra.bins - width + 1))
        return filled(spectra, bands(start, width, spectra.bins)[:, :, None], self.fill)


@operation
class TimeMask(SpectrogramOperation):
    """Mask stretches of time. No padding is masked, and no more of a short spectrogram than a share of it.

    Args:
        width: of each stretch, in frames; a width is drawn for each. Default 0 to 100.
        count: how many. Default 2.
        most: of the spectrogram's own length one stretch may cover, 0 to 1. Default 1.
        fill: "mean" of the spectrogram without its padding, "zero", or its "least" value. Default "mean".

    Park et al. 2019, "SpecAugment"; with `most` and many stretches, Park et al. 2020, "SpecAugment on large scale
    datasets".

    Helps: speech recognition and tagging.
    Hurts: short events, which may vanish while their labels stay.
    """

    width: Range = ranged(default=Integers(0, 100, identity=0), low=0)
    count: int = 2
    most: float = 1.0
    fill: Fill = "mean"

    streams = ("stretches",)

    def check(self) -> None:
        if not isinstance(self.count, int) or not 0 <= self.count <= 64:
            self.refuse("count", repr(self.count), "a whole number from 0 to 64")
        if not 0 <= self.most <= 1:
            self.refuse("most", repr(self.most), "a share from 0 to 1")
        self.one_of("fill", FILLS)

    def change(self, spectra: Spectra, draws: Draws) -> Array:
        uniforms = stream_uniforms(draws.stream("stretches"), 2 * self.count)
        lengths = spectra.lengths[:, None]
        width = np.minimum(self.law("width").quantile(uniforms[:, 0::2]), np.floor(self.most * lengths))
        start = np.floor(uniforms[:, 1::2] * (lengths - width + 1))
        return filled(spectra, bands(start, width, spectra.frames)[:, None, :], self.fill)


@operation
class SpecAugment(SpectrogramOperation):
    """A time warp, frequency masks and time masks in one.

    Args:
        time_warp: most frames that the warp moves a place. Default 80, the paper's W.
        frequency_width: most bins of a frequency mask. Default 27, the paper's F.
        frequency_masks: how many. Default 2 (policy LD; 1 in policy LB).
        time_width: most frames of a time mask. Default 100, the paper's T.
        time_masks: how many. Default 2 (policy LD; 1 in policy LB).
        most: of the spectrogram's own length one time mask may cover, 0 to 1. Default 1 (0.2 in the policies for
            Switchboard).
        fill: "mean" of the spectrogram without its padding, "zero", or its "least" value. Default "mean".

    Park et al. 2019, "SpecAugment: a simple data augmentation method for automatic speech recognition". Defaults are
    for log-mel spectrograms of 80 bins and 10 ms hops.

    Helps: speech recognition above all; sound classification with narrower masks.
    Hurts: small bins or short clips with these defaults.
    """

    time_warp: int = 80
    frequency_width: int = 27
    frequency_masks: int = 2
    time_width: int = 100
    time_masks: int = 2
    most: float = 1.0
    fill: Fill = "mean"

    uniforms = ("centre", "distance")
    streams = ("bands", "stretches")

    def check(self) -> None:
        for argument in ("time_warp", "frequency_width", "time_width"):
            value = getattr(self, argument)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                self.refuse(argument, repr(value), "a whole number from 0 on")
        self._parts()

    def _parts(self) -> tuple[TimeWarp, FrequencyMask, TimeMask]:
        return (
            TimeWarp(self.time_warp),
            FrequencyMask(Integers(0, self.frequency_width, identity=0), self.frequency_masks, self.fill),
            TimeMask(Integers(0, self.time_width, identity=0), self.time_masks, self.most, self.fill),
        )

    def change(self, spectra: Spectra, draws: Draws) -> Array:
        warp, frequencies, times = self._parts()
        warped = Spectra(warp.change(spectra, draws), spectra.lengths)
        masked = Spectra(frequencies.change(warped, draws), spectra.lengths)
        return times.change(masked, draws)
