"""At which strengths an operation is looked at, and how its ranges are cut to a strength."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from covary.draws.distributions import Choice, Constant, Distribution, Integers, LogUniform, Normal, Uniform
from covary.ops.base import Operation

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
MOST_VALUES = 8
LEAST_STRENGTH = 0.1  # below, an operation is dropped rather than cut
NEARLY_IDLE = 0.5  # of the distance of the farther end: a nearer end of a range is not looked at by itself


@dataclass(frozen=True)
class Setting:
    """An operation as it is looked at: always applied, with certain values.

    Attributes:
        operation: with p = 1.
        strength: in (0, 1].
        words: its values, for people; "" where it has none.
    """

    operation: Operation
    strength: float
    words: str


@dataclass(frozen=True)
class Limits:
    """What is safe of an operation.

    Attributes:
        strength: up to which it is; 1 if all of it is.
        values: of its choice that are not.
    """

    strength: float = 1.0
    values: frozenset[float] = frozenset()

    def within(self, other: Limits) -> Limits:
        """What is safe by both."""
        return Limits(min(self.strength, other.strength), self.values | other.values)


EVERYTHING = Limits()
NOTHING = Limits(0.0)


@dataclass(frozen=True)
class Dial:
    """What can be turned about one operation.

    Attributes:
        operation: as in the pipeline.
        field: the one range or choice that says how strong it is; None if there is none, or several.
        turns: whether strength changes anything but how often it is applied.
    """

    operation: Operation
    field: str | None
    turns: bool

    @classmethod
    def of(cls, operation: Operation) -> Dial:
        """The dial of an operation that is no combinator."""
        moving = [
            item.name
            for item in dataclasses.fields(operation)
            if isinstance(law := getattr(operation, item.name), Distribution)
            and law.identity is not None
            and law.bounds() != (law.identity, law.identity)
        ]
        return cls(operation, moving[0] if len(moving) == 1 else None, bool(moving))

    @property
    def chooses(self) -> bool:
        """Whether its strength is a choice of values, such as quarter turns."""
        return isinstance(self._law, Choice) and 1 < len(self._law.values) <= MOST_VALUES

    @property
    def _law(self) -> Distribution | None:
        return None if self.field is None else self.operation.law(self.field)

    def drawn(self) -> Setting:
        """As it is in the pipeline, but always applied."""
        return Setting(_always(self.operation), 1.0, "as drawn")

    def settings(self) -> list[Setting]:
        """What to look at beside `drawn`: each value of a choice, or rising strengths."""
        if self.chooses:
            law = self._law
            assert isinstance(law, Choice)
            return [self._with(Choice((v,)), 1.0, f"{self.field} {v:g}") for v in law.values if v != law.identity]
        return [self.at(strength) for strength in STRENGTHS] if self.turns else []

    def at(self, strength: float) -> Setting:
        """At the edge of what it does at a strength; where several ranges are at work, as drawn at that strength."""
        law = self._law
        if not isinstance(law, (Uniform, LogUniform, Normal, Integers, Constant)):
            weaker = self.operation.with_strength(strength)
            return Setting(_always(weaker), strength, f"strength {strength:.2g}")
        edges = _edges(law, strength)
        assert self.field is not None
        words = f"{self.field} {' or '.join(f'{edge:.3g}' for edge in edges)}"
        try:
            return self._with(Choice(edges), strength, words)
        except (TypeError, ValueError):  # it takes no Choice, or not these values
            weaker = self.operation.with_strength(strength)
            return Setting(_always(weaker), strength, f"strength {strength:.2g}")

    def _with(self, law: Distribution, strength: float, words: str) -> Setting:
        assert self.field is not None
        return Setting(_always(_replaced(self.operation, **{self.field: law})), strength, words)

    def limited(self, limits: Limits) -> Operation | None:
        """The operation of the pipeline within limits, its probability as it was; None if nothing is left of it."""
        if limits.strength < LEAST_STRENGTH:
            return None
        if limits.values:
            return self._without(limits.values) if self.chooses else None
        if limits.strength >= 1:
            return self.operation
        # What always turns by 180 degrees is no turn by 20 degrees made too strong.
        if not self.turns or self._always_far():
            return None
        return self.operation.with_strength(limits.strength)

    def _always_far(self) -> bool:
        law = self._law
        if law is None or law.identity is None or law.identity in self._domain():
            return False
        low, high = (end - law.identity for end in law.bounds())
        return low * high > 0 and min(abs(low), abs(high)) > NEARLY_IDLE * max(abs(low), abs(high))

    def _domain(self) -> tuple[float, float]:
        """What the field allows: where the identity is an end of it, the field is an amount."""
        items = {item.name: item.metadata for item in dataclasses.fields(self.operation)}
        ends: tuple[float, float] = items[self.field or ""].get("domain", (-math.inf, math.inf))
        return ends

    def _without(self, values: frozenset[float]) -> Operation | None:
        law = self._law
        assert isinstance(law, Choice) and self.field is not None
        weights = law.weights or (1 / len(law.values),) * len(law.values)
        kept = [(v, w) for v, w in zip(law.values, weights, strict=True) if v not in values and w > 0]
        if all(value == law.identity for value, _ in kept):
            return None
        even = law.weights is None
        chosen = Choice(tuple(v for v, _ in kept), None if even else tuple(w for _, w in kept), identity=law.identity)
        return _replaced(self.operation, **{self.field: chosen})


def _replaced(operation: Operation, **fields: Any) -> Operation:
    return dataclasses.replace(operation, **fields)


def _always(operation: Operation) -> Operation:
    return dataclasses.replace(operation, p=1.0)


def _edges(law: Distribution, strength: float) -> tuple[float, ...]:
    """The ends of the law at a strength, less one that does next to nothing."""
    whole = law.shrunk(strength)
    # The normal law's ends are where next to nothing is drawn; two standard deviations hold 95 in 100.
    low, high = (
        (whole.mean - 2 * whole.std, whole.mean + 2 * whole.std) if isinstance(whole, Normal) else whole.bounds()
    )
    assert law.identity is not None
    identity = law.identity
    if low == high:
        return (low,)
    away = max(abs(low - identity), abs(high - identity))
    return tuple(end for end in (low, high) if abs(end - identity) >= NEARLY_IDLE * away)
