"""What every operation is made of: declared fields, slots of randomness, and a description of its change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, NoReturn, TypeVar, cast, dataclass_transform

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Distribution, Uniform, as_distribution
from covary.draws.rows import Rows
from covary.draws.streams import frame_streams
from covary.ops.view import Modality, View
from covary.plan.changes import Bools, Change, Ints, Step

_REGISTRY: dict[str, type[Any]] = {}

Class = TypeVar("Class", bound="type[Any]")
Kind = TypeVar("Kind", bound="Declared")


def ranged(*, default: Distribution, low: float = -np.inf, high: float = np.inf) -> Any:
    """A field that takes a number, a pair or a distribution whose values must lie in [low, high]."""
    return field(default=default, metadata={"domain": (low, high)})


@dataclass_transform(frozen_default=True, field_specifiers=(field, ranged))
def operation(cls: Class) -> Class:
    """Declare an operation: a frozen data class, known to YAML under its module's modality and its own name."""
    made = cast(Class, dataclass(frozen=True, repr=False)(cls))
    _REGISTRY[qualified_name(made)] = made
    return made


def qualified_name(cls: type[Any]) -> str:
    """The name under which an operation is known: "image.Rotate"; combinators have none but their own."""
    rooms = cls.__module__.split(".")
    return f"{rooms[2]}.{cls.__name__}" if rooms[:2] == ["covary", "ops"] and len(rooms) > 3 else cls.__name__


def declared(kind: type[Kind]) -> Mapping[str, type[Kind]]:
    """All that is declared of one kind (a base class), by qualified name."""
    return {name: cls for name, cls in _REGISTRY.items() if issubclass(cls, kind)}


def registry() -> Mapping[str, type[Operation]]:
    """All declared operations by qualified name."""
    return declared(Operation)


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An operation at its place in a pipeline.

    Attributes:
        operation: the description.
        name: unique in the pipeline; slots are bound to it.
        columns: slot name -> column of the rows.
        children: of a combinator.
        laws: the distributions among the slots.
        fades: whether strength lowers the probability, as none of the laws has an identity to be drawn towards.
    """

    operation: Operation
    name: str
    columns: Mapping[str, int]
    children: tuple[Node, ...] = ()
    laws: Mapping[str, Distribution] = field(init=False)
    fades: bool = field(init=False)

    def __post_init__(self) -> None:
        fields = {slot: getattr(self.operation, slot, None) for slot in self.columns}
        laws = {slot: law for slot, law in fields.items() if isinstance(law, Distribution)}
        object.__setattr__(self, "laws", laws)
        object.__setattr__(self, "fades", self.operation.fades and not any(map(_has_identity, laws.values())))

    def walk(self) -> Iterator[Node]:
        """This node and all below it, depth first."""
        yield self
        for child in self.children:
            yield from child.walk()


class Chance:
    """The rows of B samples, laid out for operations: one contiguous array per slot."""

    __slots__ = ("lines", "streams", "uniforms")

    def __init__(self, rows: Rows, lines: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None) -> None:
        """`lines` are the (S, 1) starts and lengths of the slots' uniform laws (0 and 1 for all others): the values of
        all of them are made in one go, as a NumPy call for each costs more than all the rest of a single draw."""
        self.uniforms = np.ascontiguousarray(rows.uniforms.T)
        self.streams = np.ascontiguousarray(rows.streams.T)
        self.lines = None if lines is None else lines[0] + lines[1] * self.uniforms

    def value(self, column: int, law: Distribution | None) -> NDArray[np.float64]:
        """(B,) values of a slot: of its law, or the uniforms themselves."""
        if self.lines is not None and (law is None or type(law) is Uniform):
            value: NDArray[np.float64] = self.lines[column]
            return value
        return self.uniforms[column] if law is None else law.quantile(self.uniforms[column])


def _has_identity(law: Distribution) -> bool:
    return law.identity is not None


class Draw:
    """The random numbers of one operation for B samples, drawn when asked for and remembered for the trace."""

    __slots__ = ("_chance", "_frames", "_node", "_strength", "values")

    def __init__(
        self,
        node: Node,
        chance: Chance | None,
        values: dict[str, NDArray[Any]],
        strength: NDArray[np.float64] | None = None,
        frames: Ints | None = None,
    ) -> None:
        self._node = node
        self._chance = chance
        self._strength = strength
        self._frames = frames
        self.values = values

    def __call__(self, slot: str) -> NDArray[np.float64]:
        """(B,) values: of the distribution in the field named `slot`, or uniforms of a slot declared in `uniforms`."""
        known = self.values.get(slot)
        if known is None:
            chance, column, law = self._source(slot), self._node.columns[slot], self._node.laws.get(slot)
            if self._strength is None or law is None or law.identity is None:
                known = chance.value(column, law)
            else:
                known = law.weakened(chance.uniforms[column], self._strength)
            self.values[slot] = known
        return known

    def stream(self, slot: str) -> NDArray[np.uint64]:
        """(B,) keys of bulk randomness for a slot declared in `streams`."""
        known = self.values.get(slot)
        if known is None:
            known = self._source(slot).streams[self._node.columns[slot]]
            self.values[slot] = known
        if self._frames is not None and slot in self._node.operation.fresh:
            return frame_streams(known, self._frames)
        return known

    def _source(self, slot: str) -> Chance:
        if self._chance is None:
            raise ValueError(f"{self._node.name}: the trace has no value for {slot!r}")
        return self._chance


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What one operation did: which samples it touched, and the values it drew."""

    node: Node
    active: Bools | None
    draw: Draw


class Course:
    """One walk through a pipeline for B samples: where its numbers come from, and what has been described so far."""

    __slots__ = ("_chance", "_past", "_strength", "count", "frames", "records", "steps")

    def __init__(
        self,
        count: int,
        rows: Rows | None,
        past: Mapping[str, Mapping[str, Any]] | None = None,
        lines: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
        strength: NDArray[np.float64] | None = None,
    ) -> None:
        """`rows` (and `lines`, see Chance) for new draws; `past` (name -> {"active", "values"}) to repeat a trace.

        `strength` (B,) draws what happens to each sample towards nothing, as `Operation.with_strength` does; None is
        1 for all. What is repeated has its strength in its values.
        """
        self.count = count
        self._strength = strength
        self._chance = None if rows is None else Chance(rows, lines)
        self._past = past
        # (B,) which frame of its video each sample is, where frames get noise of their own.
        self.frames: Ints | None = None
        self.steps: list[Step] = []
        self.records: list[Record] = []

    def enter(self, node: Node, active: Bools | None) -> tuple[bool, Bools | None, Draw]:
        """Decide whom an operation touches: (anybody at all, which samples or None for all, its draws)."""
        anybody = True
        if self._past is not None:
            past = self._past.get(node.name, {"active": False, "values": {}})
            values = {slot: _as_drawn(value, self.count) for slot, value in past["values"].items()}
            draw = Draw(node, None, values, frames=self.frames)
            anybody, active = bool(past["active"]), None
        else:
            assert self._chance is not None
            draw = Draw(node, self._chance, {}, self._strength, self.frames)
            p: Any = node.operation.p
            if self._strength is not None and node.fades:
                p = p * self._strength
            elif p >= 1:
                p = None
            if p is not None:
                happens = self._chance.uniforms[node.columns["p"]] < p
                anybody, active = narrowed(happens if active is None else happens & active)
        self.records.append(Record(node, active if anybody else np.zeros(self.count, dtype=bool), draw))
        return anybody, active, draw

    @contextmanager
    def weakened(self, strength: NDArray[np.float64] | None) -> Iterator[None]:
        """Draw what is described within at (B,) strengths, on top of those that hold already."""
        before = self._strength
        if strength is not None:
            self._strength = strength if before is None else before * strength
        try:
            yield
        finally:
            self._strength = before

    def add(self, change: Change, active: Bools | None) -> None:
        """Append a described change."""
        self.steps.append(Step(change, active))


def _as_drawn(value: float, count: int) -> NDArray[Any]:
    """A value of a trace as it was drawn: stream keys are whole numbers, all others are floating."""
    return np.full(count, value, np.uint64 if isinstance(value, int) else np.float64)


def narrowed(active: Bools) -> tuple[bool, Bools | None]:
    """(anybody at all, the mask or None if it is everybody)."""
    touched = int(np.count_nonzero(active))
    return touched > 0, None if touched == len(active) else active


@dataclass(frozen=True, repr=False)
class Declared:
    """What operations and mixers share: fields that are checked when the object is made, and random slots.

    Args:
        p: probability in [0, 1] that a sample is changed at all.
        name: what its random slots are bound to; by default its type and occurrence.
    """

    # What it acts on: it passes views of other modalities by. None (combinators): whatever its children act on.
    modality: ClassVar[Modality | None] = "image"
    uniforms: ClassVar[tuple[str, ...]] = ()
    streams: ClassVar[tuple[str, ...]] = ()
    # The streams that a camera would draw anew for every frame of a video.
    fresh: ClassVar[tuple[str, ...]] = ("noise",)

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

    def law(self, argument: str) -> Distribution:
        """The distribution in a field: what the user gave for a range has become one when the operation was made."""
        law: Distribution = getattr(self, argument)
        return law

    def slots(self) -> tuple[str, ...]:
        """The names of the random quantities of this operation."""
        ranges = (item.name for item in dataclasses.fields(self) if isinstance(getattr(self, item.name), Distribution))
        return ("p", *ranges, *self.uniforms, *self.streams)

    def arguments(self) -> dict[str, Any]:
        """The fields that differ from their defaults, by name: the operation's own first, `p` and `name` last."""
        given = {}
        for item in sorted(dataclasses.fields(self), key=lambda item: (item.kw_only, item.name in ("p", "name"))):
            value = getattr(self, item.name)
            default = item.default_factory() if item.default_factory is not dataclasses.MISSING else item.default
            if default is dataclasses.MISSING or value != default:
                given[item.name] = value
        return given

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={_shown(value)}" for name, value in self.arguments().items())
        return f"{type(self).__name__}({arguments})"


@dataclass(frozen=True, repr=False)
class Operation(Declared):
    """The base of all operations.

    Args:
        p: probability in [0, 1] that a sample is changed at all.
        name: what its random slots are bound to; by default its type and occurrence in the pipeline.
    """

    # Sizes, crops and the final format belong to the model's input, not to the variation: strength leaves them alone.
    required: ClassVar[bool] = False
    # Whether `describe` asks for the labels of the samples (`view.labels`): crops that keep boxes whole, and others.
    looks: ClassVar[bool] = False
    # Whether it must hear the sound (`AudioView.heard`), so that nothing can be planned before that is there.
    listens: ClassVar[bool] = False
    # Whether strength lowers the probability where no range has an identity; combinators pass it on to their children.
    passes_strength_on: ClassVar[bool] = False

    @property
    def fades(self) -> bool:
        """Whether strength may lower the probability of this operation."""
        return not (self.required or self.passes_strength_on)

    @property
    def children(self) -> tuple[Operation, ...]:
        """The operations inside a combinator."""
        return ()

    def describe(self, draw: Draw, view: Any) -> Any:
        """The change, or several in order, for B samples at once; rows that the operation leaves out are ignored.

        View and changes are those of the operation's modality: `View` and `Change` for images.
        """
        raise TypeError(f"{type(self).__name__} describes no change")

    def apply(self, node: Node, course: Course, view: View, active: Bools | None) -> View:
        """Describe the change for the samples still active, append it to the course, and return the view behind."""
        if self.modality != view.modality:
            return view
        anybody, chosen, draw = course.enter(node, active)
        if not anybody:
            return view
        try:
            changes = self.describe(draw, view)
        except ValueError as error:
            raise ValueError(f"{node.name}: {error}") from error
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
        if not shrunk and self.fades:
            shrunk = {"p": self.p * strength}
        return dataclasses.replace(self, **shrunk)


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
