"""Another tempo at the same pitch: a phase vocoder with identity phase locking.

Laroche and Dolson 1999, "Improved phase vocoder time-scale modification of audio". Each spectral peak carries the bins
around it, all turned by one angle, so that the shape of a partial (and of a click) survives. For each output frame two
input frames are analysed, one synthesis hop apart: the later one is the frame's spectrum, and from the earlier one to
the later one the phase advances by exactly what it must advance by from the last output frame to this one. No frequency
is estimated and no phase unwrapped. At tempo 1 the sound comes out as it went in.

Attacks are found beforehand. About each, the tempo is 1 for some 40 ms and the bins that the attack fills begin anew,
so that it comes out as it was and stands exactly where its label goes; the time between attacks makes up for it (Roebel
2003, "A new approach to transient processing in the phase vocoder", resets phases likewise).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import Wave

_OVERLAP = 4
_FRAMES = 64  # frames that are worked on together; a multiple of the overlap keeps no state but the last rotation
_FAR = 1 << 20
_ZONE = 0.375  # of a frame either side of an attack: where the window leaves anything worth mentioning of it
_RETURN = 4.0  # zones behind (and before) an attack, the map is back on the straight line
_ATTACK_BLOCK, _ATTACK_PAST = 0.001, 0.025  # seconds
_ATTACK_RISE = 4.0  # an attack's energy over the highest in the time before it
_ATTACK_LEAST = 1e-5  # of the loudest block
_ENVELOPE = 0.005  # seconds of the cepstrum, tapered: what is coarser in the spectrum belongs to the formants
_MOST_FORMANT_GAIN = 3.5  # nepers, 30 dB


def frame_length(rate: int) -> int:
    """Samples of an analysis frame: the power of two nearest to 50 ms."""
    return 1 << max(5, int(np.rint(np.log2(0.05 * rate))))


def stretch(wave: Wave, tempo: float, length: int, rate: int, formants_up: float = 1.0) -> Wave:
    """Change the tempo.

    Channels share one rotation for each peak, so that they stay in phase with each other.

    Args:
        wave: (C, N) float32.
        tempo: factor above 0; 2 is twice as fast. Output position x holds what was at x * tempo.
        length: samples to return.
        rate: samples per second.
        formants_up: factor by which the spectral envelope is moved up (to undo what a later resampling will do to it).

    Returns:
        (C, length) float32.
    """
    from scipy.fft import irfft, rfft

    size = frame_length(rate)
    hop = size // _OVERLAP
    window = _hann(size)
    attacks = find_attacks(wave, rate, size)
    at, places = frame_places(attacks, tempo, size, length, wave.shape[1])
    # A frame at place p covers p - size / 2 to p + size / 2, and its forerunner begins a hop earlier.
    lead = size // 2 + hop - min(int(places.min()), -size)
    behind = max(0, int(places.max()) + 2 * size - wave.shape[1])
    padded = np.pad(wave, ((0, 0), (lead, behind)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)
    starts = places - size // 2 + lead
    fresh = attack_bins(wave, attacks, tempo, at, size)
    channels, count = wave.shape[0], len(places)
    blocks = np.zeros((channels, count + _OVERLAP - 1, hop), dtype=np.float32)
    state = _State(fresh, np.diff(places, prepend=places[0] - hop) == hop)
    for begin in range(0, count, _FRAMES):
        chosen = starts[begin : begin + _FRAMES]
        spectra = rfft(frames[:, chosen] * window, axis=2, overwrite_x=True)
        forerunners = rfft(frames[:, chosen - hop] * window, axis=2, overwrite_x=True)
        turns = state.rotations(spectra, forerunners, begin)
        if formants_up != 1:
            spectra *= _formant_gain(spectra, formants_up, rate)
        spectra *= turns
        waves = irfft(spectra, size, axis=2, overwrite_x=True)
        waves *= window * np.float32(1 / (0.375 * _OVERLAP))
        for quarter in range(_OVERLAP):
            first_block = begin + quarter
            blocks[:, first_block : first_block + len(chosen)] += waves[:, :, quarter * hop : (quarter + 1) * hop]
    start = size // 2 - int(at[0])
    made: Wave = blocks.reshape(channels, -1)[:, start : start + length]
    return made


def find_attacks(wave: Wave, rate: int, size: int) -> NDArray[np.int64]:
    """Where sounds set in: the samples at which the energy of 1 ms (of the difference from sample to sample, all
    channels together) is four times any in the 25 ms before; of those nearer than half a frame the loudest."""
    from scipy.ndimage import maximum_filter1d

    block = max(1, round(_ATTACK_BLOCK * rate))
    count = wave.shape[1] // block
    steps = np.square(np.diff(wave[:, : count * block], axis=1, prepend=np.float32(0))).sum(axis=0)
    energy = steps.reshape(count, block).sum(axis=1)
    if not count or not energy.any():
        return np.zeros(0, dtype=np.int64)
    past = max(1, round(_ATTACK_PAST / _ATTACK_BLOCK))
    # The highest of the `past` blocks that end before each block.
    before = np.concatenate([[0], maximum_filter1d(energy, past, mode="constant", origin=(past - 1) // 2)[:-1]])
    rises = np.flatnonzero((energy > _ATTACK_RISE * before) & (energy > _ATTACK_LEAST * energy.max()))
    # A rise may straddle two blocks: the louder of the two has the attack.
    following = np.minimum(rises + 1, count - 1)
    rises = np.unique(np.where(energy[following] > energy[rises], following, rises))
    kept: list[int] = []
    for rise in rises[np.argsort(-energy[rises], kind="stable")].tolist():
        place = rise * block + int(np.argmax(steps[rise * block : (rise + 1) * block]))
        if all(abs(place - other) >= size // 2 for other in kept):
            kept.append(place)
    return np.array(sorted(kept), dtype=np.int64)


def frame_places(
    attacks: NDArray[np.int64], tempo: float, size: int, length: int, source: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The centres of the frames: in the result (a hop apart), and in the sound.

    Args:
        attacks: places in the sound that keep their tempo.
        tempo: see `stretch`.
        size: of a frame.
        length, source: samples of the result and of the sound.
    """
    hop = size // _OVERLAP
    at = np.arange(-_OVERLAP // 2, length // hop + _OVERLAP // 2 + 2) * hop
    knots = _knots(attacks, tempo, size, source)
    return at, np.rint(np.interp(at, knots[:, 0], knots[:, 1])).astype(np.int64)


def _knots(attacks: NDArray[np.int64], tempo: float, size: int, length: int) -> NDArray[np.float64]:
    """(K, 2) output and input positions between which the frames' places are straight: slope 1 about every attack."""
    far = 16.0 * size
    knots = [(-far, -far * tempo)]
    places = attacks.tolist()
    outs = [round(place / tempo) for place in places]
    for index, (place, out) in enumerate(zip(places, outs, strict=True)):
        zone = _ZONE * size
        for other in (index - 1, index + 1):
            if 0 <= other < len(places):
                zone = min(zone, 0.45 * abs(places[other] - place), 0.45 * abs(outs[other] - out))
        zone = float(int(zone))
        back, on = out - _RETURN * zone, out + _RETURN * zone
        if back > knots[-1][0] and back * tempo > knots[-1][1] and back * tempo < place - zone:
            knots.append((back, back * tempo))
        knots += [(out - zone, place - zone), (out + zone, place + zone)]
        following = (
            (outs[index + 1] - _ZONE * size, places[index + 1] - _ZONE * size) if index + 1 < len(outs) else None
        )
        if on * tempo > knots[-1][1] and (following is None or (on < following[0] and on * tempo < following[1])):
            knots.append((on, on * tempo))
    end = max(length / tempo, knots[-1][0]) + far
    knots.append((end, max(end * tempo, knots[-1][1] + 1)))
    return np.array(knots)


def attack_bins(
    wave: Wave, attacks: NDArray[np.int64], tempo: float, at: NDArray[np.int64], size: int
) -> dict[int, NDArray[np.bool_]]:
    """For the first frame about each attack (by its index in `at`), which bins the attack fills."""
    from scipy.fft import rfft

    if not len(attacks):
        return {}
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(wave, ((0, 0), (2 * size, size))), size, axis=1)
    # A frame about the attack, and the one that ends just before it.
    centred = attacks - size // 2 + 2 * size
    earlier = centred - size // 2 - size // 16
    during = np.sum(np.abs(rfft(frames[:, centred] * _hann(size), axis=2)) ** 2, axis=0)
    before = np.sum(np.abs(rfft(frames[:, earlier] * _hann(size), axis=2)) ** 2, axis=0)
    fills = during > 4 * before
    entered = np.searchsorted(at, np.rint(attacks / tempo) - _ZONE * size)
    return {int(frame): fill for frame, fill in zip(entered, fills, strict=True)}


@lru_cache(maxsize=8)
def _hann(size: int) -> NDArray[np.float32]:
    made: NDArray[np.float32] = (0.5 - 0.5 * np.cos(2 * np.pi / size * np.arange(size))).astype(np.float32)
    made.flags.writeable = False
    return made


class _State:
    """The rotation of the last frame, from which that of the next follows."""

    def __init__(self, fresh: dict[int, NDArray[np.bool_]], even: NDArray[np.bool_]) -> None:
        """`fresh`: bins that begin anew, by frame; `even` (T,): frames exactly a hop behind their predecessor's
        place.
        """
        self.fresh = fresh
        self.even = even.tolist()
        self.previous: NDArray[np.complex64] | None = None
        self.rotation: NDArray[np.complex64] | None = None

    def rotations(
        self, spectra: NDArray[np.complex64], forerunners: NDArray[np.complex64], begin: int
    ) -> NDArray[np.complex64]:
        """By what each bin of each frame is turned: (T, F) unit numbers.

        Args:
            spectra, forerunners: (C, T, F) of the frames and of what lies a hop before them.
            begin: index of the first of these frames.
        """
        owners = _owners(np.sum(spectra.real**2 + spectra.imag**2, axis=0))
        start = spectra[:, :1] if self.previous is None else self.previous[:, None]
        before = np.concatenate([start, spectra[:, :-1]], axis=1)
        # What the last frame's phase is ahead of this frame's forerunner, channels weighted by their power.
        turns: NDArray[np.complex64] = np.sum(before * forerunners.conj(), axis=0)
        size = np.abs(turns)
        silent = size < 1e-30
        size[silent] = 1
        turns /= size
        turns[silent] = 1
        rotation = self.rotation
        for frame, (turn, owner) in enumerate(zip(turns, owners, strict=True), start=begin):
            if rotation is None:
                turn[:] = 1
            elif self.even[frame]:
                turn[:] = rotation
            else:
                np.multiply(rotation, turn, out=turn)
                turn[:] = turn[owner]
            if frame in self.fresh:
                turn[self.fresh[frame]] = 1
            rotation = turn
        # Thousands of unit numbers multiplied drift away from one by their rounding.
        turns /= np.abs(turns)
        self.previous, self.rotation = spectra[:, -1].copy(), turns[-1].copy()
        return turns


def _owners(power: NDArray[np.float32]) -> NDArray[np.intp]:
    """For each bin of each frame the spectral peak (a maximum among five bins) that is nearest to it."""
    count = power.shape[1]
    peak = np.zeros(power.shape, dtype=bool)
    middle = power[:, 2:-2]
    peak[:, 2:-2] = (
        (middle > power[:, 1:-3]) & (middle >= power[:, 3:-1]) & (middle > power[:, :-4]) & (middle >= power[:, 4:])
    )
    index = np.arange(count, dtype=np.int32)
    below = np.maximum.accumulate(np.where(peak, index, np.int32(-_FAR)), axis=1)
    above = np.minimum.accumulate(np.where(peak, index, np.int32(_FAR))[:, ::-1], axis=1)[:, ::-1]
    nearest = np.where(index - below <= above - index, below, above)
    # A frame without any peak (silence) leaves every bin to itself.
    return np.where((nearest < 0) | (nearest >= count), index, nearest).astype(np.intp)


def _formant_gain(spectra: NDArray[np.complex64], up: float, rate: int) -> NDArray[np.float32]:
    """(1, T, F) factors that move the spectral envelope up by a factor."""
    from scipy.fft import irfft, rfft

    power = np.sum(spectra.real**2 + spectra.imag**2, axis=0)
    logs = 0.5 * np.log(power + np.float32(1e-12) * power.max(axis=1, keepdims=True) + np.float32(1e-30))
    size = 2 * (power.shape[1] - 1)
    cepstra = irfft(logs, size, axis=1)
    keep = min(size // 2, max(2, round(_ENVELOPE * rate)))
    lifter = np.zeros(size, dtype=np.float32)
    lifter[:keep] = np.cos(np.arange(keep) * (np.pi / 2 / keep)) ** 2
    lifter[1 - keep :] = lifter[keep - 1 : 0 : -1]
    envelope: NDArray[Any] = rfft(cepstra * lifter, size, axis=1).real
    source = np.minimum(np.arange(power.shape[1]) / up, power.shape[1] - 1)
    whole = np.minimum(source.astype(np.intp), power.shape[1] - 2)
    part = (source - whole).astype(np.float32)
    moved = envelope[:, whole] * (1 - part) + envelope[:, whole + 1] * part
    gain: NDArray[np.float32] = np.exp(np.clip(moved - envelope, -_MOST_FORMANT_GAIN, _MOST_FORMANT_GAIN))
    return gain[None]
