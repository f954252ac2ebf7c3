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

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import Wave
from covary.render.attacks import OVERLAP, attack_bins, attack_gains, find_attacks, frame_places, hann

_FRAMES = 64  # frames that are worked on together; a multiple of the overlap keeps no state but the last rotation
_FAR = 1 << 20
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
    hop = size // OVERLAP
    window = hann(size)
    attacks = find_attacks(wave, tempo, rate, size)
    at, places = frame_places(attacks, tempo, size, length, wave.shape[1])
    # A frame at place p covers p - size / 2 to p + size / 2, and its forerunner begins a hop earlier.
    lead = size // 2 + hop - min(int(places.min()), -size)
    behind = max(0, int(places.max()) + 2 * size - wave.shape[1])
    padded = np.pad(wave, ((0, 0), (lead, behind)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)
    starts = places - size // 2 + lead
    fresh = attack_bins(wave, attacks, at, size)
    gains = attack_gains(attacks, at, places, size)
    channels, count = wave.shape[0], len(places)
    blocks = np.zeros((channels, count + OVERLAP - 1, hop), dtype=np.float32)
    state = _State(fresh, np.diff(places, prepend=places[0] - hop) == hop)
    for begin in range(0, count, _FRAMES):
        chosen = starts[begin : begin + _FRAMES]
        parts, earlier = frames[:, chosen] * window, frames[:, chosen - hop] * window
        for frame in gains.keys() & range(begin, begin + len(chosen)):
            parts[:, frame - begin] *= gains[frame][hop:]
            earlier[:, frame - begin] *= gains[frame][:size]
        spectra, forerunners = rfft(parts, axis=2, overwrite_x=True), rfft(earlier, axis=2, overwrite_x=True)
        turns = state.rotations(spectra, forerunners, begin)
        if formants_up != 1:
            spectra *= _formant_gain(spectra, formants_up, rate)
        spectra *= turns
        waves = irfft(spectra, size, axis=2, overwrite_x=True)
        waves *= window * np.float32(1 / (0.375 * OVERLAP))
        for quarter in range(OVERLAP):
            first_block = begin + quarter
            blocks[:, first_block : first_block + len(chosen)] += waves[:, :, quarter * hop : (quarter + 1) * hop]
    start = size // 2 - int(at[0])
    made: Wave = blocks.reshape(channels, -1)[:, start : start + length]
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
