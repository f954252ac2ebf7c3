"""covary in TensorFlow: a Loader as a `tf.data.Dataset`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from covary.data.loader import Loader
from covary.interop.batches import checked_loader, inputs_and_target, layout_of
from covary.interop.forms import Array
from covary.interop.missing import missing
from covary.ops.image.finish import Layout

try:
    import tensorflow as tf
except ImportError as error:
    raise missing("tensorflow", error) from None


def dataset(loader: Loader, *, fields: Sequence[str] | None = None, epoch: int = 0, layout: Layout = "HWC") -> Any:
    """The batches of a Loader as a `tf.data.Dataset` of tuples, for `fit` and for loops.

    Each pass over it is the next epoch of the loader; `repeat()` makes such passes. Shapes are known ahead, but for the
    number of samples where the last batch may hold fewer. The loader's workers make batches ahead; they need no
    `prefetch` besides, which does no harm.

    Args:
        loader: a `covary.Loader` whose pipeline gives pictures of one size.
        fields: fields of the batches to give. Default: the picture, and the soft labels or the labels.
        epoch: the first epoch.
        layout: how pictures are to lie: "HWC", TensorFlow's own, or "CHW". A pipeline that ends in
            `Normalize(layout="HWC")` spares turning them.

    Raises:
        TypeError: `loader` is none.
        ValueError: no such fields, sizes that differ, or no sample that can be used.
    """
    stored = layout_of(checked_loader("dataset", loader))
    first = next(
        (batch for number in range(loader.batches) if (batch := loader.batch(number, epoch)) is not None), None
    )
    if first is None:
        raise ValueError("no sample of the loader can be used; see loader.problems")
    names = fields if fields is None else tuple(fields)
    example = inputs_and_target(first, names, stored, layout)
    full = len(example[0]) if loader.drop_last else None
    signature = tuple(_spec(array, full) for array in example)
    epochs = itertools.count(epoch)

    def generate() -> Iterator[tuple[Array, ...]]:
        for batch in loader.epoch(next(epochs), start=0):
            yield inputs_and_target(batch, names, stored, layout)

    made = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return made.apply(tf.data.experimental.assert_cardinality(loader.batches))


def _spec(array: Array, batch: int | None) -> Any:
    kind = tf.string if array.dtype.kind in "US" else tf.as_dtype(array.dtype)
    return tf.TensorSpec(shape=(batch, *array.shape[1:]) if array.ndim else (), dtype=kind)
