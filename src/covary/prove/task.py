"""A labelled data set at hand: samples decoded, labels as numbers, ready for experiments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from covary.data.dataset import Dataset
from covary.data.fetch import UNUSABLE, bound_row, decode_row, fetch
from covary.data.folder import Problem
from covary.data.open import open_dataset
from covary.draws.keys import Key
from covary.ops.view import Modality

IN_MEMORY = 2 << 30  # bytes of decoded pictures that a task may hold
SIDE = 256  # px, the shorter side to which larger pictures are halved where they would not fit


@dataclass(frozen=True, eq=False)
class Task:
    """Samples of one kind, each of one class.

    Attributes:
        name: of the data set, for people.
        modality: "image", "audio" or "text".
        samples: pictures (H, W, C), sounds (channels, samples) float32, or strings.
        rates: samples per second of each sound; None for pictures and texts.
        labels: (N,) int64 class numbers.
        classes: names of the classes.
        keys: identity of each sample, on which its draws depend.
        splits: what part of the data each sample belongs to ("train", "val", "test"); "" where nothing says so.
        problems: samples that could not be read, or have no label, and why.
        notes: what was done to the data that the user should know.
    """

    name: str
    modality: Modality
    samples: Sequence[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    keys: tuple[Key, ...]
    splits: tuple[str, ...]
    rates: NDArray[np.int64] | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    def subset(self, indices: ArrayLike) -> Task:
        """Some of the samples, in the order of their numbers in `indices`; classes stay as they are."""
        chosen = np.asarray(indices, dtype=np.int64)
        places = chosen.tolist()
        return replace(
            self,
            samples=[self.samples[i] for i in places],
            labels=self.labels[chosen],
            keys=tuple(self.keys[i] for i in places),
            splits=tuple(self.splits[i] for i in places),
            rates=None if self.rates is None else self.rates[chosen],
        )

    def with_labels(self, labels: ArrayLike) -> Task:
        """The same samples with other labels (N,) of the same classes."""
        return replace(self, labels=np.asarray(labels, dtype=np.int64))

    def fields(self, index: int) -> dict[str, Any]:
        """A sample as the fields of a pipeline."""
        fields: dict[str, Any] = {self.modality: self.samples[index]}
        if self.rates is not None:
            fields["rate"] = int(self.rates[index])
        return fields


def read_task(source: Any, *, split: str | None = None, limit: int | None = None, **options: Any) -> Task:
    """Read a labelled data set whole.

    Pictures that together take more than 2 GB are halved, as often as their shorter side stays at 256 px or more.

    Args:
        source: anything that `covary.data.open_dataset` opens, or a Task, which comes back.
        split: the part that is wanted; all by default.
        limit: of the number of samples; more are thinned out evenly, class by class. None reads all.
        options: of the reader.

    Raises:
        ValueError: there is no label, fewer than two classes, or samples of several kinds.
    """
    if isinstance(source, Task):
        return source
    dataset = open_dataset(source, split=split, **options)
    labels = dataset.labels
    if labels is None:
        raise ValueError(
            f"{_name(source)}: its samples have no single class each; an experiment needs one label a sample"
        )
    wanted = np.flatnonzero(labels >= 0)
    problems = [Problem(str(dataset.keys[int(i)]), "it has no label") for i in np.flatnonzero(labels < 0)[:1000]]
    if limit is not None and len(wanted) > limit:
        wanted = _thinned(wanted, labels[wanted], limit)
    found: list[tuple[int, dict[str, Any]]] = []
    size, reduced = 0, False
    for index in wanted.tolist():
        try:
            fields, halved = _read(dataset, index, whole=size < IN_MEMORY)
        except UNUSABLE as error:
            problems.append(Problem(str(dataset.keys[index]), str(error)))
            continue
        reduced |= halved
        size += getattr(fields.get("image", fields.get("audio")), "nbytes", 0)
        found.append((index, fields))
    modality = _modality(_name(source), [fields for _, fields in found])
    kept = np.array([index for index, _ in found], dtype=np.int64)
    classes = dataset.classes or tuple(str(number) for number in range(int(labels.max()) + 1))
    if len(np.unique(labels[kept])) < 2:
        raise ValueError(f"{_name(source)}: {len(kept)} samples of fewer than two classes; there is nothing to learn")
    splits = dataset.splits
    return Task(
        name=_name(source),
        modality=modality,
        samples=[fields[modality] for _, fields in found],
        labels=labels[kept],
        classes=classes,
        keys=tuple(dataset.keys[index] for index, _ in found),
        splits=tuple("" if splits is None else splits[index] for index, _ in found),
        rates=np.array([fields["rate"] for _, fields in found], dtype=np.int64) if modality == "audio" else None,
        problems=tuple(problems),
        notes=(f"large pictures were halved to {SIDE} px and more on their shorter side",) if reduced else (),
    )


def _name(source: Any) -> str:
    return type(source).__name__ if not isinstance(source, str) and not hasattr(source, "__fspath__") else str(source)


def _thinned(indices: NDArray[np.int64], labels: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """At most `limit` of the indices, evenly from each class."""
    share = limit / len(indices)
    parts = []
    for label in np.unique(labels):
        own = indices[labels == label]
        count = max(1, int(share * len(own)))
        parts.append(own[np.linspace(0, len(own) - 1, count).round().astype(np.int64)])
    return np.sort(np.concatenate(parts))


def _read(dataset: Dataset, index: int, *, whole: bool) -> tuple[dict[str, Any], bool]:
    """One sample's contents, and whether its picture was halved."""
    row = fetch(dataset, index, 0, channels=None)
    if not row.has_image:
        return row.fields, False
    if not whole:
        bound_row(row, SIDE, None)
    elif row.picture is None:
        decode_row(row, 0, None)
    return {"image": row.picture}, row.reduction > 0


def _modality(name: str, samples: Sequence[dict[str, Any]]) -> Modality:
    kinds: tuple[Modality, ...] = ("image", "audio", "text")
    found = [kind for kind in kinds if any(kind in fields for fields in samples)]
    if len(found) != 1 or not all(found[0] in fields for fields in samples):
        raise ValueError(f"{name}: samples hold {' and '.join(found) or 'nothing to vary'}; one kind in all is needed")
    return found[0]
