"""Gains, filters, curves and impulse responses that stand together: one frequency response, applied once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import Curve, Filters, Gain, Impulse, Part, Wave
from covary.render.buffers import empty

_QUIET = math.log(1e-4)  # where a ringing filter counts as silent: -80 dB
_ALONE = 1.6  # what a value of a single large transform costs, over one of many small ones
_GROUP = 1 << 16  # samples of the blocks that are worked on together
_KEPT = 1 << 20  # samples of the longest sound whose responses are kept
_LONGEST = 4.0  # seconds that a filter may ring in our books


def apply_linear(wave: Wave, rate: int, parts: Sequence[Part]) -> Wave:
    """The wave behind all the parts, of the same length. What rings on beyond its end is cut off."""
    gain = math.prod(float(part.change.factor[part.row]) for part in parts if isinstance(part.change, Gain))
    responses = [part for part in parts if not isinstance(part.change, Gain)]
    channels, length = wave.shape
    if not responses or not length:
        scaled: Wave = np.multiply(wave, np.float32(gain), out=empty(wave.shape, np.float32))
        return scaled
    from scipy.fft import irfft, rfft

    impulses = [_Taps.of(part, rate, length) for part in responses if isinstance(part.change, Impulse)]
    filters = [part for part in responses if not isinstance(part.change, Impulse)]
    before, behind = 0, 0
    for part in filters:
        reach = _reach(part, rate)
        before, behind = before + (0 if _is_causal(part) else reach), behind + reach
    for taps in impulses:
        before, behind = before + taps.origin, behind + taps.values.shape[1] - taps.origin
    size, hop = _blocks(length, before, behind)
    response = _response(impulses, filters, gain, rate, size, channels)
    if hop >= length:
        spectrum = rfft(wave, size, axis=1)
        spectrum = np.multiply(spectrum, response, out=spectrum)
        alone: Wave = irfft(spectrum, size, axis=1, overwrite_x=True)[:, :length]
        return alone
    return _in_blocks(wave, response, size, hop, behind)


def _in_blocks(wave: Wave, response: NDArray[Any], size: int, hop: int, behind: int) -> Wave:
    """Overlap-save: what the response smears over a block's edges is thrown away.

    Some blocks at a time, so that nothing but the result is too large for the cache.
    """
    from scipy.fft import irfft, rfft

    channels, length = wave.shape
    made: Wave = empty(wave.shape, np.float32)
    group = max(1, _GROUP // size)
    for start in range(0, length, group * hop):
        count = min(group, -(-(length - start) // hop))
        # From `behind` samples before the group's first result to the end of its last block.
        first, last = start - behind, start - behind + (count - 1) * hop + size
        part = wave[:, max(first, 0) : min(last, length)]
        if first < 0 or last > length:
            part = np.pad(part, ((0, 0), (max(-first, 0), max(last - length, 0))))
        blocks = np.lib.stride_tricks.sliding_window_view(part, size, axis=1)[:, ::hop]
        spectra = rfft(blocks, axis=2)
        spectra *= response[:, None]
        pieces = irfft(spectra, size, axis=2, overwrite_x=True)[:, :, behind : behind + hop]
        stop = min(start + count * hop, length)
        made[:, start:stop] = pieces.reshape(channels, count * hop)[:, : stop - start]
    return made


def _blocks(length: int, before: int, behind: int) -> tuple[int, int]:
    """The size of the transforms, and how many samples each finishes; all of them where one transform is cheapest.

    Small transforms stay in the cache and are worked on several at a time, large ones waste less on the overlap.
    """
    reach = before + behind
    best = fast_length(length + max(before, behind))
    cost, hop = _ALONE * best * math.log2(best), length
    for bits in range(12, 19):
        size = 1 << bits
        done = size - reach
        if done < size // 4 or size >= length:
            continue
        count = -(-length // done)
        each = count * size * bits * (1.0 if count >= 4 else _ALONE)
        if each < cost:
            cost, best, hop = each, size, done
    return best, hop


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


def fast_length(least: int) -> int:
    """A transform length of at least `least` that is quick to do: a power of two where one is near."""
    from scipy.fft import next_fast_len

    nearest, power = next_fast_len(least, True), 1 << max(least - 1, 1).bit_length()
    return power if power <= 1.15 * nearest else nearest


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
    for b0, b1, b2, a0, a1, a2 in sections.tolist():
        if (b0, b1, b2) == (a0, a1, a2):
            continue
        above = _parabola(phi, b0, b1, b2)
        above /= _parabola(phi, a0, a1, a2)
        power = above if power is None else np.multiply(power, above, out=power)
    return np.ones_like(phi) if power is None else power


def _parabola(phi: NDArray[np.float32], c0: float, c1: float, c2: float) -> NDArray[np.float32]:
    made = phi * np.float32(16 * c0 * c2)
    made -= np.float32(4 * (c0 * c1 + 4 * c0 * c2 + c1 * c2))
    made *= phi
    made += np.float32((c0 + c1 + c2) ** 2)
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
