"""Operations as plain data: what YAML files and manifests hold. Only registered operations can be named, never code."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from inspect import isabstract
from typing import Any

import numpy as np

from covary.draws import distributions
from covary.draws.distributions import Distribution, Integers, LogUniform, Uniform
from covary.ops.base import Declared, Kind, Operation, declared, qualified_name

_MODALITIES = ("image", "audio", "text", "volume", "mix")

_LAWS: dict[str, type[Distribution]] = {
    law.__name__: law
    for law in vars(distributions).values()
    if isinstance(law, type) and issubclass(law, Distribution) and not isabstract(law)
}


def to_plain(operation: Declared) -> dict[str, Any]:
    """The operation as {name: {argument: value}}, defaults left out."""
    defaults = {item.name: item.default for item in dataclasses.fields(operation)}
    arguments = {name: _plain(value, defaults[name]) for name, value in operation.arguments().items()}
    return {qualified_name(type(operation)): arguments}


def _plain(value: Any, default: Any) -> Any:
    if isinstance(value, Declared):
        return to_plain(value)
    if isinstance(value, Distribution):
        return _plain_law(value, default)
    if isinstance(value, (tuple, list)):
        return [_plain(item, None) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be written as plain data")


def _plain_law(law: Distribution, default: Any) -> Any:
    identity = default.identity if isinstance(default, Distribution) else None
    expected = type(default) if isinstance(default, (LogUniform, Integers)) else Uniform
    if type(law) is expected and law.identity == identity:
        return list(law.bounds())
    arguments = {
        item.name: _plain(getattr(law, item.name), None)
        for item in dataclasses.fields(law)  # type: ignore[arg-type]
        if getattr(law, item.name) != item.default and not (item.name == "identity" and law.identity == identity)
    }
    return {type(law).__name__: arguments}


def from_plain(data: Any) -> Operation:
    """The operation that plain data describes; see `declared_from_plain`."""
    return declared_from_plain(data, Operation, "an operation")


def declared_from_plain(data: Any, kind: type[Kind], what: str) -> Kind:
    """The operation, or what else is declared of one kind, that plain data describes.

    Args:
        data: {name: {argument: value}}, or a bare name for an operation with its defaults. A name may leave out its
            modality: "Rotate" is "image.Rotate", and "Normalize" the image's, as images come first.
        kind: the base class of all that may be named.
        what: how messages call one of them: "an operation".

    Raises:
        ValueError: an unknown name or argument (the nearest known one is suggested), or a refused value.
    """
    declare_all()
    if isinstance(data, str):
        data = {data: None}
    if not isinstance(data, Mapping) or len(data) != 1:
        raise ValueError(
            f"got {data!r}; {what} is written as one name with its arguments, such as {_example(kind)}: {{p: 0.5}}"
        )
    ((name, arguments),) = data.items()
    cls = _find(str(name), declared(kind), what)
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, Mapping):
        raise ValueError(f"{name}: got {arguments!r}; arguments are written by name")
    known = {item.name: item for item in dataclasses.fields(cls)}
    given: dict[str, Any] = {}
    for argument, value in arguments.items():
        if argument not in known:
            raise ValueError(
                f"{name} has no argument {argument!r}{_suggestion(argument, known)}; it has {', '.join(known)}"
            )
        given[argument] = _operations(value, str(name)) if argument == "operations" else _value(value)
    try:
        made: Kind = cls(**given)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None
    return made


def declare_all() -> None:
    """Import all operations that plain data can name."""
    import covary.ops.combine
    import covary.ops.image
    import covary.ops.policies
    import covary.ops.text
    import covary.ops.volume  # noqa: F401 (these declare them)
    from covary.ops import audio

    audio.declare_all()


def _value(value: Any) -> Any:
    if isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _LAWS:
        ((law, arguments),) = value.items()
        if isinstance(arguments, Mapping):
            return _LAWS[law](**{name: _value(item) for name, item in arguments.items()})
        return _LAWS[law](*(arguments if isinstance(arguments, list) else [arguments]))
    if isinstance(value, list):
        return tuple(_value(item) for item in value)
    return value


def _operations(value: Any, owner: str) -> tuple[Operation, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{owner}: operations is {value!r}; a list of operations is needed")
    return tuple(from_plain(item) for item in value)


def _example(kind: type[Declared]) -> str:
    return "Rotate" if kind is Operation else next(iter(declared(kind))).rpartition(".")[2]


def _find(name: str, known: Mapping[str, type[Kind]], what: str) -> type[Kind]:
    for full in (name, *(f"{modality}.{name}" for modality in _MODALITIES)):
        if full in known:
            return known[full]
    short = {full.rsplit(".", 1)[-1] for full in known}
    raise ValueError(f"there is no {what.partition(' ')[2]} {name!r}{_suggestion(name, [*sorted(short), *known])}")


def _suggestion(word: Any, known: Any) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
