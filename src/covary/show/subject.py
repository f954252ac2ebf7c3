"""What is shown: a pipeline under its name, and samples of a data set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from covary.data.dataset import Dataset, Sample, SampleError
from covary.data.folder import Problem
from covary.draws.keys import Key
from covary.pipeline import Pipeline


class Subject(NamedTuple):
    """One sample to show.

    Attributes:
        key: of the sample.
        label: the name of its class, or "".
        fields: as its data set gives them.
    """

    key: Key
    label: str
    fields: Sample


def named(pipeline: Pipeline | str | os.PathLike[str], seed: int | None) -> tuple[Pipeline, str]:
    """A pipeline, with another seed if one is given, and what its file is called: "" where it has none.

    Raises:
        ValueError: the file holds no pipeline.
        OSError: it cannot be read.
    """
    name = ""
    if isinstance(pipeline, str | os.PathLike):
        name = Path(pipeline).name
        pipeline = Pipeline.from_yaml(Path(pipeline))
    return pipeline if seed is None else pipeline.with_options(seed=seed), name


def heading(pipeline: Pipeline, name: str, what: str, count: int, times: int) -> str:
    """One line about what is shown: "noise.yaml · seed 7 · 6 sounds, 5 variations of each"."""
    samples = f"1 {what}" if count == 1 else f"{count} {what}s"
    each = "1 variation" if times == 1 else f"{times} variations"
    return " · ".join([*([name] if name else []), f"seed {pipeline.seed}", f"{samples}, {each} of each"])


def in_turns(dataset: Dataset) -> list[int]:
    """The numbers of the samples, the classes in turn, so that the first few show as many classes as there are."""
    labels = dataset.labels
    if labels is None:
        return list(range(len(dataset)))
    seen: dict[int, int] = {}
    turns = []
    for index, label in enumerate(labels.tolist()):
        turns.append((seen.get(label, 0), index))
        seen[label] = turns[-1][0] + 1
    return [index for _, index in sorted(turns)]


def subjects(dataset: Dataset, field: str, skipped: list[Problem]) -> Iterator[Subject]:
    """The samples that have a field, the classes in turn; those that cannot be read are noted in `skipped`."""
    for index in in_turns(dataset):
        key = dataset.keys[index]
        try:
            fields = dataset.read(index)
        except (SampleError, OSError, ValueError) as error:
            skipped.append(Problem(str(key), error.reason if isinstance(error, SampleError) else str(error)))
            continue
        if fields.get(field) is not None:
            label = -1 if dataset.labels is None else int(dataset.labels[index])
            yield Subject(key, str(dataset.classes[label]) if 0 <= label < len(dataset.classes) else "", fields)


Shown = TypeVar("Shown")


def rows_of(
    dataset: Dataset, field: str, row: Callable[[Subject], Shown], count: int
) -> tuple[list[Shown], tuple[Problem, ...]]:
    """What is shown of the first `count` samples that can be shown, and those that cannot."""
    skipped: list[Problem] = []
    rows: list[Shown] = []
    for subject in subjects(dataset, field, skipped):
        try:
            rows.append(row(subject))
        except (TypeError, ValueError) as error:
            skipped.append(Problem(str(subject.key), str(error)))
        if len(rows) == count:
            break
    return rows, tuple(skipped)
