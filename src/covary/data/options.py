"""What a loader is told, checked: every refusal names the argument, what was got and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from covary.data.dataset import Dataset
from covary.data.schedule import Schedule
from covary.pipeline import Pipeline

Ints = NDArray[np.int64]


def one_of(name: str, value: object, allowed: Sequence[object]) -> None:
    """Refuse what is none of the values that are allowed."""
    if not any(value is each or (type(value) is type(each) and value == each) for each in allowed):
        raise ValueError(f"Loader: {name} is {value!r}; allowed: {', '.join(map(repr, allowed))}")


def whole(name: str, value: object, least: int) -> None:
    """Refuse what is neither None nor a whole number from `least` on."""
    if value is not None and (not _is_whole(value) or value < least):
        raise ValueError(f"Loader: {name} is {value!r}; allowed: a whole number from {least} on")


def seed_of(seed: int | None, pipeline: Pipeline | None) -> int:
    """The seed of order and mixing."""
    if seed is None:
        return 0 if pipeline is None else pipeline.seed
    whole("seed", seed, 0)
    if seed >= 2**64:
        raise ValueError(f"Loader: seed is {seed!r}; allowed: a whole number in [0, 2**64)")
    return int(seed)


def shard_of(shard: object) -> tuple[int, int]:
    """Rank and world size."""
    if isinstance(shard, Sequence) and len(shard) == 2 and all(map(_is_whole, shard)):
        rank, world = map(int, shard)
        if 0 <= rank < world:
            return rank, world
    raise ValueError(f"Loader: shard is {shard!r}; allowed: (rank, world) with 0 <= rank < world")


def weights_of(weights: ArrayLike, samples: int, rows: Ints) -> NDArray[np.float64]:
    """How often the samples that take part are to be drawn."""
    values = np.asarray(weights, dtype=np.float64)
    if values.shape != (samples,):
        raise ValueError(f"Loader: weights has shape {values.shape}; one number for each of {samples:,} samples needed")
    values = values[rows]
    if not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise ValueError("Loader: weights must be finite, none below 0 and one above")
    return values


def opened(source: Any, split: str | None) -> Dataset:
    """The data set that a source is, or that lies there."""
    if isinstance(source, Dataset) and split is None:
        return source
    from covary.data import open_dataset

    found: Dataset = open_dataset(source, split=split)
    return found


def rows_of(dataset: Dataset, labelled: bool) -> Ints:
    """Numbers of the samples that take part; with `labelled`, those without a class stay out."""
    rows = np.arange(len(dataset))
    if labelled:
        if dataset.labels is None:
            raise ValueError("Loader: balance needs a class for each sample, and the data set has none")
        rows = rows[np.asarray(dataset.labels)[rows] >= 0]
    if not len(rows):
        raise ValueError(f"Loader: no samples to draw from in {dataset!r}")
    return rows


def check_plan(schedule: Schedule) -> None:
    """Refuse options that exclude each other."""
    if schedule.labels is not None and schedule.weights is not None:
        raise ValueError("Loader: balance and weights both say how often a sample is drawn; give one of them")
    if not schedule.shuffle and (schedule.labels is not None or schedule.weights is not None):
        name = "weights" if schedule.labels is None else "balance"
        raise ValueError(f"Loader: {name} draws samples by chance; shuffle=False cannot be kept")
    if schedule.batch_size % schedule.repeats:
        raise ValueError(
            f"Loader: batch_size is {schedule.batch_size} with repeats={schedule.repeats}; a multiple of it is needed"
        )
    if not len(schedule):
        raise ValueError(
            f"Loader: {len(schedule.rows):,} samples on {schedule.world} ranks do not fill one batch of "
            f"{schedule.batch_size}, and drop_last=True leaves out what is not full"
        )


def spread(rows: Ints, count: int) -> list[int]:
    """A few of the rows, evenly spread."""
    places = np.unique(np.linspace(0, len(rows) - 1, count).astype(np.int64))
    chosen: list[int] = rows[places].tolist()
    return chosen


def class_count(dataset: Dataset) -> int | None:
    """How many classes there are; None where samples have no class."""
    if dataset.classes:
        return len(dataset.classes)
    labels = dataset.labels
    return None if labels is None or not len(labels) else int(np.max(labels)) + 1


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
