"""Laws of noise by name, as tables from which a 16-bit number becomes a value of mean 0 and variance 1.

A table has two halves of three rows, for numbers without and with bit 15. In each half a parabola stands for each
octave of the share v, as `covary.draws.streams.gaussian_values` describes it; v / 131072 of all numbers lie further
out, on the upper side of the law for the first half and on the lower side for the second one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from covary.draws.streams import on_parabolas, parabolas

LAWS = ("uniform", "gaussian", "laplace", "beta", "rayleigh", "exponential")


@lru_cache(maxsize=64)
def law_table(name: str, alpha: float = 2.0, beta: float = 2.0) -> NDArray[np.float32]:
    """(6, 16) float32, read-only: the table of a law.

    Args:
        name: one of `LAWS`.
        alpha, beta: shapes of the beta law, above 0; of no meaning to the others.
    """
    quantile = _quantile(name, alpha, beta)
    upper = parabolas(lambda v: quantile(1 - v / 131072))
    lower = parabolas(lambda v: quantile(v / 131072))
    values = np.concatenate([on_parabolas(upper), on_parabolas(lower)])
    mean, deviation = values.mean(), values.std()
    table = np.concatenate([upper, lower])
    table[[2, 5]] -= mean
    rounded: NDArray[np.float32] = (table / deviation).astype(np.float32)
    rounded.flags.writeable = False
    return rounded


def law_values(bits: NDArray[np.uint16], table: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values of 16-bit numbers by a law's table, in float32, each product and sum rounded by itself."""
    share = ((bits & np.uint16(0x7FFF)).astype(np.int32) * 2 + 1).astype(np.float32)
    mantissa, exponent = np.frexp(share)
    t = mantissa * np.float32(2)
    half = 3 * (bits >> np.uint16(15)).astype(np.intp)
    a, b, c = (table[half + row, exponent - 1] for row in range(3))
    values: NDArray[np.float32] = (a * t + b) * t + c
    return values


def _quantile(name: str, alpha: float, beta: float) -> Callable[[float], float]:
    """The inverse distribution function, but for its mean and its variance."""
    if name == "uniform":
        return lambda p: p
    if name == "laplace":
        return lambda p: float(np.log(2 * p) if p < 0.5 else -np.log(2 - 2 * p))
    if name == "rayleigh":
        return lambda p: float(np.sqrt(-2 * np.log1p(-p)))
    if name == "exponential":
        return lambda p: float(-np.log1p(-p))
    if name == "gaussian":
        from statistics import NormalDist

        return NormalDist().inv_cdf
    from scipy.special import betaincinv

    return lambda p: float(betaincinv(alpha, beta, p))
