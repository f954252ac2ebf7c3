"""Distributions: how a uniform number in [0, 1) becomes a parameter.

Each is a frozen description with an inverse distribution function, vectorised over any shape, and an identity: the
value at which its operation does nothing. `shrunk(strength)` draws the whole distribution towards that value.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


class Distribution(ABC):
    """A law for one parameter."""

    identity: float | None

    @abstractmethod
    def quantile(self, u: Floats) -> Floats:
        """The values at the uniform numbers `u` in [0, 1), of the same shape."""

    @abstractmethod
    def shrunk(self, strength: float) -> Distribution:
        """The same law, its values moved towards the identity: 1 leaves all, 0 always gives the identity."""

    @abstractmethod
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value that can come."""

    def weakened(self, u: Floats, strength: Floats) -> Floats:
        """The values of `shrunk(strength[b])` at `u[b]`: a strength of its own for each of (B,) numbers."""
        values = np.empty(len(u))
        for level in np.unique(strength):
            rows = strength == level
            values[rows] = self.shrunk(float(level)).quantile(u[rows])
        return values


def _towards(identity: float, value: float, strength: float) -> float:
    return value if strength == 1 else identity + strength * (value - identity)


def _all_towards(identity: float, value: float, strength: Floats) -> Floats:
    """`_towards` for (B,) strengths, with the same rounding."""
    return np.where(strength == 1, value, identity + strength * (value - identity))


def _finite(owner: object, **values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{type(owner).__name__}: {name} is {value}, a finite number is needed")


class _Between(Distribution):
    """What laws with a lowest and a highest value share."""

    low: float
    high: float

    def shrunk(self, strength: float) -> Distribution:
        if self.identity is None:
            return self
        low, high = (_towards(self.identity, end, strength) for end in (self.low, self.high))
        made: Distribution = replace(self, low=low, high=high)  # type: ignore[type-var]
        return made

    def bounds(self) -> tuple[float, float]:
        return self.low, self.high


@dataclass(frozen=True)
class Uniform(_Between):
    """Evenly spread between `low` and `high`."""

    low: float
    high: float
    identity: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _finite(self, low=self.low, high=self.high)
        if self.low > self.high:
            raise ValueError(f"Uniform: low {self.low} is above high {self.high}")

    def quantile(self, u: Floats) -> Floats:
        return self.low + (self.high - self.low) * u

    def weakened(self, u: Floats, strength: Floats) -> Floats:
        if self.identity is None:
            return self.quantile(u)
        low, high = (_all_towards(self.identity, end, strength) for end in (self.low, self.high))
        return low + (high - low) * u


@dataclass(frozen=True)
class Signed(Distribution):
    """As far as `low` to `high` from the identity, on either side with equal chance.

    Where nothing says otherwise the identity is 0.
    """

    low: float
    high: float
    identity: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _finite(self, low=self.low, high=self.high)
        if not 0 <= self.low <= self.high:
            raise ValueError(f"Signed: got low {self.low}, high {self.high}; needed is 0 <= low <= high")

    def quantile(self, u: Floats) -> Floats:
        return self._at(u, self.low, self.high)

    def weakened(self, u: Floats, strength: Floats) -> Floats:
        return self._at(u, strength * self.low, strength * self.high)

    def _at(self, u: Floats, low: Floats | float, high: Floats | float) -> Floats:
        # The lower half of the uniforms is the one side, the upper half the other: each half is spread anew.
        side = np.where(u < 0.5, -1.0, 1.0)
        return (self.identity or 0.0) + side * (low + (high - low) * (2 * u - (u >= 0.5)))

    def shrunk(self, strength: float) -> Signed:
        return replace(self, low=strength * self.low, high=strength * self.high)

    def bounds(self) -> tuple[float, float]:
        middle = self.identity or 0.0
        return middle - self.high, middle + self.high


@dataclass(frozen=True)
class LogUniform(_Between):
    """Evenly spread in the logarithm: ratios and scales, 0 < low <= high."""

    low: float
    high: float
    identity: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _finite(self, low=self.low, high=self.high)
        if not 0 < self.low <= self.high:
            raise ValueError(f"LogUniform: got low {self.low}, high {self.high}; needed is 0 < low <= high")

    def quantile(self, u: Floats) -> Floats:
        return np.exp(math.log(self.low) + math.log(self.high / self.low) * u)

    def shrunk(self, strength: float) -> LogUniform:
        if self.identity is None or self.identity <= 0:
            return self
        if strength == 1:
            return self
        low, high = (self.identity * (x / self.identity) ** strength for x in (self.low, self.high))
        return replace(self, low=low, high=high)


@dataclass(frozen=True)
class Normal(Distribution):
    """The normal law, cut off at `cut` standard deviations (its share beyond is drawn at the cut)."""

    mean: float
    std: float
    cut: float = 4.0
    identity: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _finite(self, mean=self.mean, std=self.std, cut=self.cut)
        if self.std < 0 or self.cut <= 0:
            raise ValueError(f"Normal: got std {self.std}, cut {self.cut}; needed are std >= 0 and cut > 0")

    def quantile(self, u: Floats) -> Floats:
        from scipy.special import ndtri

        return np.asarray(self.mean + self.std * np.clip(ndtri(u), -self.cut, self.cut), dtype=np.float64)

    def shrunk(self, strength: float) -> Normal:
        if self.identity is None:
            return self
        return replace(self, mean=_towards(self.identity, self.mean, strength), std=self.std * strength)

    def bounds(self) -> tuple[float, float]:
        return self.mean - self.cut * self.std, self.mean + self.cut * self.std


@dataclass(frozen=True)
class Beta(_Between):
    """The beta law with shapes `a` and `b`, stretched over [low, high]."""

    a: float
    b: float
    low: float = 0.0
    high: float = 1.0
    identity: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _finite(self, a=self.a, b=self.b, low=self.low, high=self.high)
        if self.a <= 0 or self.b <= 0:
            raise ValueError(f"Beta: got a {self.a}, b {self.b}; both must be above 0")
        if self.low > self.high:
            raise ValueError(f"Beta: low {self.low} is above high {self.high}")

    def quantile(self, u: Floats) -> Floats:
        from scipy.special import betaincinv

        return np.asarray(self.low + (self.high - self.low) * betaincinv(self.a, self.b, u), dtype=np.float64)


@dataclass(frozen=True)
class Choice(Distribution):
    """One of several numbers, with weights if given. The identity gains weight as strength falls."""

    values: tuple[float, ...]
    weights: tuple[float, ...] | None = None
    identity: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(self.values))
        if not self.values:
            raise ValueError("Choice: no values given")
        _finite(self, **{f"values[{i}]": value for i, value in enumerate(self.values)})
        if self.weights is not None:
            object.__setattr__(self, "weights", checked_weights("Choice", self.weights, len(self.values)))

    def quantile(self, u: Floats) -> Floats:
        return np.asarray(self.values, dtype=np.float64)[choose(u, self.weights, len(self.values))]

    def shrunk(self, strength: float) -> Choice:
        if self.identity is None:
            return self
        weights = self.weights or (1 / len(self.values),) * len(self.values)
        values = self.values
        if self.identity not in values:
            values, weights = (*values, self.identity), (*weights, 0.0)
        blended = tuple(
            strength * weight + (1 - strength) * (value == self.identity)
            for value, weight in zip(values, weights, strict=True)
        )
        return replace(self, values=values, weights=blended)

    def bounds(self) -> tuple[float, float]:
        return min(self.values), max(self.values)


@dataclass(frozen=True)
class Integers(_Between):
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    identity: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name, value in (("low", self.low), ("high", self.high)):
            if int(value) != value:
                raise ValueError(f"Integers: {name} is {value}, a whole number is needed")
            object.__setattr__(self, name, int(value))
        if self.low > self.high:
            raise ValueError(f"Integers: low {self.low} is above high {self.high}")

    def quantile(self, u: Floats) -> Floats:
        return np.floor(self.low + (self.high - self.low + 1) * u)

    def shrunk(self, strength: float) -> Integers:
        if self.identity is None:
            return self
        low, high = (round(_towards(self.identity, x, strength)) for x in (self.low, self.high))
        return replace(self, low=low, high=high)


@dataclass(frozen=True)
class Constant(Distribution):
    """Always the same value."""

    value: float
    identity: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _finite(self, value=self.value)

    def quantile(self, u: Floats) -> Floats:
        return np.full(np.shape(u), self.value, dtype=np.float64)

    def weakened(self, u: Floats, strength: Floats) -> Floats:
        return self.quantile(u) if self.identity is None else _all_towards(self.identity, self.value, strength)

    def shrunk(self, strength: float) -> Constant:
        return (
            self
            if self.identity is None
            else Constant(_towards(self.identity, self.value, strength), identity=self.identity)
        )

    def bounds(self) -> tuple[float, float]:
        return self.value, self.value


Range: TypeAlias = Distribution | tuple[float, float] | float


def as_distribution(value: Any, like: Distribution) -> Distribution:
    """Read what a user gave for a range.

    Args:
        value: a distribution; a pair (low, high), taken in the law of `like` (uniform, log-uniform or integers); or a
            number x: x either side of the identity (1 - x to 1 + x, not below 0, about 1; -x to x about 0).
            Where `like` has no identity, a number is a constant.
        like: the operation's default, which knows the law and the identity.

    Raises:
        TypeError, ValueError: anything else.
    """
    if isinstance(value, Distribution):
        if value.identity is None and like.identity is not None:
            return replace(value, identity=like.identity)  # type: ignore[type-var]
        return value
    law = type(like) if isinstance(like, (LogUniform, Integers)) else Uniform
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, np.number, Sequence, np.ndarray))
        or isinstance(value, str)
    ):
        raise TypeError(f"got {value!r}; allowed are a number, a pair (low, high) or a distribution")
    if isinstance(value, (Sequence, np.ndarray)):
        if len(value) != 2:
            raise ValueError(f"got {value!r}; a range is a pair (low, high)")
        return law(value[0], value[1], identity=like.identity)
    number = float(value)
    if like.identity is None:
        return Constant(number)
    if number < 0:
        raise ValueError(
            f"got {value!r}; a single number is a distance from the identity {like.identity:g} and not negative"
        )
    if like.identity == 1:
        low = max(0.0, 1 - number)
        return Uniform(low, 1 + number, identity=1)
    if isinstance(like, Integers):
        return Integers(int(like.identity - number), int(like.identity + number), identity=like.identity)
    return Uniform(like.identity - number, like.identity + number, identity=like.identity)


def checked_weights(owner: str, weights: Sequence[float], count: int) -> tuple[float, ...]:
    """Weights scaled to sum to one.

    Raises:
        ValueError: their number differs from `count`, one is negative or not finite, or all are zero.
    """
    numbers = tuple(float(weight) for weight in weights)
    if len(numbers) != count:
        raise ValueError(f"{owner}: got {len(numbers)} weights for {count} choices")
    if not all(math.isfinite(weight) and weight >= 0 for weight in numbers) or sum(numbers) <= 0:
        raise ValueError(f"{owner}: weights {numbers} must be finite, not negative and not all zero")
    return tuple(weight / sum(numbers) for weight in numbers)


def choose(u: Floats, weights: Sequence[float] | None, count: int) -> NDArray[np.intp]:
    """The index that each uniform number picks among `count` choices."""
    if weights is None:
        return np.minimum((u * count).astype(np.intp), count - 1)
    edges = np.cumsum(weights)
    # The last choice with any weight takes what rounding leaves at the top.
    last = int(np.flatnonzero(np.asarray(weights))[-1])
    return np.minimum(np.searchsorted(edges, u, side="right"), last)


def dirichlet(alpha: float, u: Floats) -> Floats:
    """(B, K) weights of the symmetric Dirichlet law, each row summing to one, from uniform numbers (B, K)."""
    from scipy.special import gammaincinv

    # Gamma(alpha) numbers over their sum; 0 is kept away from the division.
    gammas = np.maximum(gammaincinv(alpha, u), 1e-300)
    weights: Floats = gammas / gammas.sum(axis=1, keepdims=True)
    return weights
