"""Noise on spectrograms, and mixtures of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Beta, Range, Uniform
from covary.draws.keys import Key
from covary.gaussian import gaussian_wave
from covary.ops.base import operation, ranged
from covary.ops.spectrogram.base import (
    Array,
    Draws,
    Floats,
    Spectra,
    SpectrogramOperation,
    draws_of,
    is_tensor,
    like,
    read_spectra,
    where,
)


@operation
class Noise(SpectrogramOperation):
    """Add independent Gaussian noise to every value.

    Args:
        std: standard deviation in the spectrogram's own unit, from 0 on. Default 0.05 to 0.3, for log-mel in nepers.
            Identity: 0.

    Helps: a little, everywhere.
    Hurts: nothing in these amounts.
    """

    std: Range = ranged(default=Uniform(0.05, 0.3, identity=0), low=0)

    streams = ("noise",)

    def change(self, spectra: Spectra, draws: Draws) -> Array:
        values, std = spectra.values, draws("std").astype(np.float32)
        # One row of noise for each bin, so that a frame's noise does not depend on the padding behind it.
        rows = int(values.shape[1]) * spectra.bins
        noise = [
            gaussian_wave(int(stream), rows, spectra.frames) * scale
            for stream, scale in zip(draws.stream("noise"), std, strict=True)
        ]
        added = np.stack(noise) if noise else np.zeros(tuple(values.shape), dtype=np.float32)
        return values + like(values, added.reshape(tuple(values.shape)))


@operation
class MixUp(SpectrogramOperation):
    """Mix each spectrogram with another one of its batch.

    Args:
        weight: share of the spectrogram itself, 0 to 1; shares below one half are turned about, so that each remains
            mostly itself. Default Beta(0.4, 0.4).
        scale: what the values are: "linear" (power, magnitude) are mixed as they are; "log": natural logarithms of
            power, whose powers are mixed, as sounds mix in the air. Default "log".

    Zhang et al. 2018, "mixup: beyond empirical risk minimization".

    Helps: tagging and classification of sounds.
    Hurts: tasks with one answer in time, such as transcription.
    """

    weight: Range = ranged(default=Beta(0.4, 0.4), low=0, high=1)
    scale: Literal["log", "linear"] = "log"

    uniforms = ("partner",)

    def check(self) -> None:
        self.one_of("scale", ("log", "linear"))

    def __call__(
        self,
        spectrograms: Array,
        lengths: Any = None,
        *,
        keys: Sequence[Key] | None = None,
        seed: int = 0,
        epoch: int = 0,
    ) -> Array:
        """As `mixed`, the spectrograms alone."""
        return self.mixed(spectrograms, lengths, keys=keys, seed=seed, epoch=epoch)[0]

    def mixed(
        self,
        spectrograms: Array,
        lengths: Any = None,
        *,
        keys: Sequence[Key] | None = None,
        seed: int = 0,
        epoch: int = 0,
    ) -> tuple[Array, NDArray[np.int64], NDArray[np.intp], Floats]:
        """Mix spectrograms.

        Args:
            spectrograms, lengths, keys, seed, epoch: as for other operations on spectrograms.

        Returns:
            The mixtures; their lengths, the longer of the two; (B,) partners; and (B,) weights of the spectrograms
            themselves: targets become weight * own + (1 - weight) * partner's.
        """
        spectra = read_spectra(spectrograms, lengths, type(self).__name__)
        draws = draws_of(self, len(spectra.lengths), keys, seed, epoch)
        # A cycle through all in the order of a drawn number: nobody is his own partner, unless alone.
        order = np.argsort(draws("partner"), kind="stable")
        partner = np.empty_like(order)
        partner[order] = np.roll(order, -1)
        share = draws("weight")
        share = np.where(draws.happens & (partner != np.arange(len(partner))), np.maximum(share, 1 - share), 1.0)
        made = self._together(spectra, partner, share)
        longest = np.where(share < 1, np.maximum(spectra.lengths, spectra.lengths[partner]), spectra.lengths)
        return made.reshape(tuple(spectrograms.shape)), longest, partner, share

    def _together(self, spectra: Spectra, partner: NDArray[np.intp], share: Floats) -> Array:
        values = spectra.values
        other = values[like(values, partner)]
        weight = like(values, share.astype(np.float32)[:, None, None, None])
        heard = (np.arange(spectra.frames) < spectra.lengths[:, None])[:, None, None, :]
        own, theirs = like(values, heard), like(values, heard[partner])
        mixed = like(values, (share < 1)[:, None, None, None])
        if self.scale == "linear":
            silence = values.new_zeros(()) if is_tensor(values) else np.zeros((), dtype=values.dtype)
            total = where(heard, values, silence) * weight + where(heard[partner], other, silence) * (1 - weight)
        elif is_tensor(values):
            import torch

            never = torch.full((), -torch.inf, device=values.device, dtype=values.dtype)
            total = torch.logaddexp(
                torch.where(own, values + weight.log(), never), torch.where(theirs, other + (1 - weight).log(), never)
            )
        else:
            with np.errstate(divide="ignore"):
                first = np.where(own, values + np.log(weight), -np.inf)
                second = np.where(theirs, other + np.log(1 - weight), -np.inf)
                total = np.logaddexp(first, second)
        either = mixed & (own | theirs)
        if is_tensor(values):
            import torch

            return torch.where(either, total, values).to(values.dtype)
        return np.where(either, total, values).astype(values.dtype, copy=False)

    def change(self, spectra: Spectra, draws: Draws) -> Array:
        raise TypeError("MixUp needs its batch; call it, or `mixed`")
