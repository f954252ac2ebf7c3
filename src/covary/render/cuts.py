"""Whole samples that move one for one: crops, shifts, reversals, repeats and the silence between."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.render.buffers import empty


def cut(wave: NDArray[Any], pieces: NDArray[np.float64], length: int) -> NDArray[Any]:
    """The pieces in their places, silence elsewhere; in the wave's own dtype, a view where one piece is all there is.

    Args:
        wave: (C, N) of any dtype.
        pieces: (K, 4) whole numbers, see `TimeMap`.
        length: samples to return.
    """
    whole = [cut_to_fit(piece, wave.shape[1], length) for piece in np.rint(pieces).astype(np.int64).tolist()]
    whole = [piece for piece in whole if piece[1] > piece[0]]
    if len(whole) == 1 and whole[0][0] == 0 and whole[0][1] == length:
        return _sound(wave, whole[0])
    return _put(wave, whole, length)


def _put(wave: NDArray[Any], whole: list[list[int]], length: int) -> NDArray[Any]:
    """The pieces in their places in new memory, silence elsewhere."""
    made = empty((wave.shape[0], length), wave.dtype)
    done = 0
    for piece in sorted(whole):
        made[:, done : piece[0]] = 0
        done = max(done, piece[1])
    made[:, done:] = 0
    for piece in whole:
        made[:, piece[0] : piece[1]] = _sound(wave, piece)
    return made


def cut_to_fit(piece: list[int], source: int, length: int) -> list[int]:
    """A piece without what lies outside the source or the output."""
    out0, out1, in0, in1 = piece
    forwards = in1 >= in0
    early = max(0, -out0, -in0 if forwards else in0 - source)
    late = max(0, out1 - length, in1 - source if forwards else -in1)
    step = 1 if forwards else -1
    return [out0 + early, out1 - late, in0 + step * early, in1 - step * late]


def _sound(wave: NDArray[Any], piece: list[int]) -> NDArray[Any]:
    _, _, in0, in1 = piece
    return wave[:, in0:in1] if in1 >= in0 else wave[:, in1:in0][:, ::-1]


def cut_with_fades(wave: NDArray[Any], pieces: NDArray[np.float64], length: int, fade: int) -> NDArray[Any]:
    """As `cut`, with every edge at which the sound would jump smoothed over `fade` samples.

    Where two pieces meet, each is played on beyond the edge (silence where the source has ended) and they are
    cross-faded, half of the fade on either side. Where a piece meets silence it fades in or out inside itself.
    """
    whole = sorted(cut_to_fit(piece, wave.shape[1], length) for piece in np.rint(pieces).astype(np.int64).tolist())
    whole = [piece for piece in whole if piece[1] > piece[0]]
    made = _put(wave, whole, length)
    for index, piece in enumerate(whole):
        previous = whole[index - 1] if index else None
        if previous is not None and previous[1] == piece[0]:
            if previous[3] != piece[2] or (previous[3] > previous[2]) != (piece[3] > piece[2]):
                _cross(made, wave, previous, piece, fade)
        elif piece[0] > 0:
            _ramp(made, piece, fade, rising=True)
        following = whole[index + 1] if index + 1 < len(whole) else None
        if piece[1] < length and (following is None or following[0] > piece[1]):
            _ramp(made, piece, fade, rising=False)
    return made


def _cross(made: NDArray[Any], wave: NDArray[Any], left: list[int], right: list[int], fade: int) -> None:
    edge = right[0]
    half = min(fade // 2, left[1] - left[0], right[1] - right[0])
    if half < 1:
        return
    start, stop = edge - half, edge + half
    up = ((np.arange(2 * half) + 0.5) / (2 * half)).astype(np.float32)
    made[:, start:stop] = _played(wave, left, start, stop) * (1 - up) + _played(wave, right, start, stop) * up


def _played(wave: NDArray[Any], piece: list[int], start: int, stop: int) -> NDArray[Any]:
    """What a piece holds from output `start` to `stop`, played on beyond its ends; silence outside the source."""
    step = 1 if piece[3] >= piece[2] else -1
    first = piece[2] + step * (start - piece[0])
    last = first + step * (stop - start)
    return cut(wave, np.array([[0.0, stop - start, first, last]]), stop - start)


def _ramp(made: NDArray[Any], piece: list[int], fade: int, *, rising: bool) -> None:
    count = min(fade, piece[1] - piece[0])
    ramp = ((np.arange(count) + 0.5) / max(count, 1)).astype(np.float32)
    if rising:
        made[:, piece[0] : piece[0] + count] *= ramp
    else:
        made[:, piece[1] - count : piece[1]] *= ramp[::-1]
