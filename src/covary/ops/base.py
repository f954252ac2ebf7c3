"""What every operation is made of: declared fields, slots of randomness, and a description of its change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NoReturn, TypeVar, dataclass_transform

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Distribution, as_distribution
from covary.draws.rows import Rows
from covary.ops.view import View
from covary.plan.changes import Bools, Change, Step

_REGISTRY: dict[str, type[Any]] = {}

Class = TypeVar("Class", bound="type[Any]")


def ranged(default: Distribution, *, low: float = -np.inf, high: float = np.inf) -> Any:
    """A field that takes a number, a pair or a distribution whose values must lie in [low, high]."""
    return field(default=default, metadata={"domain": (low, high)})


@dataclass_transform(frozen_default=True, field_specifiers=(field, ranged))
def operation(cls: Class) -> Class:
    """Declare an operation: a frozen data class, known to YAML under its module's modality and its own name."""
    made: Class = dataclass(frozen=True, repr=False)(cls)
    _REGISTRY[qualified_name(made)] = made
    return made


def qualified_name(cls: type[Any]) -> str:
    """The name under which an operation is known: "image.Rotate"; combinators have none but their own."""
    rooms = cls.__module__.split(".")
    return f"{rooms[2]}.{cls.__name__}" if rooms[:2] == ["covary", "ops"] and len(rooms) > 3 else cls.__name__


def registry() -> Mapping[str, type[Operation]]:
    """All declared operations by qualified name."""
    return dict(_REGISTRY)


class Draw:
    """The random numbers of one operation for B samples, drawn when asked for and remembered for the trace."""

    __slots__ = ("_columns", "_operation", "_rows", "values")

    def __init__(
        self,
        operation: Operation,
        columns: Mapping[str, int],
        rows: Rows | None,
        values: dict[str, NDArray[Any]] | None = None,
    ) -> None:
        self._operation = operation
        self._columns = columns
        self._rows = rows
        self.values: dict[str, NDArray[Any]] = {} if values is None else values

    def __call__(self, slot: str) -> NDArray[np.float64]:
        """(B,) values: of the distribution in the field named `slot`, or uniforms of a slot declared in `uniforms`."""
        known = self.values.get(slot)
        if known is None:
            known = self._column("uniforms", slot)
            law = getattr(self._operation, slot, None)
            if isinstance(law, Distribution):
                known = law.quantile(known)
            self.values[slot] = known
        return known

    def stream(self, slot: str) -> NDArray[np.uint64]:
        """(B,) keys of bulk randomness for a slot declared in `streams`."""
        known = self.values.get(slot)
        if known is None:
            known = self._column("streams", slot)
            self.values[slot] = known
        return known

    def _column(self, kind: str, slot: str) -> NDArray[Any]:
        if self._rows is None:
            raise ValueError(f"{type(self._operation).__name__}: the trace has no value for {slot!r}")
        column: NDArray[Any] = np.ascontiguousarray(getattr(self._rows, kind)[:, self._columns[slot]])
        return column


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An operation at its place in a pipeline.

    Attributes:
        operation: the description.
        name: unique in the pipeline; slots are bound to it.
        columns: slot name -> column of the rows.
        children: of a combinator.
    """

    operation: Operation
    name: str
    columns: Mapping[str, int]
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """This node and all below it, depth first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What one operation did: which samples it touched, and the values it drew."""

    node: Node
    active: Bools | None
    draw: Draw


class Course:
    """One walk through a pipeline for B samples: where its numbers come from, and what has been described so far."""

    __slots__ = ("_past", "_rows", "count", "records", "steps")

    def __init__(self, count: int, rows: Rows | None, past: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """`rows` for new draws; `past` (name -> {"active", "values"}) to repeat what a trace recorded."""
        self.count = count
        self._rows = rows
        self._past = past
        self.steps: list[Step] = []
        self.records: list[Record] = []

    def enter(self, node: Node, active: Bools | None) -> tuple[bool, Bools | None, Draw]:
        """Decide whom an operation touches: (anybody at all, which samples or None for all, its draws)."""
        if self._past is None:
            draw = Draw(node.operation, node.columns, self._rows)
            anybody, active = self._chance(node, active)
        else:
            past = self._past.get(node.name, {"active": False, "values": {}})
            values = {
                slot: np.array([v], np.uint64 if isinstance(v, int) else np.float64)
                for slot, v in past["values"].items()
            }
            draw = Draw(node.operation, node.columns, None, values)
            anybody, active = bool(past["active"]), None
        nobody = None if anybody else np.zeros(self.count, dtype=bool)
        self.records.append(Record(node, active if anybody else nobody, draw))
        return anybody, active, draw

    def _chance(self, node: Node, active: Bools | None) -> tuple[bool, Bools | None]:
        p = node.operation.p
        if p >= 1:
            return True, active
        assert self._rows is not None
        happens = self._rows.uniforms[:, node.columns["p"]] < p
        return narrowed(happens if active is None else happens & active)

    def add(self, change: Change, active: Bools | None) -> None:
        """Append a described change."""
        self.steps.append(Step(change, active))


def narrowed(active: Bools) -> tuple[bool, Bools | None]:
    """(anybody at all, the mask or None if it is everybody)."""
    touched = int(np.count_nonzero(active))
    return touched > 0, None if touched == len(active) else active


@dataclass(frozen=True, repr=False)
class Operation:
    """The base of all operations.

    Args:
        p: probability in [0, 1] that a sample is changed at all.
        name: what its random slots are bound to; by default its type and occurrence in the pipeline.
    """

    uniforms: ClassVar[tuple[str, ...]] = ()
    streams: ClassVar[tuple[str, ...]] = ()
    # Sizes, crops and the final format belong to the model's input, not to the variation: strength leaves them alone.
    required: ClassVar[bool] = False

    p: float = field(default=1.0, kw_only=True)
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value, like = getattr(self, item.name), item.default
            if isinstance(like, Distribution):
                try:
                    law = as_distribution(value, like)
                except (TypeError, ValueError) as error:
                    raise type(error)(f"{type(self).__name__}: {item.name}: {error}") from None
                object.__setattr__(self, item.name, law)
                low, high = item.metadata.get("domain", (-np.inf, np.inf))
                lowest, highest = law.bounds()
                if lowest < low or highest > high:
                    self.refuse(item.name, f"{lowest:g} to {highest:g}", f"values from {low:g} to {high:g}")
            elif isinstance(value, list):
                object.__setattr__(self, item.name, tuple(value))
        if isinstance(self.p, bool) or not isinstance(self.p, (int, float)) or not 0 <= self.p <= 1:
            self.refuse("p", repr(self.p), "a probability in [0, 1]")
        if self.name is not None and (not isinstance(self.name, str) or not self.name):
            self.refuse("name", repr(self.name), "a non-empty string or None")
        self.check()

    def check(self) -> None:
        """Refuse wrong arguments; for subclasses with more to check than the ranges of their fields."""

    def refuse(self, argument: str, got: str, allowed: str) -> NoReturn:
        """Raise the error for a wrong argument."""
        raise ValueError(f"{type(self).__name__}: {argument} is {got}; allowed: {allowed}")

    def one_of(self, argument: str, allowed: Sequence[str]) -> None:
        """Refuse a string argument that is none of the allowed words."""
        value = getattr(self, argument)
        if value not in allowed:
            self.refuse(argument, repr(value), ", ".join(allowed))

    @property
    def children(self) -> tuple[Operation, ...]:
        """The operations inside a combinator."""
        return ()

    def slots(self) -> tuple[str, ...]:
        """The names of the random quantities of this operation."""
        ranges = (item.name for item in dataclasses.fields(self) if isinstance(getattr(self, item.name), Distribution))
        return ("p", *ranges, *self.uniforms, *self.streams)

    def describe(self, draw: Draw, view: View) -> Change | Sequence[Change]:
        """The change for B samples at once; rows of samples that the operation leaves out are ignored."""
        raise TypeError(f"{type(self).__name__} describes no change")

    def apply(self, node: Node, course: Course, view: View, active: Bools | None) -> View:
        """Describe the change for the samples still active, append it to the course, and return the view behind."""
        anybody, chosen, draw = course.enter(node, active)
        if not anybody:
            return view
        try:
            changes = self.describe(draw, view)
        except ValueError as error:
            raise ValueError(f"{node.name}: {error}") from None
        for change in changes if isinstance(changes, Sequence) else (changes,):
            course.add(change, chosen)
            view = view.after(change, chosen)
        return view

    def with_strength(self, strength: float) -> Operation:
        """The same operation drawn towards doing nothing: 1 leaves it, 0 makes it idle (sizes and formats stay)."""
        shrunk: dict[str, Any] = {
            item.name: value.shrunk(strength)
            for item in dataclasses.fields(self)
            if isinstance(value := getattr(self, item.name), Distribution) and value.identity is not None
        }
        if not shrunk and not self.required:
            shrunk = {"p": self.p * strength}
        return dataclasses.replace(self, **shrunk)

    def arguments(self) -> dict[str, Any]:
        """The fields that differ from their defaults, by name, in order."""
        given = {}
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            default = item.default_factory() if item.default_factory is not dataclasses.MISSING else item.default
            if default is dataclasses.MISSING or value != default:
                given[item.name] = value
        return given

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={_shown(value)}" for name, value in self.arguments().items())
        return f"{type(self).__name__}({arguments})"


def _shown(value: Any) -> str:
    if isinstance(value, Distribution):
        parts = [
            f"{getattr(value, item.name):g}"
            if isinstance(getattr(value, item.name), float)
            else repr(getattr(value, item.name))
            for item in dataclasses.fields(value)  # type: ignore[arg-type]
            if item.name != "identity" and getattr(value, item.name) != item.default
        ]
        return (
            f"({', '.join(parts)})"
            if type(value).__name__ == "Uniform"
            else f"{type(value).__name__}({', '.join(parts)})"
        )
    return repr(value)
