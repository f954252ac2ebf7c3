"""Gains, filters, curves and impulse responses that stand together: one frequency response, applied once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.plan.audio import Curve, Filters, Gain, Impulse, Part, Wave
from covary.render.blocks import blocks_for, convolved
from covary.render.buffers import empty
from covary.render.recursion import recursed

_QUIET = math.log(1e-4)  # where a ringing filter counts as silent: -80 dB
_KEPT = 1 << 20  # samples of the longest sound whose responses are kept
_LONGEST = 4.0  # seconds that a filter may ring in our books


def apply_linear(wave: Wave, rate: int, parts: Sequence[Part]) -> Wave:
    """The wave behind all the parts, of the same length. What rings on beyond its end is cut off."""
    gain, responses = 1.0, []
    for part in parts:
        if isinstance(part.change, Gain):
            gain *= float(part.change.factor[part.row])
        else:
            responses.append(part)
    channels, length = wave.shape
    if not responses or not length:
        scaled: Wave = np.multiply(wave, np.float32(gain), out=empty(wave.shape, np.float32))
        return scaled
    if all(_is_causal(part) for part in responses):
        return recursed(wave, np.concatenate([part.change.sections[part.row] for part in responses]), gain)
    impulses = [_Taps.of(part, rate, length) for part in responses if isinstance(part.change, Impulse)]
    filters = [part for part in responses if not isinstance(part.change, Impulse)]
    before, behind = 0, 0
    for part in filters:
        reach = _reach(part, rate)
        before, behind = before + (0 if _is_causal(part) else reach), behind + reach
    for taps in impulses:
        before, behind = before + taps.origin, behind + taps.values.shape[1] - taps.origin
    blocks = blocks_for(length, channels, before, behind)
    return convolved(wave, _response(impulses, filters, gain, rate, blocks.size, channels), blocks)


def _is_causal(part: Part) -> bool:
    return isinstance(part.change, Filters) and not part.change.zero_phase


def _response(
    impulses: Sequence[_Taps], filters: Sequence[Part], gain: float, rate: int, size: int, channels: int
) -> NDArray[Any]:
    """All parts as one response at the bins of a real transform: (1 or C, bins), real where no phase is turned."""
    made: NDArray[Any] | None = None
    for taps in impulses:
        one = taps.transformed(size, channels)
        made = one if made is None else made * one
    magnitude, phase = _filtered(filters, rate, size)
    for part in (magnitude, phase):
        if part is not None:
            made = part[None] if made is None else made * part
    assert made is not None
    return made if gain == 1 else made * np.float32(gain)


class _Taps:
    """A response as (C, L) float32 without what can never be heard, its origin, and its latest transform."""

    def __init__(self, made: tuple[NDArray[Any], int], length: int) -> None:
        taps, origin = made
        values = np.asarray(taps, dtype=np.float32)
        if values.ndim == 1:
            values = values[None]
        first = max(0, origin - length + 1)
        self.values = values[:, first : origin + length]
        self.origin = origin - first
        self._latest: tuple[int, NDArray[np.complex64]] | None = None

    @staticmethod
    def of(part: Part, rate: int, length: int) -> _Taps:
        """The response of one sample; those that are likely to come again are kept."""
        change, parameters = part.change, part.change.parameters[part.row]
        if change.recurring and length <= _KEPT:
            return _kept_taps(change.make, rate, length, tuple(parameters.items()))
        return _Taps(change.make(rate, **parameters), length)

    def transformed(self, size: int, channels: int) -> NDArray[np.complex64]:
        """(1 or C, bins) of a real transform, turned so that the origin is no delay; not to be changed.

        Raises:
            ValueError: the response has neither one channel nor as many as the sound.
        """
        from scipy.fft import rfft

        count = self.values.shape[0]
        if count not in (1, channels):
            raise ValueError(f"an impulse response has {count} channels, the sound has {channels}; give 1 or as many")
        latest = self._latest
        if latest is not None and latest[0] == size:
            return latest[1]
        taps = self.values
        if self.origin:
            placed = np.zeros((count, size), dtype=np.float32)
            placed[:, : taps.shape[1] - self.origin] = taps[:, self.origin :]
            placed[:, size - self.origin :] = taps[:, : self.origin]
            taps = placed
        made: NDArray[np.complex64] = rfft(taps, size, axis=1)
        self._latest = (size, made)
        return made


@lru_cache(maxsize=32)
def _kept_taps(make: Callable[..., Any], rate: int, length: int, parameters: tuple[tuple[str, Any], ...]) -> _Taps:
    return _Taps(make(rate, **dict(parameters)), length)


@lru_cache(maxsize=8)
def _half_sines(size: int) -> NDArray[np.float32]:
    """sin(w / 2) squared at the bins of a real transform."""
    made: NDArray[np.float32] = np.square(np.sin(np.arange(size // 2 + 1) * (np.pi / size))).astype(np.float32)
    made.flags.writeable = False
    return made


def _filtered(
    parts: Sequence[Part], rate: int, size: int
) -> tuple[NDArray[np.float32] | None, NDArray[np.complex64] | None]:
    """The joint response of filters and curves: zero-phase magnitude, and what is left with a phase."""
    power: NDArray[np.float32] | None = None
    magnitude: NDArray[np.float32] | None = None
    phase: NDArray[np.complex64] | None = None
    for part in parts:
        change = part.change
        if isinstance(change, Curve):
            curve = curve_response(change, part.row, rate, size)
            magnitude = curve if magnitude is None else magnitude * curve
        elif change.zero_phase:
            power = _power(change.sections[part.row], size, power)
        else:
            causal = causal_response(change.sections[part.row], size).astype(np.complex64)
            phase = causal if phase is None else phase * causal
    if power is not None:
        root = np.sqrt(np.maximum(power, 0, out=power), out=power)
        magnitude = root if magnitude is None else magnitude * root
    return magnitude, phase


def _power(sections: NDArray[np.float64], size: int, power: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """|H|**2 of a cascade times `power`, in the form that keeps its digits near 0 Hz (in powers of sin(w / 2)**2)."""
    phi = _half_sines(size)
    if kernels.native is not None:
        own: NDArray[np.float32] = kernels.native.section_power(sections, phi, np.empty_like(phi), kernels.simd)
        return own if power is None else np.multiply(power, own, out=power)
    return power_of(sections, phi) if power is None else np.multiply(power, power_of(sections, phi), out=power)


def power_of(sections: NDArray[np.float64], phi: NDArray[np.float32]) -> NDArray[np.float32]:
    """|H|**2 of a cascade where sin(w / 2)**2 is `phi`; the compiled kernels give the same bits."""
    power = np.ones_like(phi)
    for b0, b1, b2, a0, a1, a2 in sections.tolist():
        above = _parabola(phi, b0, b1, b2)
        above /= _parabola(phi, a0, a1, a2)
        power *= above
    return power


def _parabola(phi: NDArray[np.float32], c0: float, c1: float, c2: float) -> NDArray[np.float32]:
    made = phi * np.float32(16 * c0 * c2)
    made -= np.float32(4 * (c0 * c1 + 4 * c0 * c2 + c1 * c2))
    made *= phi
    made += np.float32((c0 + c1 + c2) * (c0 + c1 + c2))
    return made


def causal_response(sections: NDArray[np.float64], size: int) -> NDArray[np.complex128]:
    """The complex response of a cascade at the bins of a real transform."""
    z = np.exp(-2j * np.pi / size * np.arange(size // 2 + 1))
    made: NDArray[np.complex128] = np.ones_like(z)
    for b0, b1, b2, a0, a1, a2 in sections.tolist():
        made *= (b0 + z * (b1 + z * b2)) / (a0 + z * (a1 + z * a2))
    return made


def curve_response(change: Curve, row: int, rate: int, size: int) -> NDArray[np.float32]:
    """The linear magnitude of a curve at the bins of a real transform."""
    bins = np.arange(size // 2 + 1) * (rate / size)
    decibels = np.interp(bins, change.frequency, change.decibels[row])
    made: NDArray[np.float32] = np.exp((decibels * (math.log(10) / 20)).astype(np.float32))
    return made


def _reach(part: Part, rate: int) -> int:
    """Samples for which a filter or curve rings, either way.

    Not less for short sounds: a response that is sampled at too few frequencies folds back on itself.
    """
    if isinstance(part.change, Curve):
        return math.ceil(part.change.reach * rate)
    reach = sum(ringing(section, zeros=part.change.zero_phase) for section in part.change.sections[part.row].tolist())
    return min(math.ceil(reach), math.ceil(_LONGEST * rate))


def ringing(section: Sequence[float], *, zeros: bool) -> float:
    """Samples until a section's slowest mode has decayed by 80 dB; zero-phase filters ring by their zeros too."""
    b0, b1, b2, a0, a1, a2 = section
    if (b0, b1, b2) == (a0, a1, a2):
        return 0.0
    radius = _radius(a0, a1, a2)
    if zeros:
        radius = max(radius, _radius(b0, b1, b2))
    return _QUIET / math.log(radius) if radius > 0.01 else 2.0


def _radius(c0: float, c1: float, c2: float) -> float:
    """The larger magnitude of the two roots that lie inside the unit circle; those on it do not ring."""
    if c0 == 0:
        return 0.0
    under = c1 * c1 - 4 * c0 * c2
    if under < 0:
        radii = [math.sqrt(c2 / c0)]
    else:
        root = math.sqrt(under)
        radii = [abs((-c1 + root) / (2 * c0)), abs((-c1 - root) / (2 * c0))]
    # A root outside rings backwards as its mirror image does forwards.
    inside = [min(radius, 1 / radius) if radius > 0 else 0.0 for radius in radii]
    return max((radius for radius in inside if radius < 1 - 1e-7), default=0.0)
