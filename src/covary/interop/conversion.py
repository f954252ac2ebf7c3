"""Pipelines of other libraries, made ours: what the converters share.

A converter walks through another library's pipeline. For each operation it has a translation: a function that reads
what it was given (`Foreign`) and makes operations of covary. Whatever it does not read, and whatever has no equal, is
written down.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, TypeAlias

from covary.draws.distributions import Constant, Distribution, Integers, Uniform
from covary.ops.base import Operation, registry
from covary.ops.combine import Sequential
from covary.ops.image.finish import Normalize, ToTensor
from covary.ops.image.spatial import Size, height_width
from covary.ops.spec import declare_all
from covary.pipeline import Pipeline

Missing: TypeAlias = Literal["raise", "skip"]
Translation: TypeAlias = "Callable[[Foreign], Sequence[Operation]]"

_SHOWN = 40


@dataclass(frozen=True)
class Difference:
    """Something that is not as it was in the other library.

    Attributes:
        place: where it stood, as "transforms[2].OneOf[0]".
        operation: its name there.
        what: what has no equal, or what is another here.
    """

    place: str
    operation: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.operation}: {self.what}"


class ConversionError(ValueError):
    """What has no equal here, all of it.

    Attributes:
        missing: each of them.
    """

    def __init__(self, missing: Sequence[Difference]) -> None:
        self.missing = tuple(missing)
        lines = [f"  {each}" for each in self.missing[:_SHOWN]]
        if len(self.missing) > _SHOWN:
            lines.append(f"  and {len(self.missing) - _SHOWN} more")
        super().__init__("\n".join(['no equal for (missing="skip" leaves it out):', *lines]))


class ConversionWarning(UserWarning):
    """Something was left out, or is made in another way here."""


@dataclass(frozen=True)
class Conversion:
    """A converted pipeline, and what is not as it was.

    Attributes:
        pipeline: of covary.
        missing: what was left out, as it has no equal.
        differences: what is there, but in another way: another law, another formula, another form of the result.
    """

    pipeline: Pipeline
    missing: tuple[Difference, ...]
    differences: tuple[Difference, ...]

    def warn(self) -> None:
        """Issue a warning for each thing that was left out, and one for all that is made in another way."""
        for each in self.missing:
            warnings.warn(f"left out: {each}", ConversionWarning, stacklevel=3)
        if self.differences:
            lines = "\n".join(f"  {each}" for each in self.differences)
            warnings.warn(f"made in another way here:\n{lines}", ConversionWarning, stacklevel=3)


class NoEqualError(Exception):
    """An operation of the other library cannot be made of ours."""


@dataclass
class Log:
    """What the walk has found so far, and what all translations may ask for."""

    size: tuple[int, int] | None = None  # of the pictures, where their library counts in pixels and ours in shares
    missing: list[Difference] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)


@dataclass
class Foreign:
    """One operation of the other library, as a translation reads it.

    Attributes:
        name: of its class.
        place: where it stands.
        arguments: what it was given.
        log: of the walk.
    """

    name: str
    place: str
    arguments: Mapping[str, Any]
    log: Log
    read: set[str] = field(default_factory=set)

    def __call__(self, argument: str, default: Any = None) -> Any:
        """An argument; lists are tuples."""
        self.read.add(argument)
        return as_tuples(self.arguments.get(argument, default))

    def number(self, argument: str, default: float) -> float:
        """An argument that is one number."""
        value = self(argument, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            self.no_equal(f"{argument}={value!r} is no number")
        return value

    def span(self, argument: str, default: Any, factor: float = 1.0, offset: float = 0.0) -> Distribution:
        """A range, evenly spread as there, in our unit: factor times theirs plus offset."""
        return spread(self(argument, default), factor, offset)

    def whole(self, argument: str, default: Any) -> Distribution:
        """A range of whole numbers, both ends included."""
        value = self(argument, default)
        low, high = value if isinstance(value, tuple) else (value, value)
        return Integers(int(low), int(high))

    def usual(self, argument: str, *allowed: Any) -> None:
        """What ours has no word for: lost unless it is one of the values that mean what ours does."""
        value = self(argument, allowed[0])
        if value not in allowed:
            self.lost(f"{argument}={value!r} has no equal")

    def idle(self, *arguments: str) -> None:
        """Arguments that say nothing about the result, or what ours does anyway."""
        self.read.update(arguments)

    def lost(self, what: str) -> None:
        """Write down that a part of it has no equal."""
        self.log.missing.append(Difference(self.place, self.name, what))

    def differs(self, what: str) -> None:
        """Write down that ours does it in another way."""
        self.log.differences.append(Difference(self.place, self.name, what))

    def no_equal(self, what: str) -> NoReturn:
        """Give up on it."""
        raise NoEqualError(what)

    def sides(self, what: str) -> tuple[int, int]:
        """Height and width of the pictures; given up where nobody said."""
        if self.log.size is None:
            self.no_equal(f"{what} is counted in pixels, ours in shares of the picture: say its size (size=)")
        return self.log.size

    def unread(self) -> dict[str, Any]:
        """Arguments that no translation has looked at, without those that are None."""
        return {
            name: value
            for name, value in self.arguments.items()
            if name not in self.read and name not in ("p", "always_apply") and value is not None
        }


def as_tuples(value: Any) -> Any:
    """Lists as tuples, all the way down."""
    return tuple(as_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value


def spread(value: Any, factor: float = 1.0, offset: float = 0.0) -> Distribution:
    """A number or a pair as an even law, in another unit; a negative factor turns it round."""
    low, high = value if isinstance(value, tuple) else (value, value)
    low, high = sorted((factor * float(low) + offset, factor * float(high) + offset))
    return Constant(low) if low == high else Uniform(low, high)


def ours(name: str, **arguments: Any) -> Operation:
    """An operation of covary by name, as "Rotate" or "image.Rotate".

    Raises:
        NoEqualError: there is none of this name, or it refuses the arguments.
    """
    try:
        return _class(name)(**arguments)
    except (ValueError, TypeError) as error:
        raise NoEqualError(str(error)) from None


def _class(name: str) -> type[Operation]:
    declare_all()
    known = registry()
    for full in (f"image.{name}", name):
        if full in known:
            return known[full]
    raise ValueError(f"covary has no {name}")


def translated(foreign: Foreign, translation: Translation | None, reason: str | None, p: float) -> list[Operation]:
    """The operations that stand for one of theirs, applied with probability p; none where it has no equal."""
    log = foreign.log
    marks = len(log.missing), len(log.differences)
    try:
        if translation is None:
            raise NoEqualError(reason or "is not known here")
        made = list(translation(foreign))
    except NoEqualError as error:
        del log.missing[marks[0] :], log.differences[marks[1] :]
        foreign.lost(str(error))
        return []
    for name, value in foreign.unread().items():
        foreign.lost(f"{name}={value!r} has no equal")
    return with_chance(made, p, foreign)


def with_chance(made: Sequence[Operation], p: float, foreign: Foreign) -> list[Operation]:
    """Operations that happen together, with probability p."""
    if p == 1:
        # Some of ours have another default.
        return [dataclasses.replace(each, p=1.0) if _is_single(each) else each for each in made]
    if any(isinstance(each, (Normalize, ToTensor)) for each in made):
        foreign.lost(f"p={p}: all pictures of a batch need the same form")
        return list(made)
    if len(made) == 1 and (_is_single(made[0]) or made[0].p == 1):
        return [dataclasses.replace(made[0], p=float(p))]
    return [Sequential(tuple(made), p=float(p))] if made else []


def _is_single(operation: Operation) -> bool:
    return not operation.children


def idle() -> Operation:
    """An operation that does nothing: what stands in a choice for "leave it as it is"."""
    return ours("HorizontalFlip", p=0.0)


def finished(operations: Iterable[Operation], log: Log) -> list[Operation]:
    """Operations with the form of the result (Normalize, ToTensor) at their end, where ours must stand."""
    body: list[Operation] = []
    ends: list[Operation] = []
    for each in operations:
        if isinstance(each, (Normalize, ToTensor)):
            ends.append(each)
            continue
        if ends:
            what = f"stands behind {type(ends[0]).__name__} there, and in front of it here"
            log.differences.append(Difference("end", type(each).__name__, what))
        body.append(each)
    normalising = [each for each in ends if isinstance(each, Normalize)]
    tensors = [each for each in ends if isinstance(each, ToTensor)]
    if len(normalising) > 1:
        log.missing.append(Difference("end", "Normalize", "is there more than once; the first was taken"))
    if normalising:
        layout = "CHW" if tensors else normalising[0].layout
        return [*body, dataclasses.replace(normalising[0], layout=layout)]
    if tensors:
        return [*body, ToTensor(scale=any(each.scale for each in tensors))]
    return body


def concluded(operations: Iterable[Operation], log: Log, missing: Missing, options: Mapping[str, Any]) -> Conversion:
    """The pipeline, and what the walk wrote down.

    Raises:
        ConversionError: something has no equal, and `missing` is "raise".
        ValueError: `missing` is neither "raise" nor "skip".
    """
    if missing not in ("raise", "skip"):
        raise ValueError(f"missing is {missing!r}; allowed: raise, skip")
    made = finished(operations, log)
    if log.missing and missing == "raise":
        raise ConversionError(log.missing)
    return Conversion(Pipeline(made, **options), tuple(log.missing), tuple(log.differences))


def checked_sides(size: Size | None) -> tuple[int, int] | None:
    """The size of the pictures as (height, width), or None where it was not said."""
    return None if size is None else height_width(size)
