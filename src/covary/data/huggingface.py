"""Hugging Face data sets, and Parquet files of their form: pictures and sounds as structs of bytes and path."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from covary.data.arrow_rows import ArrowRows, DatasetsRows, ParquetRows, features_of
from covary.data.audio import read_audio
from covary.data.dataset import Encoded, Sample, SampleError
from covary.data.indexed import Indexed
from covary.data.instances import Category
from covary.data.labels import Labels, labels_of
from covary.data.object_columns import CATEGORY_NAMES, category_names, instances_of
from covary.data.splits import known_splits, split_of, split_of_file
from covary.data.strings import Strings
from covary.data.tables import AUDIO_NAMES, LABEL_NAMES, TEXT_NAMES
from covary.draws.keys import Key

IMAGE_NAMES = ("image", "img", "pixel_values", "picture", "photo", "jpg", "png")
MASK_NAMES = ("mask", "annotation", "segmentation", "segmentation_mask", "label", "labels", "annotated")
ID_NAMES = ("key", "id", "image_id", "__key__")
BoxForm = Literal["xywh", "xyxy"]


class HuggingFaceDataset(Indexed):
    """Rows of a `datasets.Dataset` or of Parquet files.

    Pictures and sounds are columns of structs {bytes, path} (the library's Image and Audio features) or of bytes; they
    are taken as they are stored, without the library's own decoding. Class names come from the features (ClassLabel),
    which Parquet files carry in their metadata. Parquet files are read a row group at a time; as every sample of
    another row group reads one anew, small row groups (100 rows) suit shuffled reading best.

    A sample's key is its value in a column named key, id or image_id where no two are alike, else the row's number,
    with the name of its file or part before it where there are several.

    Args:
        source: a `datasets.Dataset`, a `datasets.DatasetDict` (all its parts), a Parquet file, or several.
        image, audio, text, label, mask, objects: names of the columns that play these parts; "" for none. By default
            their types and names tell.
        boxes: "xywh" (x, y, width, height, as COCO has them) or "xyxy" (two corners), for boxes in `objects`.
        classes: names of the classes in the order of their numbers, where the features do not say them.
        cache: how many bytes of a Parquet file's row groups are kept in memory.

    Samples: `image` and `mask` (an `Encoded`), `audio` and `rate`, `text`, `label`, `objects` (a tuple of `Instance`),
    and the other columns under their own names.

    Raises:
        ValueError: a column that was told is not there.
        AnnotationError: a file is no Parquet file, or has other columns than the first.
        ModuleNotFoundError: pyarrow is not installed.
        OSError: a file cannot be read.
    """

    def __init__(
        self,
        source: Any,
        *,
        image: str | None = None,
        audio: str | None = None,
        text: str | None = None,
        label: str | None = None,
        mask: str | None = None,
        objects: str | None = None,
        boxes: BoxForm = "xywh",
        classes: Sequence[str] | None = None,
        cache: int = 256_000_000,
    ) -> None:
        if boxes not in ("xywh", "xyxy"):
            raise ValueError(f"HuggingFaceDataset: boxes={boxes!r}; allowed: 'xywh', 'xyxy'")
        self._boxes: BoxForm = boxes
        self._rows, splits = _rows(source, cache)
        schema = self._rows.schema
        features = features_of(schema)
        files = {name for name in schema.names if holds_files(schema.field(name).type, features.get(name))}
        sounds = {name for name in files if _is(features.get(name), "Audio") or name in AUDIO_NAMES}
        free = dict.fromkeys(schema.names)
        self._audio = _take(free, "audio", audio, AUDIO_NAMES, sounds)
        self._image = _take(free, "image", image, IMAGE_NAMES, files - sounds)
        self._mask = _take(free, "mask", mask, MASK_NAMES, files - sounds, any_name=False)
        self._text = _take(free, "text", text, TEXT_NAMES, set(schema.names) - files, any_name=False)
        named = {name for name in schema.names if _class_names(features.get(name)) is not None}
        plain = {name for name in LABEL_NAMES if name in free and name not in files}
        self._label = _take(free, "label", label, LABEL_NAMES, named or plain)
        self._objects = _take(free, "objects", objects, ("objects",), set(schema.names), any_name=False)
        self._files = tuple(name for name in free if name in files)
        self._others = tuple(name for name in free if name not in files)
        self._labels = self._read_labels(features, classes)
        super().__init__(
            _keys(self._rows),
            classes=self._labels.classes if self._labels is not None else (),
            labels=self._labels.numbers if self._labels is not None else None,
            splits=known_splits(splits),
            categories=self._read_categories(features),
        )

    def _read_labels(self, features: Mapping[str, Any], classes: Sequence[str] | None) -> Labels | None:
        if self._label is None:
            return None
        names = _class_names(features.get(self._label))
        values = self._rows.column(self._label)
        if names is not None and any(isinstance(value, list) for value in values):
            values = [[names[number] for number in value or ()] for value in values]
        return labels_of(values, classes=names if names is not None else classes)

    def _read_categories(self, features: Mapping[str, Any]) -> dict[int, Category]:
        if self._objects is None:
            return {}
        names = _category_names(features.get(self._objects))
        if names is None:
            names = category_names(self._rows.column(self._objects))
        return {number: Category(number, name) for number, name in enumerate(names)}

    def read(self, index: int) -> Sample:
        """The fields of a row, pictures as their bytes."""
        key = self.keys[index]
        try:
            row = self._rows.row(index)
            sample: Sample = {}
            if self._image is not None:
                sample["image"] = _encoded(row[self._image], key, self._image)
            if self._mask is not None:
                sample["mask"] = _encoded(row[self._mask], key, self._mask)
            if self._audio is not None:
                sound = _encoded(row[self._audio], key, self._audio)
                sample["audio"], sample["rate"] = read_audio(sound.data, name=sound.name)
            if self._text is not None:
                sample["text"] = row[self._text]
            if self._labels is not None:
                sample["label"] = self._labels[index]
            if self._objects is not None:
                sample["objects"] = self._instances(row[self._objects])
            for name in self._files:
                sample[name] = _encoded(row[name], key, name)
        except ValueError as error:
            raise SampleError(key, str(error)) from None
        for name in self._others:
            sample.setdefault(name, row[name])
        return sample

    def _instances(self, value: Any) -> Any:
        numbers = {category.name: number for number, category in self.categories.items()}
        return instances_of(value, numbers, corners=self._boxes == "xyxy")


def _rows(source: Any, cache: int) -> tuple[ArrowRows, list[str]]:
    """The rows of a source, and what part of the data each belongs to."""
    if is_datasets_object(source):
        if isinstance(source, Mapping):
            parts = dict(source)
            names = {name: split_of(str(name)) or str(name) for name in parts}
        else:
            parts = {"": source}
            names = {"": split_of(str(source.split or ""))}
        if not all(hasattr(part, "with_format") and hasattr(part, "__len__") for part in parts.values()):
            raise ValueError("a streaming data set has no samples by number; load it without streaming=True")
        return DatasetsRows(parts), [names[name] for name, part in parts.items() for _ in range(len(part))]
    paths = [source] if isinstance(source, (str, os.PathLike)) else list(source)
    rows = ParquetRows(paths, cache=cache)
    return rows, [split for path, count in rows.parts for split in [split_of_file(Path(path))] * count]


def is_datasets_object(source: Any) -> bool:
    """Whether an object is one of the library `datasets`, which is not imported to find out."""
    return type(source).__module__.partition(".")[0] == "datasets"


def _take(
    free: dict[str, None],
    part: str,
    told: str | None,
    names: Sequence[str],
    allowed: set[str],
    *,
    any_name: bool = True,
) -> str | None:
    """The column that plays a part, taken from the free ones: the one told, else by name, else the first allowed."""
    if told is not None:
        if told and told not in free:
            raise ValueError(f"HuggingFaceDataset: {part}={told!r}, but its free columns are {', '.join(free)}")
        found = told or None
    else:
        found = next((name for name in names if name in free and name in allowed), None)
        if found is None and any_name:
            found = next((name for name in free if name in allowed), None)
    if found is not None:
        del free[found]
    return found


def _is(feature: Any, kind: str) -> bool:
    return isinstance(feature, Mapping) and feature.get("_type") == kind


def holds_files(type_: Any, feature: Any) -> bool:
    """Whether a column is of pictures or sounds: structs of bytes and path, or bytes."""
    text = str(type_)
    if text.startswith("struct<"):
        return {field.name for field in type_} == {"bytes", "path"}
    return text in ("binary", "large_binary") or _is(feature, "Image") or _is(feature, "Audio")


def _class_names(feature: Any) -> list[str] | None:
    """The names of the classes of a column, or of a column of lists of classes."""
    while isinstance(feature, Mapping) and "feature" in feature:
        feature = feature["feature"]
    return list(map(str, feature["names"])) if _is(feature, "ClassLabel") and feature.get("names") else None


def _category_names(feature: Any) -> list[str] | None:
    """The names of the categories of a column of objects, however structs and lists are put into each other."""
    while isinstance(feature, Mapping) and "feature" in feature:
        feature = feature["feature"]
    if isinstance(feature, (list, tuple)) and feature:
        feature = feature[0]
    if not isinstance(feature, Mapping):
        return None
    return next((names for name in CATEGORY_NAMES if (names := _class_names(feature.get(name))) is not None), None)


def _keys(rows: ArrowRows) -> Sequence[Key]:
    count = sum(number for _, number in rows.parts)
    for name in ID_NAMES:
        if name in rows.schema.names and str(rows.schema.field(name).type) in (
            "string",
            "large_string",
            "int64",
            "int32",
        ):
            values = rows.column(name)
            if None not in values and len(set(values)) == count:
                return Strings(map(str, values))
    if len(rows.parts) == 1:
        return range(count)
    names = [Path(name).name for name, _ in rows.parts]
    if len(set(names)) < len(names):
        names = [name for name, _ in rows.parts]
    numbered = zip(names, (number for _, number in rows.parts), strict=True)
    return Strings(f"{name}:{at}" for name, number in numbered for at in range(number))


def _encoded(value: Any, key: Key, column: str) -> Encoded:
    """A picture or sound as it is stored: its bytes, or those of the file that is named instead.

    Raises:
        ValueError: there is neither.
        OSError: the file cannot be read.
    """
    if isinstance(value, Mapping):
        data, path = value.get("bytes"), value.get("path")
        if data is not None:
            return Encoded(data, f"{key}: {path}" if path else f"{key}: {column}")
        if path:
            return Encoded(Path(path).read_bytes(), path)
    if isinstance(value, (bytes, bytearray)):
        return Encoded(bytes(value), f"{key}: {column}")
    if isinstance(value, str):
        return Encoded(Path(value).read_bytes(), value)
    raise ValueError(f"column {column!r} holds no bytes and names no file: {value!r:.80}")
