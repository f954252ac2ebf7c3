"""At which strengths an operation is looked at, and how its ranges are cut to a strength."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from covary.draws.distributions import Choice, Distribution, Integers, LogUniform, Normal, Uniform
from covary.ops.base import Operation

STRENGTHS = (0.25, 0.5, 0.75, 1.0)
MOST_VALUES = 8
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
        if not isinstance(law, (Uniform, LogUniform, Normal, Integers)):
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
        return Setting(_always(dataclasses.replace(self.operation, **{self.field: law})), strength, words)

    def cut(self, strength: float) -> Operation:
        """The operation of the pipeline with its ranges drawn in, its probability as it was."""
        return self.operation.with_strength(strength)

    def without(self, values: set[float]) -> Operation | None:
        """The operation with some values of its choice left out; None if that leaves it nothing to do."""
        law = self._law
        assert isinstance(law, Choice) and self.field is not None
        weights = law.weights or (1 / len(law.values),) * len(law.values)
        kept = [(v, w) for v, w in zip(law.values, weights, strict=True) if v not in values and w > 0]
        if all(value == law.identity for value, _ in kept):
            return None
        even = law.weights is None
        chosen = Choice(tuple(v for v, _ in kept), None if even else tuple(w for _, w in kept), identity=law.identity)
        return dataclasses.replace(self.operation, **{self.field: chosen})

    def words(self, operation: Operation) -> str:
        """The range or the values of a cut operation, for people."""
        if self.field is None:
            return "all ranges drawn in"
        law = operation.law(self.field)
        if isinstance(law, Choice):
            return f"{self.field} one of {', '.join(f'{value:g}' for value in law.values)}"
        low, high = law.bounds()
        return f"{self.field} {low:.3g} to {high:.3g}"


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
