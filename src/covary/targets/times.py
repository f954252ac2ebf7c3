"""Events as users write them: rows of an array, tuples, or mappings with a start and an end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.targets.fields import float_dtype


def read_times(value: Any, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends of events as a user writes them, see `Events`.

    Raises:
        TypeError, ValueError: not events; the message names the field and the row.
    """
    if isinstance(value, np.ndarray):
        if value.size == 0:
            return np.zeros(0), np.zeros(0)
        if value.ndim != 2 or value.shape[1] < 2 or value.dtype.kind not in "fiu":
            raise ValueError(f"{name} is {value.dtype} of shape {value.shape}; allowed: numbers (events, 2 or more)")
        pairs = value[:, :2].astype(np.float64)
    elif isinstance(value, (list, tuple)):
        pairs = np.array([_pair(item, f"{name}[{row}]") for row, item in enumerate(value)]).reshape(-1, 2)
    else:
        raise TypeError(f"{name} is a {type(value).__name__}; allowed: an array (events, 2) or a list of events")
    wrong = np.flatnonzero(~(pairs[:, 1] >= pairs[:, 0]) | ~np.isfinite(pairs).all(axis=1))
    if wrong.size:
        start, end = pairs[wrong[0]].tolist()
        raise ValueError(f"{name}[{wrong[0]}] starts at {start} and ends at {end}; an end must not be before its start")
    return pairs[:, 0], pairs[:, 1]


def _pair(item: Any, where: str) -> tuple[float, float]:
    try:
        if isinstance(item, Mapping):
            start = float(item["start"])
            return start, float(item["end"]) if "end" in item else start + float(item["duration"])
        return float(item[0]), float(item[1])
    except (KeyError, TypeError, ValueError, IndexError):
        raise ValueError(
            f"{where} is {item!r}; allowed: (start, end, ...), or a mapping with start and end or duration"
        ) from None


def written_times(value: Any, source: NDArray[np.int64], start: NDArray[np.float64], end: NDArray[np.float64]) -> Any:
    """Moved events in the form in which they came."""
    if isinstance(value, np.ndarray):
        if value.size == 0:
            return value
        made = value[source].astype(float_dtype(value))
        made[:, 0], made[:, 1] = start, end
        return made
    rows: list[Any] = []
    for index, begins, ends in zip(source.tolist(), start.tolist(), end.tolist(), strict=True):
        item = value[index]
        if isinstance(item, Mapping):
            times = {"start": begins, "end": ends, "duration": ends - begins}
            rows.append({**item, **{key: time for key, time in times.items() if key in item}})
        else:
            rows.append(
                type(item)((begins, ends, *item[2:])) if type(item) in (list, tuple) else (begins, ends, *item[2:])
            )
    return type(value)(rows)
