"""Left and right: what trades places when the picture is mirrored."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pairs: TypeAlias = tuple[tuple[Any, Any], ...]


def checked_pairs(value: Any, owner: str) -> Pairs:
    """Pairs of labels, each named once.

    Raises:
        ValueError: they are something else; the message begins with `owner`.
    """
    try:
        pairs = tuple((left, right) for left, right in value)
        named = [label for pair in pairs for label in pair]
        if isinstance(value, str) or len(set(named)) < len(named):
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f"{owner} is {value!r}; allowed: pairs of labels, each named once, as [(3, 4), (5, 6)]"
        ) from None
    return pairs


def checked_indices(value: Any, owner: str) -> tuple[tuple[int, int], ...]:
    """Pairs of indices, each named once.

    Raises:
        ValueError: they are something else; the message begins with `owner`.
    """
    try:
        pairs = tuple((int(left), int(right)) for left, right in value)
    except (TypeError, ValueError):
        raise ValueError(f"{owner} is {value!r}; allowed: pairs of indices, as [(1, 2), (3, 4)]") from None
    indices = [index for pair in pairs for index in pair]
    if len(set(indices)) < len(indices) or min(indices, default=0) < 0:
        raise ValueError(f"{owner} is {value!r}; allowed: indices from 0, each named once")
    return pairs


def traded(pairs: Sequence[tuple[int, int]], count: int, field: str, what: str) -> list[int]:
    """The order of `count` rows (or channels) behind a mirror.

    Raises:
        ValueError: a pair names one that is not there.
    """
    order = list(range(count))
    for left, right in pairs:
        if max(left, right) >= count:
            raise ValueError(f"{field}: the pair ({left}, {right}) names a {what} beyond the {count} that there are")
        order[left], order[right] = right, left
    return order


def swapped_labels(labels: Any, pairs: Pairs) -> Any:
    """Labels with the names of left and right exchanged, in a container of the same type."""
    partner = {**dict(pairs), **{right: left for left, right in pairs}}
    if isinstance(labels, np.ndarray):
        if labels.dtype.kind in "biuf":
            return swapped_values(labels, pairs)
        renamed = [partner.get(label, label) for label in labels.tolist()]
        return np.array(renamed, dtype=object if labels.dtype.kind == "O" else None).reshape(labels.shape)
    named = [partner.get(label, label) if isinstance(label, Hashable) else label for label in labels]
    return tuple(named) if isinstance(labels, tuple) else named


def swapped_values(array: NDArray[Any], pairs: Pairs) -> NDArray[Any]:
    """A new array with the numbers of left and right exchanged."""
    made = array.copy()
    for left, right in pairs:
        made[array == left] = right
        made[array == right] = left
    return made
