"""What all label fields have in common: arrays read with clear errors, labels that go with their rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Ints


def numbers(value: Any, field: str, columns: int) -> NDArray[Any]:
    """A user's array or nested list as numbers in at least `columns` columns; anything empty as (0, columns)."""
    if isinstance(value, np.ndarray):
        array = value
    else:
        try:
            array = np.asarray(value)
        except ValueError:
            raise ValueError(
                f"{field}: rows of different lengths; every row needs the same {columns} or more"
            ) from None
    if array.dtype.kind not in "fiu":
        if array.size == 0:
            return np.zeros((0, columns))
        raise ValueError(
            f"{field}: dtype {array.dtype} is not numeric; give numbers only, names and classes go into a labels field"
        )
    if array.size == 0 and (array.ndim < 2 or array.shape[-1] < columns):
        return np.zeros((0, columns), dtype=array.dtype)
    return array


def float_dtype(array: NDArray[Any]) -> type[np.floating[Any]]:
    """The dtype of what comes out: float32 for float32, float64 for all others."""
    return np.float32 if array.dtype == np.float32 else np.float64


def chosen(labels: Any, rows: Ints | None, count: int, field: str) -> Any:
    """The entries of the kept rows, in a container of the same type; the same object where all were kept.

    Args:
        labels: one entry per row.
        rows: indices of the rows that were kept; None: all.
        count: of the rows that came in.
        field: name of the labels.

    Raises:
        ValueError: `labels` has not one entry per row.
    """
    length = len(labels)
    if length != count:
        raise ValueError(f"{field} has {length} entries, there are {count} rows; give one for each row")
    if rows is None:
        return labels
    if isinstance(labels, (list, tuple)):
        kept = [labels[row] for row in rows.tolist()]
        return kept if isinstance(labels, list) else tuple(kept)
    return labels[rows]
