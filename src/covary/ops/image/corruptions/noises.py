"""Noise of the sensor: Gaussian, shot, impulse and speckle."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from covary.ops.image.corruptions.picture import Chance, Picture

_GAUSSIAN = (0.08, 0.12, 0.18, 0.26, 0.38)
_SHOT = (60.0, 25.0, 12.0, 5.0, 3.0)
_IMPULSE = (0.03, 0.06, 0.09, 0.17, 0.27)
_SPECKLE = (0.15, 0.2, 0.35, 0.45, 0.6)

# Levels of light, and cells of the normal number's range, of the table of Poisson counts.
_LEVELS = 256
_CELLS = 2048
_REACH = 4.4


def gaussian_noise(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Noise of one deviation everywhere."""
    return picture + np.float32(_GAUSSIAN[severity]) * chance.normals(picture.shape)


def speckle_noise(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Noise in proportion to the light."""
    return picture * (1 + np.float32(_SPECKLE[severity]) * chance.normals(picture.shape))


def shot_noise(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Each value is a number of photons, of which a Poisson number arrives."""
    photons = _SHOT[severity]
    levels = np.clip(np.rint(picture * (_LEVELS - 1)), 0, _LEVELS - 1).astype(np.int32)
    cells = (chance.normals(picture.shape) * np.float32(_CELLS / (2 * _REACH)) + _CELLS // 2).astype(np.int32)
    counts = _poisson(photons).ravel()[levels * _CELLS + np.clip(cells, 0, _CELLS - 1)]
    return counts * np.float32(1 / photons)


def impulse_noise(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Some values turn white, as many black."""
    from statistics import NormalDist

    edge = np.float32(NormalDist().inv_cdf(1 - _IMPULSE[severity] / 2))
    normals = chance.normals(picture.shape)
    return np.where(np.abs(normals) < edge, picture, (normals > 0).astype(np.float32))


@lru_cache(maxsize=len(_SHOT))
def _poisson(photons: float) -> NDArray[np.float32]:
    """(levels, cells) counts: the quantile of the Poisson law of each level at the middle of each normal cell."""
    from scipy.special import ndtr, pdtr

    shares = ndtr((np.arange(_CELLS) + 0.5 - _CELLS // 2) * (2 * _REACH / _CELLS))
    counts = np.arange(int(photons + 8 * np.sqrt(photons) + 12))
    table = np.empty((_LEVELS, _CELLS), dtype=np.float32)
    for level in range(_LEVELS):
        table[level] = np.searchsorted(pdtr(counts, photons * level / (_LEVELS - 1)), shares)
    table[0] = 0
    return table
