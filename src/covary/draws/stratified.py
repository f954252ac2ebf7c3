"""Stratified draws: a low-discrepancy sequence over the epochs of each sample.

The van der Corput sequence in base 2 with nested uniform (Owen) scrambling, each slot with an order of its own (Burley
2020, "Practical hash-based Owen scrambling"): every slot covers its range evenly, and slots stay independent.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_WORD = np.uint64(0xFFFFFFFF)


def stratified_uniforms(epochs: NDArray[np.uint32], words: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Uniforms for each sample and slot, evenly spread over the epochs.

    Args:
        epochs: (B,) uint32.
        words: (B, S, 4) random words that depend on the sample and the slot but not on the epoch.

    Returns:
        (B, S) float64 in [0, 1).
    """
    wide = words.astype(np.uint64)
    index = np.broadcast_to(epochs.astype(np.uint64)[:, None], wide.shape[:2])
    # An order of its own: scrambling the index from its top bits down keeps aligned blocks of 2**k epochs together.
    shuffled = _scramble(index, wide[..., 0])
    # The radical inverse spreads the epochs, the second scrambling makes each uniform.
    bits = _scramble(_reverse(shuffled), wide[..., 1])
    # 21 bits more, so that strata are filled evenly and not only at multiples of 2**-32.
    jitter = _mix(index ^ wide[..., 2]) >> np.uint64(11)
    return (bits.astype(np.float64) * 2.0**21 + jitter.astype(np.float64)) * 2.0**-53


def _scramble(value: NDArray[Any], seed: NDArray[Any]) -> NDArray[Any]:
    """Nested uniform scrambling: bit k is flipped by a hash of the bits above it."""
    result = value & _WORD
    out = np.zeros_like(result)
    for bit in range(31, -1, -1):
        above = result >> np.uint64(bit + 1)
        flip = _mix(above * np.uint64(64) + np.uint64(bit) + (seed << np.uint64(38))) & np.uint64(1)
        out |= (((result >> np.uint64(bit)) & np.uint64(1)) ^ flip) << np.uint64(bit)
    return out


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A 64-bit finaliser (multiply and fold), returning its upper 32 bits."""
    x = value ^ (value >> np.uint64(33))
    x = x * np.uint64(0xFF51AFD7ED558CCD)
    x = x ^ (x >> np.uint64(33))
    x = x * np.uint64(0xC4CEB9FE1A85EC53)
    folded: NDArray[np.uint64] = (x ^ (x >> np.uint64(33))) >> np.uint64(32)
    return folded


def _reverse(value: NDArray[Any]) -> NDArray[Any]:
    """The 32 bits of each value in reverse order."""
    x = value
    for shift, mask in ((1, 0x55555555), (2, 0x33333333), (4, 0x0F0F0F0F), (8, 0x00FF00FF), (16, 0x0000FFFF)):
        low, step = np.uint64(mask), np.uint64(shift)
        x = ((x >> step) & low) | ((x & low) << step)
    return x
