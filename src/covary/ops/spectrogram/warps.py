"""Spectrograms bent along an axis: time warps, vocal tracts of other lengths, shifted frequencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.draws.keys import Key
from covary.ops.audio.mel import hertz_to_mel, mel_to_hertz
from covary.ops.base import operation, ranged
from covary.ops.spectrogram.base import (
    Array,
    Draws,
    Floats,
    Spectra,
    SpectrogramOperation,
    draws_of,
    moved_along,
    where,
)


@operation
class TimeWarp(SpectrogramOperation):
    """Move a place in time to another one; what lies before and behind is stretched and squeezed evenly.

    Args:
        most: frames, at most, by which the place is moved, from 0 on; it is drawn as far from the ends. Default 80, the
            W of SpecAugment; short spectrograms are moved by less than half of their length.

    Where time labels must follow, ask `moved_frames`.

    Helps: little by itself; part of SpecAugment.
    Hurts: frame labels that do not follow.
    """

    most: int = 80

    uniforms = ("centre", "distance")

    def check(self) -> None:
        if isinstance(self.most, bool) or not isinstance(self.most, int) or self.most < 0:
            self.refuse("most", repr(self.most), "a whole number from 0 on")

    def _knots(self, lengths: Any, draws: Draws) -> tuple[Floats, Floats]:
        """(B,) the place that is moved, and where it goes."""
        reach = np.minimum(self.most, np.maximum((lengths - 1) // 2, 0))
        centre = reach + draws("centre") * np.maximum(lengths - 1 - 2 * reach, 0)
        # Nine tenths, so that no side is squeezed to nothing.
        return centre, centre + (2 * draws("distance") - 1) * reach * 0.9

    def change(self, spectra: Spectra, draws: Draws) -> Array:
        before, behind = self._knots(spectra.lengths, draws)
        last = np.maximum(spectra.lengths - 1, 1)
        at = np.arange(spectra.frames)
        places = np.zeros((len(last), spectra.frames))
        for row, a, b, end in zip(places, before, behind, last, strict=True):
            row[:] = np.interp(at, (0, b, end), (0, a, end))
        return moved_along(spectra.values, places, 3)

    def moved_frames(
        self, frames: Sequence[Any], lengths: Any, *, keys: Sequence[Key] | None = None, seed: int = 0, epoch: int = 0
    ) -> list[Floats]:
        """Where the same draw takes moments, given and returned in frames.

        Args:
            frames: B arrays of positions.
            lengths: (B,) frames of each spectrogram.
            keys, seed, epoch: as for the call.
        """
        used = np.asarray(lengths, dtype=np.int64)
        draws = draws_of(self, len(used), keys, seed, epoch)
        before, behind = self._knots(used, draws)
        moved = []
        for positions, a, b, end, happens in zip(
            frames, before, behind, np.maximum(used - 1, 1), draws.happens, strict=True
        ):
            given = np.asarray(positions, dtype=np.float64)
            moved.append(np.interp(given, (0, a, end), (0, b, end)) if happens else given)
        return moved


@operation
class VTLP(SpectrogramOperation):
    """Bend the frequencies, as vocal tracts of other lengths do.

    Args:
        factor: 1.1 moves resonances up by a tenth; a number x means 1 - x to 1 + x. 0.5 to 2. Default 0.9 to 1.1.
            Identity: 1.
        boundary_hz: up to where (about) frequencies are multiplied; beyond, they are bent back so that the highest
            stays. Default 4800.
        rate: samples per second of the sound: the highest bin stands for half of it. Default 16000.
        scale: how the bins are spaced: "linear" from 0 Hz; "htk" or "slaney": mel bands from `low_hz`. Default
            "slaney".
        low_hz: lower edge of the lowest mel band. Default 0.

    Jaitly and Hinton 2013, "Vocal tract length perturbation improves speech recognition".

    Helps: speech recognition with few speakers.
    Hurts: who is speaking.
    """

    factor: Range = ranged(default=Uniform(0.9, 1.1, identity=1), low=0.5, high=2)
    boundary_hz: float = 4800.0
    rate: int = 16000
    scale: Literal["linear", "htk", "slaney"] = "slaney"
    low_hz: float = 0.0

    def check(self) -> None:
        self.one_of("scale", ("linear", "htk", "slaney"))
        if not 0 < self.boundary_hz < self.rate / 2:
            self.refuse("boundary_hz", repr(self.boundary_hz), "hertz above 0 and below half of the rate")

    def change(self, spectra: Spectra, draws: Draws) -> Array:
        highest, count = self.rate / 2, spectra.bins
        factor = draws("factor")[:, None]
        first, step = self._spacing(count)
        centres = self._hertz(np.asarray(first + step * np.arange(count), dtype=np.float64))
        # The bin that shows frequency f shows what was at the frequency that is bent to f.
        edge = self.boundary_hz * np.minimum(factor, 1)
        above = highest - (highest - centres) * (highest - edge / factor) / (highest - edge)
        source = np.where(centres <= edge, centres / factor, above)
        if self.scale != "linear":
            source = hertz_to_mel(source, self.scale)
        return moved_along(spectra.values, (source - first) / step, 2)

    def _spacing(self, count: int) -> tuple[float, float]:
        """Where the first bin's centre lies on the scale, and how far it is from bin to bin."""
        if self.scale == "linear":
            return 0.0, self.rate / 2 / max(count - 1, 1)
        low, high = hertz_to_mel(np.array([self.low_hz, self.rate / 2]), self.scale).tolist()
        step = (high - low) / (count + 1)
        return low + step, step

    def _hertz(self, places: Floats) -> Floats:
        return places if self.scale == "linear" else mel_to_hertz(places, self.scale)


@operation
class FrequencyShift(SpectrogramOperation):
    """Move the spectrogram up or down. On mel and other logarithmic scales that is another pitch.

    Args:
        bins: upwards if positive; a number x means -x to x; fractions are interpolated. Default -4 to 4. Identity: 0.
        fill: "edge" repeats the outermost bin into what becomes free, "zero" leaves it 0. Default "edge".

    Helps: sound events, bird song, instruments.
    Hurts: which note it is; who is speaking.
    """

    bins: Range = ranged(default=Uniform(-4, 4, identity=0))
    fill: Literal["edge", "zero"] = "edge"

    def check(self) -> None:
        self.one_of("fill", ("edge", "zero"))

    def change(self, spectra: Spectra, draws: Draws) -> Array:
        places = np.arange(spectra.bins) - draws("bins")[:, None]
        moved = moved_along(spectra.values, places, 2)
        if self.fill == "edge":
            return moved
        outside = (places < -0.5) | (places > spectra.bins - 0.5)
        return where(outside[:, None, :, None], moved * 0, moved)
