"""A response applied to a sound by overlap-save: in blocks of a Fourier transform, of which the edges, where the
response smears around, are thrown away.

The compiled kernels transform two blocks at a time, one as the real and one as the imaginary part. Without them SciPy
does the same work; the results agree but for rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.plan.audio import Wave
from covary.render.buffers import empty

_LEAST_BITS, _MOST_BITS = 6, 22  # of the sizes that the compiled kernels know
_IN_CACHE = 14  # bits of a size beyond which the transform leaves the fast caches
_OUT_OF_CACHE = 2.5  # what each bit beyond costs, in steps of a transform within them
_MADE = 8  # what it costs to make a value of the response, likewise
_ALONE = 1.6  # SciPy: what a value of a single large transform costs, over one of many small ones
_GROUP = 1 << 16  # SciPy: samples of the blocks that are worked on together


@dataclass(frozen=True, slots=True)
class Blocks:
    """How a sound is taken apart.

    Attributes:
        size: of the transforms.
        hop: samples that each finishes; all of the sound where there is but one.
        behind: samples before these that it needs.
        compiled: whether the compiled kernels do it.
    """

    size: int
    hop: int
    behind: int
    compiled: bool


def blocks_for(length: int, channels: int, before: int, behind: int) -> Blocks:
    """The cheapest blocks.

    Args:
        length: samples of each channel, above 0.
        channels: how many.
        before, behind: samples by which the response reaches towards earlier and later times.
    """
    if kernels.native is not None:
        compiled = _compiled_blocks(length, channels, before, behind)
        if compiled is not None:
            return compiled
    return _scipy_blocks(length, before, behind)


def _compiled_blocks(length: int, channels: int, before: int, behind: int) -> Blocks | None:
    """Powers of two. None where even the largest size is too small."""
    reach, whole = before + behind, length + max(before, behind)
    best, least = None, math.inf
    for bits in range(max(_LEAST_BITS, min(reach, whole).bit_length()), _MOST_BITS + 1):
        size = 1 << bits
        alone = size >= whole
        hop = length if alone else size - reach
        if hop < 1:
            continue
        pairs = (channels * -(-length // hop) + 1) // 2
        cost = size * (pairs * (bits + _OUT_OF_CACHE * max(0, bits - _IN_CACHE)) + _MADE)
        if cost < least:
            best, least = Blocks(size, hop, 0 if alone else behind, True), cost
        if alone:
            break
    return best


def _scipy_blocks(length: int, before: int, behind: int) -> Blocks:
    """One transform of any size, or small ones, which stay in the cache and are worked on several at a time, but waste
    more on the overlap."""
    reach = before + behind
    size = fast_length(length + max(before, behind))
    best, least = Blocks(size, length, 0, False), _ALONE * size * math.log2(size)
    for bits in range(12, 19):
        size = 1 << bits
        hop = size - reach
        if hop < size // 4 or size >= length:
            continue
        count = -(-length // hop)
        cost = count * size * bits * (1.0 if count >= 4 else _ALONE)
        if cost < least:
            best, least = Blocks(size, hop, behind, False), cost
    return best


def fast_length(least: int) -> int:
    """A transform length of at least `least` that SciPy is quick at: a power of two where one is near."""
    from scipy.fft import next_fast_len

    nearest, power = next_fast_len(least, True), 1 << max(least - 1, 1).bit_length()
    return power if power <= 1.15 * nearest else nearest


def convolved(wave: Wave, response: NDArray[Any], blocks: Blocks) -> Wave:
    """The wave behind a response.

    Args:
        wave: (C, N) float32.
        response: (1 or C, size / 2 + 1) float32 or complex64, at the bins of a real transform.
        blocks: from `blocks_for`.
    """
    if blocks.compiled:
        assert kernels.native is not None
        if wave.strides[1] != wave.itemsize:
            wave = np.ascontiguousarray(wave)
        made: Wave = empty(wave.shape, np.float32)
        return kernels.native.convolve(wave, response, blocks.size, blocks.hop, blocks.behind, made, kernels.simd)  # type: ignore[no-any-return]
    if blocks.hop >= wave.shape[1]:
        from scipy.fft import irfft, rfft

        spectrum = rfft(wave, blocks.size, axis=1)
        spectrum = np.multiply(spectrum, response, out=spectrum)
        alone: Wave = irfft(spectrum, blocks.size, axis=1, overwrite_x=True)[:, : wave.shape[1]]
        return alone
    return _in_groups(wave, response, blocks)


def _in_groups(wave: Wave, response: NDArray[Any], blocks: Blocks) -> Wave:
    """Some blocks at a time, so that nothing but the result is too large for the cache."""
    from scipy.fft import irfft, rfft

    size, hop, behind = blocks.size, blocks.hop, blocks.behind
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
        windows = np.lib.stride_tricks.sliding_window_view(part, size, axis=1)[:, ::hop]
        spectra = rfft(windows, axis=2)
        spectra *= response[:, None]
        pieces = irfft(spectra, size, axis=2, overwrite_x=True)[:, :, behind : behind + hop]
        stop = min(start + count * hop, length)
        made[:, start:stop] = pieces.reshape(channels, count * hop)[:, : stop - start]
    return made
