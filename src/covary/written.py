"""Pipelines as plain data and as YAML: safe to read, as it can name registered operations only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from covary.ops.base import Operation
from covary.ops.spec import from_plain, to_plain
from covary.options import DEFAULTS
from covary.targets import Boxes, Keypoints, LineStrings, OrientedBoxes, Polygons

FORMAT = 1

_FORMS: dict[str, type[Any]] = {
    "boxes": Boxes,
    "keypoints": Keypoints,
    "oriented_boxes": OrientedBoxes,
    "polygons": Polygons,
    "line_strings": LineStrings,
}


def to_plain_data(operations: Sequence[Operation], options: Mapping[str, Any]) -> dict[str, Any]:
    """A pipeline as plain data; options that have their default values are left out."""
    plain: dict[str, Any] = {"covary": FORMAT, "seed": options["seed"]}
    for name, default in DEFAULTS.items():
        value = options[name]
        if value != default:
            plain[name] = _plain_option(value)
    plain["operations"] = [to_plain(operation) for operation in operations]
    return plain


def _plain_option(value: Any) -> Any:
    if isinstance(value, (Boxes, Keypoints, OrientedBoxes, Polygons, LineStrings)):
        return dataclasses.asdict(value)
    if isinstance(value, Mapping) and all(isinstance(kind, str) for kind in value.values()):
        return dict(value)
    if isinstance(value, Mapping):  # time labels: {name: {kind: arguments}}
        return {name: {type(target).__name__: _without_defaults(target)} for name, target in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _without_defaults(target: Any) -> dict[str, Any]:
    items = {item.name: (getattr(target, item.name), item.default) for item in dataclasses.fields(target)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, (value, default) in items.items()
        if value != default
    }


def from_plain_data(data: Any) -> tuple[list[Operation], dict[str, Any]]:
    """The operations and options that plain data describes.

    Raises:
        ValueError: it describes no pipeline.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("operations"), list):
        raise ValueError("a pipeline is written as a mapping with a list of 'operations'")
    known = {"covary", "operations", "seed", *DEFAULTS}
    for name in data:
        if name not in known:
            raise ValueError(f"a pipeline has no entry {name!r}; it has {', '.join(sorted(known))}")
    if data.get("covary", FORMAT) != FORMAT:
        raise ValueError(f"format {data['covary']!r} is not known; this version reads format {FORMAT}")
    options = {name: data[name] for name in ("seed", *DEFAULTS) if name in data}
    for name, kind in _FORMS.items():
        if isinstance(options.get(name), Mapping):
            options[name] = _made(kind, options[name], name)
    if "time_labels" in options:
        options["time_labels"] = _time_labels(options["time_labels"])
    return [from_plain(item) for item in data["operations"]], options


def _made(kind: type[Any], arguments: Mapping[str, Any], name: str) -> Any:
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None


def _time_labels(data: Any) -> dict[str, Any]:
    from covary.targets.events import Events, Frames, Waveform

    kinds: dict[str, type[Any]] = {kind.__name__: kind for kind in (Events, Frames, Waveform)}
    made = {}
    for name, written in data.items() if isinstance(data, Mapping) else [("time_labels", data)]:
        if not isinstance(written, Mapping) or len(written) != 1 or next(iter(written)) not in kinds:
            raise ValueError(
                f"time_labels: {name}: got {written!r}; allowed: one of {', '.join(kinds)} with its arguments"
            )
        ((kind, arguments),) = written.items()
        made[name] = _made(kinds[kind], arguments or {}, f"time_labels: {name}")
    return made


def yaml_text(data: Mapping[str, Any], path: str | Path | None) -> str:
    """Plain data as YAML text, written to `path` too if one is given."""
    import yaml

    text: str = yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, default_flow_style=None)
    if path is not None:
        Path(path).write_text(text, encoding="utf-8")
    return text


def read_yaml(source: str | Path) -> tuple[str, Any]:
    """What a YAML file, or YAML text (a string with a line break in it), holds, and what to call it in messages.

    Raises:
        ValueError: not YAML.
        OSError: the file cannot be read.
    """
    import yaml

    is_text = isinstance(source, str) and "\n" in source
    text = str(source) if is_text else Path(source).read_text(encoding="utf-8")
    where = "pipeline" if is_text else str(source)
    try:
        return where, yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{where}: not readable as YAML: {error}") from None
