"""Causal filters, sample by sample in double precision: the same bits with the compiled kernels and with SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.plan.audio import Wave
from covary.render.buffers import empty


def recursed(wave: Wave, sections: NDArray[np.float64], gain: float = 1.0) -> Wave:
    """The wave behind a cascade of second-order sections, from rest, in float32.

    Args:
        wave: (C, N) float32.
        sections: (S, 6): b0, b1, b2, a0, a1, a2 of each.
        gain: a factor on all of it.
    """
    return _through(wave, _scaled(sections, gain), np.dtype(np.float32))


def recursed_in_double(wave: NDArray[Any], sections: NDArray[np.float64]) -> NDArray[np.float64]:
    """As `recursed`, in float64."""
    return _through(wave.astype(np.float32, copy=False), _scaled(sections, 1.0), np.dtype(np.float64))


def recursed_energy(wave: NDArray[Any], sections: NDArray[np.float64], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """The energy of the wave behind a cascade, between each two neighbouring edges; without the compiled kernels the
    same but for rounding.

    Args:
        wave: (C, N) floating, taken in float32.
        sections: (S, 6): b0, b1, b2, a0, a1, a2 of each.
        edges: (E,) ascending samples, the first at 0.

    Returns:
        (C, E - 1) sums of squares.
    """
    if kernels.native is None:
        squares = np.square(recursed_in_double(wave[:, : edges[-1]], sections))
        return np.add.reduceat(squares, edges[:-1], axis=1)
    whole = _rows(wave.astype(np.float32, copy=False))
    made = np.empty((len(wave), len(edges) - 1))
    return kernels.native.recursed_energy(whole, _scaled(sections, 1.0), edges, made)  # type: ignore[no-any-return]


def _scaled(sections: NDArray[np.float64], gain: float) -> NDArray[np.float64]:
    """With a0 of 1, and the gain in the first section."""
    made = sections / sections[:, 3:4]
    if gain != 1:
        made[0, :3] *= gain
    return made


def _through(wave: Wave, sections: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    if kernels.native is None:
        from scipy.signal import sosfilt

        made: NDArray[Any] = sosfilt(sections, wave.astype(np.float64), axis=1).astype(dtype, copy=False)
        return made
    return kernels.native.recurse(_rows(wave), sections, empty(wave.shape, dtype))  # type: ignore[no-any-return]


def _rows(wave: Wave) -> Wave:
    """The wave with the samples of a row next to each other."""
    return wave if wave.strides[1] == wave.itemsize else np.ascontiguousarray(wave)
