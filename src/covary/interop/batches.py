"""Batches of a Loader in the shapes that frameworks take: chosen fields, and the axes in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from covary.data.batch import Batch
from covary.data.loader import Loader
from covary.interop.forms import Array
from covary.ops.image.finish import Layout


def checked_loader(owner: str, loader: object) -> Loader:
    """The loader, if it is one.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(loader, Loader):
        raise TypeError(f"{owner}: loader is a {type(loader).__name__}; a covary.Loader is needed")
    return loader


def inputs_and_target(batch: Batch, fields: Sequence[str] | None, layout: Layout, wanted: Layout) -> tuple[Any, ...]:
    """The fields of a batch that a model is trained on, as arrays.

    Args:
        batch: of a loader.
        fields: their names. Default: the picture, and the soft labels where there are such, else the labels.
        layout: how the batch's pictures lie.
        wanted: how they are to lie.

    Raises:
        ValueError: the batch has no such field, or it is no array, as the pictures' sizes differ.
    """
    if fields is None:
        label = next((name for name in ("target", "label") if name in batch), None)
        fields = ("image",) if label is None else ("image", label)
    return tuple(_array(batch, name, layout, wanted) for name in fields)


def _array(batch: Batch, name: str, layout: Layout, wanted: Layout) -> Array:
    if name not in batch:
        raise ValueError(f"the batch has no field {name!r}; it has {', '.join(map(repr, batch))}")
    value: Any = batch[name]
    if name in ("keys", "epoch") or hasattr(value, "__array__"):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        cure = "; end the pipeline with a crop or a resize" if name in ("image", "mask") else ""
        raise ValueError(f"{name!r} differs in size from sample to sample and is no array{cure}")
    if name != "image" or layout == wanted or value.ndim < 4:
        return value
    return np.ascontiguousarray(np.moveaxis(value, 1, -1) if wanted == "HWC" else np.moveaxis(value, -1, 1))


def layout_of(loader: Loader) -> Layout:
    """How the pictures of a loader's batches lie."""
    return "HWC" if loader.pipeline is None else loader.pipeline.layout
