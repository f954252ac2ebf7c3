"""Annotated objects in a cell of a table: a struct of lists, or a list of structs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from covary.data.instances import Instance

CATEGORY_NAMES = ("category", "categories", "category_id", "label", "labels", "class", "classes", "name")
BOX_NAMES = ("bbox", "bboxes", "box", "boxes")
_OURS = frozenset((*CATEGORY_NAMES, *BOX_NAMES, "keypoints", "iscrowd", "is_crowd", "crowd", "area", "id", "bbox_id"))


def looks_like_objects(value: Any) -> bool:
    """Whether a cell holds annotated objects in the usual form: boxes, and a category each."""
    if isinstance(value, Mapping):
        return _first(value, BOX_NAMES) is not None and _first(value, CATEGORY_NAMES) is not None
    return isinstance(value, (list, tuple)) and all(
        isinstance(each, Mapping) and looks_like_objects(each) for each in value
    )


def instances_of(value: Any, numbers: Mapping[str, int], *, corners: bool = False) -> tuple[Instance, ...]:
    """The objects of a cell: `{"bbox": [[x, y, width, height], ...], "category": [...]}`, or a list of such objects.

    Args:
        value: of the cell; None has no objects.
        numbers: category id of each name, for categories given by name.
        corners: whether boxes are two corners (x, y, x, y) and no sizes.

    Raises:
        ValueError: it has another form.
    """
    if value is None:
        return ()
    if isinstance(value, Mapping):
        lengths = {len(column) for column in value.values() if isinstance(column, (list, tuple))}
        if len(lengths) != 1 or _first(value, BOX_NAMES) is None:
            raise ValueError(f"objects take a bbox and a category each, got columns {', '.join(map(str, value))}")
        columns = {name: column for name, column in value.items() if isinstance(column, (list, tuple))}
        value = [{name: column[at] for name, column in columns.items()} for at in range(lengths.pop())]
    return tuple(_instance(each, numbers, corners) for each in value)


def category_names(values: Sequence[Any]) -> list[str]:
    """The names of categories that cells use, sorted; where they are numbers, as many as are needed."""
    names: set[str] = set()
    most = -1
    for value in values:
        for each in value if isinstance(value, (list, tuple)) else [value] if value else []:
            found = each.get(_first(each, CATEGORY_NAMES))
            for category in found if isinstance(found, (list, tuple)) else [found]:
                if isinstance(category, str):
                    names.add(category)
                elif category is not None:
                    most = max(most, int(category))
    return sorted(names) if names else [str(number) for number in range(most + 1)]


def _first(value: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((name for name in names if name in value), None)


def _instance(entry: Mapping[str, Any], numbers: Mapping[str, int], corners: bool) -> Instance:
    category = entry.get(_first(entry, CATEGORY_NAMES) or "")
    if isinstance(category, str):
        if category not in numbers:
            raise ValueError(f"category {category!r} is none of the {len(numbers)} categories")
        category = numbers[category]
    if not isinstance(category, int):
        raise ValueError(f"the category of an object is {category!r}; it takes a number or a name")
    box = np.array(entry.get(_first(entry, BOX_NAMES) or ""), dtype=np.float64)
    if box.shape != (4,) or not np.isfinite(box).all():
        raise ValueError(f"the bbox of an object is {box.tolist()!r:.80}; it takes [x, y, width, height]")
    points = entry.get("keypoints")
    keypoints = np.asarray(points, dtype=np.float64).reshape(-1, 3) if points else None
    crowd = any(bool(entry.get(name)) for name in ("iscrowd", "is_crowd", "crowd"))
    extra = {name: value for name, value in entry.items() if name not in _OURS}
    if corners:
        box[2:] -= box[:2]
    x, y, width, height = box.tolist()
    return Instance(category, (x, y, width, height), None, keypoints, crowd, extra)
