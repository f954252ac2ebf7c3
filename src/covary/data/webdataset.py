"""WebDataset shards: tar archives of samples, read at any place and written byte for byte alike."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.data.coco import category_from_json
from covary.data.dataset import Sample, SampleError
from covary.data.folder import Problem
from covary.data.indexed import Indexed
from covary.data.instances import Category
from covary.data.open_files import OpenFiles
from covary.data.shard_index import ShardIndex, index_shards
from covary.data.shard_index_file import load_index, save_index, stamp_of_shards
from covary.data.shard_members import sample_of
from covary.data.shard_paths import Paths, shard_paths, shard_split
from covary.data.shard_writing import INDEX_NAME, write_shard
from covary.data.splits import known_splits, split_named
from covary.data.strings import Strings
from covary.data.unpacked import Unpacked

__all__ = ["WebDataset", "write_shard"]

CLASS_NAMES = "classnames.txt"
"""A file of class names, one a line, that some data sets have beside their shards."""
_MOST_NUMBERED = 1 << 20


class WebDataset(Indexed):
    """Samples in tar shards, in any order.

    The files of a sample stand under one key, the name up to the first dot of its last part; what follows the dot says
    what they are: jpg, png, webp, tif ... the image; mask.png, seg.png (or a png beside a jpg) the mask; cls the label;
    txt the text; wav, flac, mp3 ... audio; npy an array; json columns, and objects where it has COCO-like annotations
    (`bbox`, `segmentation`, `keypoints` and a category in a list `objects` or `annotations`). Other files are fields of
    bytes under their suffix. Pickles are never loaded.

    The index is made by reading the headers once. Of a shard that is cut off, what is whole is used; `problems` says
    what is not.

    Args:
        paths: a shard, a folder, a pattern with braces ("train-{000000..000099}.tar") or wildcards, or a list of these.
        split: only the shards of this split: "train", "val" or "test", as an `index.json` beside them says, or their
            names do ("train-000012.tar", "val/000.tar").
        classes: names of the classes by number. Default: those of an `index.json` or a `classnames.txt` beside the
            shards; else the labels themselves.
        unpack: folder for uncompressed copies of compressed shards (.tar.gz, .tar.bz2, .tar.xz), which stay there for
            the next time. Default: a folder for temporary files, removed at the end.
        index: a file (.npz) in which the index is kept for the next time, as long as the shards stay as they are; worth
            it from a million samples on. Default: it is made anew, and nothing is written.

    Attributes:
        problems: shards and members that could not be used.

    Raises:
        FileNotFoundError: no such shard.
        ValueError: no samples there, a split that no shard is of, or labels beyond the classes.
        OSError: a shard cannot be read, or the disk has no room for uncompressed copies.

    Example:
        >>> dataset = WebDataset("shards/train-{000000..000009}.tar")  # doctest: +SKIP
        >>> dataset.read(7)["label"]  # doctest: +SKIP
        3
    """

    def __init__(
        self,
        paths: Paths,
        *,
        split: str | None = None,
        classes: Sequence[str] | None = None,
        unpack: str | os.PathLike[str] | None = None,
        index: str | os.PathLike[str] | None = None,
    ) -> None:
        shards = [path.absolute() for path in shard_paths(paths)]
        said = _said_beside(shards)
        parts = [said.get(path.parent, {}).get("splits", {}).get(path.name) or shard_split(path) for path in shards]
        if split is not None:
            chosen = [index for index, part in enumerate(parts) if part == split_named(split)]
            if not chosen:
                known = ", ".join(sorted({part or "(no split)" for part in parts}))
                raise ValueError(f"WebDataset: split={split!r}; the shards are of {known}")
            shards, parts = [shards[i] for i in chosen], [parts[i] for i in chosen]
        self._unpacked = Unpacked(None if unpack is None else Path(unpack).absolute())
        self._shards = Strings(map(os.fspath, shards))
        contents = [self._unpacked.of(path) for path in shards]
        self._copies = {
            i: os.fspath(copy) for i, (path, copy) in enumerate(zip(shards, contents, strict=True)) if path != copy
        }
        self._index = _indexed(shards, contents, None if index is None else Path(index))
        self._files = OpenFiles()
        self.problems: tuple[Problem, ...] = self._index.problems
        if not len(self._index.keys):
            reason = f": {self.problems[0].name}: {self.problems[0].reason}" if self.problems else ""
            raise ValueError(f"WebDataset: no samples in {len(shards):,} shards{reason}")
        if self.problems:
            more = f"; and {len(self.problems) - 1:,} more" if len(self.problems) > 1 else ""
            first = self.problems[0]
            warnings.warn(f"WebDataset: {first.name}: {first.reason}{more}", RuntimeWarning, stacklevel=2)
        names, labels = _numbered(self._index, classes or _first(said, "classes"))
        super().__init__(
            self._index.keys,
            classes=names,
            labels=labels,
            splits=known_splits(_repeated(parts, self._index)),
            categories=_categories(self._index.categories, _first(said, "categories")),
        )
        self._index = replace(self._index, labels=None)  # they are in an array now

    def read(self, index: int) -> Sample:
        """The fields of one sample; its files are read, its pictures not decoded. It may be called from any thread.

        Raises:
            SampleError: a file of it is not what its suffix says.
            OSError: the shard cannot be read, or has changed since it was indexed.
            IndexError: there is no such sample.
        """
        key = self.keys[range(len(self))[index]]
        shard = self._index.shard_of(index)
        contents = self._contents(index, shard)
        path = Path(self._shards[shard])
        try:
            sample = sample_of(contents, f"{path.name}: {key}", self.categories)
        except (ValueError, TypeError, KeyError) as error:
            raise SampleError(key, f"in {path}: {error}") from error
        if self.labels is not None:
            sample["label"] = int(self.labels[index])
        return sample

    def _contents(self, index: int, shard: int) -> dict[str, bytes]:
        """The files of one sample by suffix."""
        where, size = self._index, int(self._index.sizes[shard])
        path = self._content_path(shard)
        rows = range(int(where.first_members[index]), int(where.first_members[index + 1]))
        return {
            where.names[where.suffixes[row]]: self._files.read(
                path, size, int(where.offsets[row]), int(where.lengths[row])
            )
            for row in rows
        }

    def _content_path(self, shard: int) -> str:
        """Where the uncompressed content of a shard lies."""
        copy = self._copies.get(shard)
        if copy is None:
            return self._shards[shard]
        # On a machine other than where the index was made, the copy is made again.
        return copy if Path(copy).exists() else os.fspath(self._unpacked.of(Path(self._shards[shard])))


def _indexed(shards: Sequence[Path], contents: Sequence[Path], kept: Path | None) -> ShardIndex:
    """The index of shards, from the file in which it is kept if that holds it."""
    if kept is None:
        return index_shards(zip(shards, contents, strict=True))
    stamp = stamp_of_shards(shards)
    index = load_index(kept, stamp)
    if index is None:
        index = index_shards(zip(shards, contents, strict=True))
        save_index(kept, index, stamp)
    return index


def _said_beside(shards: Sequence[Path]) -> dict[Path, Mapping[str, Any]]:
    """What files beside the shards say, by folder: `classes`, `categories`, and `splits` by shard name."""
    said: dict[Path, Mapping[str, Any]] = {}
    for folder in dict.fromkeys(path.parent for path in shards):
        document = _index_beside(folder / INDEX_NAME)
        if document is not None:
            splits = {entry["name"]: entry.get("split", "") for entry in document["shards"]}
            said[folder] = {**document, "splits": splits}
        elif (folder / CLASS_NAMES).is_file():
            lines = (folder / CLASS_NAMES).read_text(encoding="utf-8").splitlines()
            said[folder] = {"classes": [line.strip() for line in lines if line.strip()]}
    return said


def _index_beside(path: Path) -> dict[str, Any] | None:
    """An index.json that describes shards; None if there is none, or a file of that name is about something else."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    described = isinstance(document, dict) and document.get("format") == "webdataset"
    return document if described and isinstance(document.get("shards"), list) else None


def _first(said: Mapping[Path, Mapping[str, Any]], name: str) -> Any:
    return next((entry[name] for entry in said.values() if entry.get(name)), None)


def _numbered(index: ShardIndex, classes: Sequence[str] | None) -> tuple[tuple[str, ...], NDArray[np.int64] | None]:
    """Names of the classes, and the class number of each sample; None if the labels are no classes."""
    names = tuple(classes or ())
    labels = index.labels
    if labels is None:
        return names, None
    kinds = {type(label) for label in labels} - {type(None)}
    if kinds == {str}:
        names = names or tuple(sorted({label for label in labels if label is not None}))
        numbers = {name: number for number, name in enumerate(names)}
        for row, label in enumerate(labels):
            if label is not None and label not in numbers:
                raise ValueError(
                    f"WebDataset: {index.keys[row]} is of class {label!r}, which is none of the {len(names)}"
                )
        return names, np.array([-1 if label is None else numbers[label] for label in labels], dtype=np.int64)
    if kinds != {int}:
        return names, None
    given = np.array([-1 if label is None else label for label in labels])
    if given.dtype.kind != "i" or given.min() < -1:  # identities or measurements, not classes
        return names, None
    largest = int(given.max())
    if names and largest >= len(names):
        key = index.keys[int(given.argmax())]
        raise ValueError(f"WebDataset: {key} has label {largest}, but there are {len(names)} classes, from 0 on")
    if not names and largest < _MOST_NUMBERED:
        names = tuple(map(str, range(largest + 1)))
    return names, given.astype(np.int64)


def _repeated(parts: Sequence[str], index: ShardIndex) -> Iterator[str]:
    """The split of each sample, from those of the shards."""
    counts = np.diff(index.first_samples).tolist()
    return (part for part, count in zip(parts, counts, strict=True) for _ in range(count))


def _categories(found: frozenset[int | str], described: Sequence[Mapping[str, Any]] | None) -> dict[int, Category]:
    """The kinds of objects by number: as described, and one for each that occurs beyond."""
    categories = {entry.id: entry for entry in map(category_from_json, map(dict, described or ()))}
    for number in sorted(each for each in found if isinstance(each, int)):
        categories.setdefault(number, Category(number, str(number)))
    known = {category.name for category in categories.values()}
    free = max(categories, default=0) + 1
    unknown = sorted(name for name in found if isinstance(name, str) and name not in known)
    return categories | {number: Category(number, name) for number, name in enumerate(unknown, free)}
