"""Where sounds set in, and how the phase vocoder takes them along whole.

About each attack the tempo is 1, so that it is copied to where its label goes; the time between attacks makes up for
it. Where two attacks are so near each other that the frames about one reach over the other, each sounds only in the
frames that put it in its place: from the others its first milliseconds are left out, and in its own they are raised by
as much as the others leave out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import Wave

OVERLAP = 4
"""Frames that cover each sample."""

_ZONE = 0.375  # of a frame either side of an attack: where the window leaves anything worth mentioning of it
_SHARED = 0.45  # of the way to a near neighbour
_CROWDED = 1.125  # frames between two attacks, from which on neither is heard in what the other's bins are told by
_RETURN = 4.0  # zones behind (and before) an attack, the map is back on the straight line
_BLOCK, _PAST = 0.001, 0.025  # seconds
_RISE = 4.0  # an attack's energy over the highest in the time before it
_LEAST = 1e-5  # of the loudest block
_LEAST_SHARE = 0.1  # of an attack's energy in its own frames; with less it is left to all of them


@dataclass(frozen=True, slots=True, eq=False)
class Attacks:
    """The attacks of a sound and where they go.

    Attributes:
        places, outs: (A,) int64 samples of the sound and of the result, ascending.
        zones: (A, 2) int64 samples before and behind each attack over which the tempo is 1.
        crowded: (A,) bool: another attack is so near that the frames about the one reach over the other.
    """

    places: NDArray[np.int64]
    outs: NDArray[np.int64]
    zones: NDArray[np.int64]
    crowded: NDArray[np.bool_]


def hann(size: int) -> NDArray[np.float32]:
    """The periodic Hann window of `size` samples."""
    made: NDArray[np.float32] = (0.5 - 0.5 * np.cos(2 * np.pi / size * np.arange(size))).astype(np.float32)
    return made


def find_attacks(wave: Wave, tempo: float, rate: int, size: int) -> Attacks:
    """The attacks of a sound, see `attack_places`, on their way to another tempo.

    Args:
        wave: (C, N) float32.
        tempo: see `covary.render.vocoder.stretch`.
        rate: samples per second.
        size: samples of a frame.
    """
    places = attack_places(wave, rate, size)
    outs = np.rint(places / tempo).astype(np.int64)
    whole = _ZONE * size
    between = np.minimum(np.diff(places), np.diff(outs))
    zones = np.full((len(places), 2), whole)
    zones[1:, 0] = zones[:-1, 1] = np.minimum(_SHARED * between, whole)
    near = np.concatenate([[False], between < _CROWDED * size, [False]])
    return Attacks(places, outs, zones.astype(np.int64), near[1:] | near[:-1] if len(places) else near[:0])


def attack_places(wave: Wave, rate: int, size: int) -> NDArray[np.int64]:
    """Where sounds set in: the samples at which the energy of 1 ms (of the difference from sample to sample, all
    channels together) is four times any in the 25 ms before; of those nearer than a quarter of a frame the loudest."""
    from scipy.ndimage import maximum_filter1d

    block = max(1, round(_BLOCK * rate))
    count = -(-wave.shape[1] // block)
    steps = np.zeros(count * block, dtype=np.float32)  # the last block may reach over the end
    steps[: wave.shape[1]] = np.square(np.diff(wave, axis=1, prepend=np.float32(0))).sum(axis=0)
    energy = steps.reshape(count, block).sum(axis=1)
    if not count or not energy.any():
        return np.zeros(0, dtype=np.int64)
    past = max(1, round(_PAST / _BLOCK))
    # The highest of the `past` blocks that end before each block.
    before = np.concatenate([[0], maximum_filter1d(energy, past, mode="constant", origin=(past - 1) // 2)[:-1]])
    rises = np.flatnonzero((energy > _RISE * before) & (energy > _LEAST * energy.max()))
    # A rise may straddle two blocks: the louder of the two has the attack.
    following = np.minimum(rises + 1, count - 1)
    rises = np.unique(np.where(energy[following] > energy[rises], following, rises))
    kept: list[int] = []
    for rise in rises[np.argsort(-energy[rises], kind="stable")].tolist():
        place = rise * block + int(np.argmax(steps[rise * block : (rise + 1) * block]))
        if all(abs(place - other) >= size // 4 for other in kept):
            kept.append(place)
    return np.array(sorted(kept), dtype=np.int64)


def frame_places(
    attacks: Attacks, tempo: float, size: int, length: int, source: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The centres of the frames: in the result (a hop apart), and in the sound.

    Args:
        attacks: that keep their tempo.
        tempo: see `covary.render.vocoder.stretch`.
        size: of a frame.
        length, source: samples of the result and of the sound.
    """
    hop = size // OVERLAP
    at = np.arange(-OVERLAP // 2, length // hop + OVERLAP // 2 + 2) * hop
    knots = _knots(attacks, tempo, size, source)
    return at, np.rint(np.interp(at, knots[:, 0], knots[:, 1])).astype(np.int64)


def _knots(attacks: Attacks, tempo: float, size: int, length: int) -> NDArray[np.float64]:
    """(K, 2) output and input positions between which the frames' places are straight: slope 1 about every attack."""
    far = 16.0 * size
    knots = [(-far, -far * tempo)]
    places, outs = attacks.places.tolist(), attacks.outs.tolist()
    for index, (place, out, (before, behind)) in enumerate(zip(places, outs, attacks.zones.tolist(), strict=True)):
        back, on = out - _RETURN * before, out + _RETURN * behind
        if back > knots[-1][0] and back * tempo > knots[-1][1] and back * tempo < place - before:
            knots.append((back, back * tempo))
        knots += [(out - before, place - before), (out + behind, place + behind)]
        following = (
            (outs[index + 1] - _ZONE * size, places[index + 1] - _ZONE * size) if index + 1 < len(outs) else None
        )
        if on * tempo > knots[-1][1] and (following is None or (on < following[0] and on * tempo < following[1])):
            knots.append((on, on * tempo))
    end = max(length / tempo, knots[-1][0]) + far
    knots.append((end, max(end * tempo, knots[-1][1] + 1)))
    return np.array(knots)


def attack_bins(wave: Wave, attacks: Attacks, at: NDArray[np.int64], size: int) -> dict[int, NDArray[np.bool_]]:
    """For the first frame about each attack (by its index in `at`), which bins the attack fills."""
    from scipy.fft import rfft

    if not len(attacks.places):
        return {}

    def power(sound: Wave, starts: NDArray[np.int64]) -> NDArray[np.float32]:
        padded = np.pad(sound, ((0, 0), (2 * size, size)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, starts + 2 * size]
        made: NDArray[np.float32] = np.sum(np.abs(rfft(frames * hann(size), axis=2)) ** 2, axis=0)
        return made

    # A frame about the attack, and the one that ends just before it. Crowded attacks do not sound in each other's.
    starts = attacks.places - size // 2
    fills = power(wave, starts) > 4 * power(_without_crowded(wave, attacks, size), starts - size // 2 - size // 16)
    entered = np.searchsorted(at, attacks.outs - attacks.zones[:, 0])
    return {int(frame): fill for frame, fill in zip(entered, fills, strict=True)}


def _without_crowded(wave: Wave, attacks: Attacks, size: int) -> Wave:
    if not attacks.crowded.any():
        return wave
    made = wave.copy()
    for place in attacks.places[attacks.crowded].tolist():
        _scale_onset(made, place, 0.0, size)
    return made


def attack_gains(
    attacks: Attacks, at: NDArray[np.int64], places: NDArray[np.int64], size: int
) -> dict[int, NDArray[np.float32]]:
    """For the frames that reach over crowded attacks (by their index in `at`): factors by which their samples are
    multiplied, and those of the hop before them.

    Args:
        attacks: of the sound.
        at, places: (T,) the frames' centres in the result and in the sound, see `frame_places`.
        size: of a frame.

    Returns:
        (size + hop,) float32 for each such frame.
    """
    hop = size // OVERLAP
    gains: dict[int, NDArray[np.float32]] = {}
    for place, out in zip(attacks.places[attacks.crowded], attacks.outs[attacks.crowded], strict=True):
        own = np.abs((at - places) - (out - place)) <= 1
        offset = (at - out) / size
        # What the squared windows of all frames about the attack add up to is 0.375 * OVERLAP.
        weight = np.where(np.abs(offset) < 0.5, np.cos(np.pi * offset) ** 4, 0) / (0.375 * OVERLAP)
        share = float(weight[own].sum())
        if share < _LEAST_SHARE:
            continue
        first = places - size // 2 - hop
        for frame in np.flatnonzero((place + size // 8 > first) & (place - size // 8 < places + size // 2)).tolist():
            gain = gains.setdefault(frame, np.ones(size + hop, dtype=np.float32))
            _scale_onset(gain, int(place - first[frame]), 1 / share if own[frame] else 0.0, size)
    return gains


def _scale_onset(values: NDArray[np.float32], place: int, factor: float, size: int) -> None:
    """Multiply what an attack at `place` begins with (in place, along the last axis): from 1 ms before it to 4 ms
    behind it, with slopes of 1 ms; more exactly in parts of a frame."""
    slope = max(1, size // 64)
    up = (np.arange(slope, dtype=np.float32) + 0.5) / slope
    share = np.concatenate([up, np.ones(5 * slope, dtype=np.float32), up[::-1]])
    begin = place - 2 * slope
    low, high = max(begin, 0), min(begin + len(share), values.shape[-1])
    if low < high:
        values[..., low:high] *= 1 + np.float32(factor - 1) * share[low - begin : high - begin]
