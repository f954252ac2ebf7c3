"""Sources that the reader of their data set reads."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from covary.data.dataset import Dataset, Encoded, Sample, SampleError
from covary.data.decode import DecodeError, decode
from covary.data.folder import Problem
from covary.data.header import read_header
from covary.data.instances import Category, Objects
from covary.data.masks import decode_mask
from covary.expand.digest import fields_digest
from covary.expand.layout import Layout
from covary.expand.names import variation_name
from covary.expand.pictures import OpenedPicture, opened_picture
from covary.expand.sources import Entry, Labels, Mask, Raw
from covary.plan.changes import Image


@dataclass(frozen=True, slots=True, eq=False)
class DatasetReader:
    """Reads sources as their data set gives them.

    Attributes:
        root: folder from which on names count.
        dataset: the data set.
        shared: files that say something of many samples.
    """

    root: Path
    dataset: Dataset
    shared: tuple[Path, ...] = ()

    @property
    def categories(self) -> Mapping[int, Category]:
        return self.dataset.categories

    def files(self, entry: Entry) -> tuple[Path, ...]:
        return (*(self.root / name for name in (entry.name, *entry.companions)), *self.shared)

    def read(self, entry: Entry) -> Raw:
        sample = self.dataset.read(entry.index)
        if sample.get("image") is None:
            listed = ", ".join(sample)
            raise SampleError(entry.key, f"it has no picture, but {listed}; of such data sets, pictures are expanded")
        return raw_of(sample, by_class=self.dataset.labels is not None)

    def open(self, entry: Entry, facts: str | None, raw: Raw) -> OpenedPicture:
        return opened_picture(self, entry, facts, raw)

    def labels(self, entry: Entry, facts: str | None, raw: Raw, picture: Image) -> Labels:
        objects = raw.sample.get("objects")
        mask = raw.sample.get("mask")
        return Labels(
            None if objects is None else Objects.of(objects, self.dataset.categories),
            None if mask is None else mask_of([mask]),
        )


def raw_of(sample: Sample, *, by_class: bool) -> Raw:
    """A sample as a source.

    Args:
        by_class: whether its label is a class number. A class that comes in between changes the numbers, and no sample.
    """
    fields = dict(sample)
    image = fields.pop("image")
    if isinstance(image, Encoded):
        picture: bytes | Image = image.data
        size, digest = len(image.data), sha256(image.data).hexdigest()
    else:
        picture = np.ascontiguousarray(image if image.ndim == 3 else image[:, :, None])
        size = picture.nbytes
        digest = fields_digest({"image": picture}) or ""
    told = {name: value for name, value in fields.items() if not (by_class and name == "label")}
    return Raw(picture, size, digest, fields_digest(told), fields)


def mask_of(files: Sequence[Any]) -> Mask:
    """The masks of a sample as one: a plane for each file; a single one may be painted in colours.

    Raises:
        DecodeError: a mask cannot be read.
    """
    planes = [_numbers(file, colours=len(files) == 1) if isinstance(file, Encoded) else file for file in files]
    contents = tuple(file.data if isinstance(file, Encoded) else b"" for file in files)
    return Mask(planes[0] if len(planes) == 1 else np.stack(planes, axis=-1), contents)


def _numbers(file: Encoded, *, colours: bool) -> Image:
    """The numbers of a mask; its colours, where it has them and nothing has blurred them."""
    try:
        return decode_mask(file)
    except DecodeError:
        if not colours or read_header(file.data).format not in ("png", "bmp", "tiff"):
            raise
        return decode(file.data)


def relative_names(keys: Sequence[Any], root: str | os.PathLike[str]) -> tuple[Path, list[str]]:
    """Names for pictures whose keys are paths relative to a folder, or absolute ones.

    Returns:
        The folder from which on the names count: `root`, or one above it in which all pictures are.
    """
    plain = [str(key) for key in keys]
    if not any(key.startswith("/") for key in plain):
        return Path(root), plain
    whole = [os.path.join(root, key) for key in plain]  # noqa: PTH118 - keeps an absolute key as it is
    base = os.path.commonpath([os.fspath(root), *(os.path.dirname(path) for path in whole)])  # noqa: PTH120
    return Path(base), [os.path.relpath(path, base) for path in whole]


def class_of(dataset: Dataset, index: int) -> str:
    """Name of a sample's class; "" where it has none."""
    if dataset.labels is None or dataset.labels[index] < 0:
        return ""
    return dataset.classes[int(dataset.labels[index])]


def split_of(dataset: Dataset, index: int) -> str:
    """Part of the data set that a sample belongs to; "" where nothing says so."""
    return "" if dataset.splits is None else dataset.splits[index]


def without_clashes(entries: Sequence[Entry], layout: Layout) -> tuple[list[Entry], list[Problem]]:
    """Entries of which no two would write the same file (a.jpg and a.png with one label file), and the others."""
    owners: dict[str, str] = {}
    kept: list[Entry] = []
    problems: list[Problem] = []
    for entry in entries:
        files = layout.part_names(entry, variation_name(entry.name, 0, "same"))
        other = next((owners[file] for file in files if file in owners), None)
        if other is not None:
            problems.append(Problem(entry.name, f"{files[0]} would go with it and with {other}: give it another name"))
        else:
            owners |= dict.fromkeys(files, entry.name)
            kept.append(entry)
    return kept, problems
