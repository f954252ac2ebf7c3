"""Tables as data sets: rows that name a picture or an audio file, or hold a text, with labels and any other columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from covary.data.audio import AUDIO_ENDINGS, StoredSound, heard, left_or_read, open_sound
from covary.data.columns import Column, value_at
from covary.data.dataset import Sample, SampleError
from covary.data.indexed import Indexed, absolute, read_file
from covary.data.instances import AnnotationError, Category
from covary.data.labels import Labels, labels_of
from covary.data.object_columns import category_names, instances_of, looks_like_objects
from covary.data.splits import known_splits, split_named, split_of_file
from covary.data.strings import Strings
from covary.data.table_files import Table, joined, read_table
from covary.draws.keys import Key

# What columns are called that play a part, the likeliest first.
FILE_NAMES = (
    "image",
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image_path",
    "img",
    "img_path",
)
AUDIO_NAMES = ("audio", "audio_filepath", "audio_path", "audio_file", "wav", "wav_path", "wav_file", "sound")
TEXT_NAMES = ("text", "sentence", "txt", "transcript", "transcription", "content")
CLEAN_NAMES = ("clean", "clean_audio", "clean_path", "clean_filepath", "clean_wav")
MASK_NAMES = ("mask", "mask_path", "mask_file")
LABEL_NAMES = ("label", "labels", "class", "category", "target", "class_name", "label_name", "command")
SPLIT_NAMES = ("split", "subset", "partition")
KEY_NAMES = ("key", "utt_id", "utt", "id", "uid")
# Folders beside a table in which its files may lie.
FILE_FOLDERS = ("", "images", "image", "img", "data", "audio", "wav", "wavs", "clips", "..")


class TableDataset(Indexed):
    """Rows of a CSV, TSV, JSON lines or Parquet table.

    A row names a picture or an audio file, or holds a text; which column does, its name tells (`path`, `image`, `file`,
    `filename` and alike; `audio`, `audio_filepath`, `wav` or a file name with an audio ending; `text`, `sentence`,
    `transcript`), or an argument. NeMo's manifests and Kaldi-like JSON lines are such tables. All other columns are
    carried along under their own names.

    A sample's key is its value in a column named key or utt_id; else its file's path relative to the root, with the
    offset ("a.wav@2.5") and "#2", "#3" behind it where rows share one; for texts its id, else the row's number.

    Args:
        path: the table, or several with the same columns, of which each may be a part of the data ("train.csv").
        root: the folder that paths count from; by default the table's own, or images, data, audio, clips ... in it,
            where the first file is found.
        image, audio, clean, text, mask, label, split, key: names of the columns that play these parts; "" for none (for
            image, audio and text: a table of other things). `label` may be several columns: a number from each.
        classes: names of the classes in the order of their numbers.
        multi_label: what separates several labels in one cell ("|"); lists in JSON lines and Parquet are so by
            themselves.
        ending: what is to be put behind each path, where a table names files without their ending (".jpg").
        delimiter: what separates the cells of a CSV; found out by default.
        columns: names of the columns, for a CSV whose first line does not name them.

    Samples: `image` (an `Encoded`); `audio` float32 (channels, samples) and `rate`, of which columns offset and
    duration (in seconds) choose a part; `clean`, the same sound without what was added to it, from the same part of
    another file (a column named clean, clean_audio, clean_path ...); `text`; `mask`; `label`: a class number, a row of
    0 and 1 (K,) float32 for several, or the number to be predicted; `objects` from a column of that name with a bbox
    and a category each; and the other columns.

    Attributes:
        tables: path and number of rows of each table.
        roles: names of the columns that are "image", "audio", "clean", "text", "mask" and "objects"; None where there
            is none.

    Raises:
        AnnotationError: a row cannot be used, the message names file and line; or no column names a file or holds a
            text.
        ModuleNotFoundError: a Parquet table, and pyarrow is not installed.
        OSError: the table cannot be read.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        root: str | os.PathLike[str] | None = None,
        image: str | None = None,
        audio: str | None = None,
        clean: str | None = None,
        text: str | None = None,
        mask: str | None = None,
        label: str | Sequence[str] | None = None,
        split: str | None = None,
        key: str | None = None,
        classes: Sequence[str] | None = None,
        multi_label: str | None = None,
        ending: str = "",
        delimiter: str | None = None,
        columns: Sequence[str] | None = None,
    ) -> None:
        paths = [path] if isinstance(path, (str, os.PathLike)) else list(path)
        table = joined([read_table(each, delimiter=delimiter, columns=columns) for each in paths])
        if not len(table):
            raise AnnotationError(f"{table.path}: no rows")
        chosen = _Chosen(table)
        self._audio = chosen.column("audio", audio, AUDIO_NAMES, unless=image is not None)
        self._image = None
        if self._audio is None or image:
            self._image = chosen.column("image", image, FILE_NAMES)
            if self._image is not None and image is None and _is_audio(table.columns[self._image]):
                self._audio, self._image = self._image, None
        self._clean = chosen.column("clean", clean, _of_audio(table, CLEAN_NAMES), unless=self._audio is None)
        self._text = chosen.column("text", text, TEXT_NAMES)
        self._mask = chosen.column("mask", mask, MASK_NAMES, unless=self._image is None)
        file = self._image or self._audio
        plain = image == audio == text == ""
        if file is None and self._text is None and "tokens" not in table.columns and not plain:
            raise AnnotationError(
                f"{table.path}: no column names a file or holds a text; it has {', '.join(table.columns)}, looked for "
                f"{', '.join((*FILE_NAMES[:5], *AUDIO_NAMES[:2], *TEXT_NAMES[:2]))}; image=, audio= or text= tells it"
            )
        self.tables = tuple((str(path.absolute()), rows) for path, rows in table.files)
        self.root = _root(table, file, root, ending)
        files = {name: _files(table, name, ending) for name in (file, self._mask, self._clean) if name is not None}
        self._files = {name: Strings(values) for name, values in files.items()}
        self._labels = _labels(table, chosen, label, classes, multi_label)
        parts = _parts(table, chosen.column("split", split, SPLIT_NAMES))
        self._offset = self._column(table, chosen, "offset")
        self._duration = self._column(table, chosen, "duration")
        categories, self._objects = _categories(table, chosen)
        self.roles = {
            "image": self._image,
            "audio": self._audio,
            "clean": self._clean,
            "text": self._text,
            "mask": self._mask,
            "objects": self._objects,
        }
        self._texts = Strings(_texts(table, self._text)) if self._text is not None else None
        self._columns = {name: table.column(name) for name in table.columns if name not in chosen.taken}
        super().__init__(
            _keys(table, chosen, key, files[file] if file is not None else None, self.root, self._offset),
            classes=self._labels.classes if self._labels is not None else (),
            labels=self._labels.numbers if self._labels is not None else None,
            splits=known_splits(parts),
            categories=categories,
        )

    def _column(self, table: Table, chosen: _Chosen, name: str) -> Column | None:
        """A column that says what part of an audio file is meant."""
        found = chosen.column(name, None, (name,), unless=self._audio is None)
        return None if found is None else table.column(found)

    def file_of(self, column: str, index: int) -> str:
        """The path that a row has in a column of files, as the reader takes it: relative to the root, or absolute."""
        return self._files[column][index]

    def read(self, index: int) -> Sample:
        """The fields of a row: its files read, its other columns as they are."""
        return heard(self.stored(index), self.keys[index])

    def stored(self, index: int) -> Sample:
        """As `read`, but a sound stays in its file where a part of it can be read."""
        sample: Sample = {}
        if self._image is not None:
            sample["image"] = read_file(self.root, self._files[self._image][index])
        if self._mask is not None:
            sample["mask"] = read_file(self.root, self._files[self._mask][index])
        if self._audio is not None:
            sample |= left_or_read(self.sound(index), self.clean(index), self.keys[index])
        return sample | {name: value for name, value in self.beside(index).items() if name not in sample}

    def beside(self, index: int) -> Sample:
        """The fields of a row that do not come from files: its other columns."""
        sample: Sample = {}
        if self._texts is not None:
            sample["text"] = self._texts[index]
        if self._labels is not None:
            sample["label"] = self._labels[index]
        for name, column in self._columns.items():
            if name == self._objects:
                sample["objects"] = self._read_objects(index)
            else:
                sample.setdefault(name, value_at(column, index))
        return sample

    def sound(self, index: int) -> StoredSound:
        """The audio file of a row, or the part of it that the row means, not decoded."""
        assert self._audio is not None
        return self._opened(self._audio, index)

    def clean(self, index: int) -> StoredSound | None:
        """The same part of the file that holds the same sound clean, if there is one."""
        return None if self._clean is None else self._opened(self._clean, index)

    def _opened(self, column: str, index: int) -> StoredSound:
        path = os.path.join(self.root, self._files[column][index])  # noqa: PTH118
        try:
            offset = None if self._offset is None else _seconds(value_at(self._offset, index))
            duration = None if self._duration is None else _seconds(value_at(self._duration, index))
            return open_sound(path, offset=offset or 0.0, duration=duration)
        except ValueError as error:
            raise SampleError(self.keys[index], str(error)) from None

    def _read_objects(self, index: int) -> Any:
        assert self._objects is not None
        numbers = {category.name: number for number, category in self.categories.items()}
        try:
            return instances_of(value_at(self._columns[self._objects], index), numbers)
        except ValueError as error:
            raise SampleError(self.keys[index], str(error)) from None


class _Chosen:
    """Which column plays which part; a column plays one."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._lower = {name.lower(): name for name in reversed(table.columns)}
        self.taken: set[str] = set()

    def column(
        self, part: str, told: str | None, names: Sequence[str], *, unless: bool = False, keep: bool = False
    ) -> str | None:
        """The column that plays a part: the one that was told, else the first of the usual names; None for none.

        Args:
            part: the argument's name.
            told: what the user said.
            names: usual names, the likeliest first.
            unless: whether it is looked for only if it was told.
            keep: whether it stays a column of its own, too.

        Raises:
            AnnotationError: the told one is not there.
        """
        if told is not None:
            if told and told not in self._table.columns:
                raise AnnotationError(
                    f"{self._table.path}: {part}={told!r}, but its columns are {', '.join(self._table.columns)}"
                )
            found = told or None
        elif unless:
            found = None
        else:
            there = (self._lower[name] for name in names if name in self._lower)
            found = next((name for name in there if name not in self.taken), None)
        if found is not None and not keep:
            self.taken.add(found)
        return found


def _root(table: Table, file: str | None, root: str | os.PathLike[str] | None, ending: str) -> str:
    """The folder that paths count from: the one given, else the one around the table where the first file lies."""
    base = table.path.parent if root is None else Path(root)
    if file is None or root is not None:
        return absolute(base)
    first = next((value for value in table.columns[file] if isinstance(value, str) and value), "")
    folders = (base / folder for folder in FILE_FOLDERS)
    return absolute(next((folder for folder in folders if Path(folder, first + ending).is_file()), base))


def _files(table: Table, name: str, ending: str) -> list[str]:
    """The paths of a column.

    Raises:
        AnnotationError: a row names no file.
    """
    for row, value in enumerate(table.columns[name]):
        if not isinstance(value, str) or not value.strip():
            said = (
                "holds pictures or sounds themselves, which format='parquet' reads"
                if isinstance(value, (dict, bytes))
                else (f"names no file: {value!r:.80}")
            )
            raise AnnotationError(f"{table.where(row)}: column {name!r} {said}")
    return [value.strip() + ending for value in table.columns[name]]


def _texts(table: Table, name: str) -> list[str]:
    for row, value in enumerate(table.columns[name]):
        if not isinstance(value, str):
            raise AnnotationError(f"{table.where(row)}: column {name!r} holds no text: {value!r:.80}")
    return table.columns[name]


def _is_audio(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) and Path(value).suffix.lower() in AUDIO_ENDINGS for value in values[:100])


def _of_audio(table: Table, names: Sequence[str]) -> list[str]:
    """Those of the names whose column names audio files: "clean" may be anything else."""
    columns = {name.lower(): values for name, values in table.columns.items()}
    return [name for name in names if name in columns and _is_audio(columns[name])]


def _labels(
    table: Table,
    chosen: _Chosen,
    label: str | Sequence[str] | None,
    classes: Sequence[str] | None,
    separator: str | None,
) -> Labels | None:
    try:
        if label is not None and not isinstance(label, str):
            names = [name for each in label if (name := chosen.column("label", each, ())) is not None]
            rows = list(zip(*(_numbers(table, name) for name in names), strict=True))
            return labels_of(rows, classes=names if classes is None else classes)
        column = chosen.column("label", label, LABEL_NAMES)
        if column is None:
            return None
        return labels_of(table.columns[column], classes=classes, separator=separator)
    except AnnotationError:
        raise
    except ValueError as error:
        raise AnnotationError(f"{table.path}: {error}") from None


def _numbers(table: Table, name: str) -> list[float]:
    numbers = []
    for row, value in enumerate(table.columns[name]):
        try:
            numbers.append(float(value))
        except (TypeError, ValueError):
            raise AnnotationError(f"{table.where(row)}: column {name!r} is no number: {value!r:.80}") from None
    return numbers


def _parts(table: Table, column: str | None) -> Sequence[str]:
    """The part of the data that each row belongs to: by its column, else by the name of its file."""
    if column is not None:
        return [split_named(str(value)) if value else "" for value in table.columns[column]]
    return [split for path, rows in table.files for split in [split_of_file(path)] * rows]


def _categories(table: Table, chosen: _Chosen) -> tuple[dict[int, Category], str | None]:
    """The categories that a column of annotated objects uses, and the column."""
    name = chosen.column("objects", None, ("objects",), keep=True)
    values = [] if name is None else [value for value in table.columns[name] if value]
    if name is None or not values or not all(looks_like_objects(value) for value in values):
        return {}, None
    return {number: Category(number, each) for number, each in enumerate(category_names(values))}, name


def _keys(
    table: Table,
    chosen: _Chosen,
    told: str | None,
    files: Sequence[str] | None,
    root: str,
    offsets: Column | None,
) -> Sequence[Key]:
    """An identity for each row.

    Raises:
        AnnotationError: two rows have the same in the column that was told.
    """
    names = KEY_NAMES if files is None else KEY_NAMES[:3]
    name = chosen.column("key", told, names, keep=True)
    values = [] if name is None else ["" if value is None else str(value) for value in table.columns[name]]
    if name is not None and all(values) and len(set(values)) == len(values):
        return Strings(values)
    if told:
        raise AnnotationError(f"{table.path}: key={told!r}, but in that column values are missing or occur twice")
    if files is None:
        return range(len(table))
    counts: dict[str, int] = {}
    keys = []
    for row, path in enumerate(files):
        name = os.path.relpath(path, root).replace(os.sep, "/") if path.startswith(root + os.sep) else path
        offset = None if offsets is None else value_at(offsets, row)
        name += f"@{offset}" if offset else ""
        counts[name] = counts.get(name, 0) + 1
        keys.append(name if counts[name] == 1 else f"{name}#{counts[name]}")
    return Strings(keys)


def _seconds(value: Any) -> float | None:
    """A number of seconds; None where none is given."""
    return None if value is None or value == "" or value != value else float(value)
