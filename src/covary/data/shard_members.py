"""What the members of a sample in a shard stand for, by their suffixes: images, masks, labels, audio, text, columns."""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np

from covary.data.coco import instance_from_json
from covary.data.dataset import Encoded, Sample
from covary.data.encode import EXTENSIONS
from covary.data.folder import OTHER_PICTURES
from covary.data.indexed import upright_size
from covary.data.instances import Category, Instance, Json

Role: TypeAlias = Literal["image", "audio", "label", "text", "json", "array", "number", "bytes"]

KEY_COLUMN = "__key__"
"""Column of a sample's JSON that holds its key where the names in the shard cannot (a key with dots in its name)."""

_ROLES: dict[str, Role] = {
    **{ending.removeprefix("."): "image" for ending in (*EXTENSIONS, *OTHER_PICTURES)},
    **dict.fromkeys(("wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "au"), "audio"),
    **dict.fromkeys(("cls", "class", "label"), "label"),
    **dict.fromkeys(("txt", "text", "transcript", "caption"), "text"),
    **dict.fromkeys(("json", "jsn"), "json"),
    **dict.fromkeys(("npy", "npz"), "array"),
    **dict.fromkeys(("id", "index", "inx", "cls2"), "number"),
}
_IMAGE_NAMES = frozenset(("image", "img", "input", "rgb", "picture", "photo"))
_MASK_NAMES = frozenset(("mask", "masks", "seg", "segm", "segmentation", "segmap", "annotation", "target"))
_LABEL_NAMES = ("label", "cls", "class")
_OBJECT_NAMES = ("objects", "annotations")
_KNOWN_FIELDS = frozenset(("image", "mask", "audio", "objects"))


def split_name(name: str) -> tuple[str, str]:
    """Key and suffix of a member: a name is cut at the first dot of its last part, as WebDataset does.

    Returns:
        The key, "" if the name has none; the suffix in lower case.
    """
    slash = name.rfind("/") + 1
    dot = name.find(".", slash)
    return ("", "") if dot <= slash else (name[:dot], name[dot + 1 :].lower())


def role_of(suffix: str) -> Role:
    """What a suffix stands for: by its last part, so that "left.jpg" is an image as "jpg" is."""
    if suffix in ("cls.txt", "class.txt", "label.txt"):
        return "label"
    return _ROLES.get(suffix.rpartition(".")[2], "bytes")


def field_of(suffix: str, beside: Collection[str]) -> str:
    """The name of the field that a member becomes.

    Args:
        suffix: of the member.
        beside: the suffixes of all members of the sample.
    """
    role = role_of(suffix)
    prefix, _, ending = suffix.rpartition(".")
    if role == "image":
        if prefix in _MASK_NAMES:
            return "mask"
        if prefix in _IMAGE_NAMES:
            return "image"
        if prefix:
            return prefix
        # A photograph with a PNG of the same name: that is how pictures and their masks are paired.
        return "mask" if ending == "png" and not {"jpg", "jpeg"}.isdisjoint(beside) else "image"
    if role == "label":
        return "label"
    if prefix:
        return prefix
    return {"audio": "audio", "text": "text" if ending != "caption" else "caption"}.get(role, ending)


def parsed_label(data: bytes) -> Any:
    """The label that a small file holds: a number, a row of them, or a name."""
    text = data.decode("utf-8", "surrogateescape").strip()
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return row_or_value(value)


def row_or_value(label: Any) -> Any:
    """A label of several numbers as an array; any other as it is."""
    if isinstance(label, list) and label and all(isinstance(value, int | float) for value in label):
        return np.asarray(label)
    return label


def parsed_json(data: bytes) -> Any:
    """The content of a JSON file.

    Raises:
        ValueError: it is none.
    """
    return json.loads(data.decode("utf-8", "surrogateescape"))


def label_in(document: Any) -> Any:
    """The label among the columns of a sample's JSON; None if there is none."""
    if isinstance(document, dict):
        for name in _LABEL_NAMES:
            if document.get(name) is not None:
                return document[name]
    return None


def objects_in(document: Any) -> list[Json] | None:
    """The COCO-like annotations in a sample's JSON; None if there are none.

    They are a list of objects with a category and a `bbox`, a `segmentation` or `keypoints`: the document itself, or
    its column `objects` or `annotations`; there it may also be a mapping of columns, {"bbox": [...], "category":
    [...]}.
    """
    if isinstance(document, dict):
        found = (document[name] for name in _OBJECT_NAMES if name in document)
        return next((entries for entries in map(_entries, found) if entries is not None), None)
    return _entries(document) if document else None


def _entries(value: Any) -> list[Json] | None:
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        if len({len(column) for column in value.values()}) != 1:
            return None
        value = [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
        return value if all(map(_is_annotation, value)) and value else ([] if not value else None)
    if isinstance(value, list) and all(map(_is_annotation, value)):
        return value
    return None


def _is_annotation(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and any(name in entry for name in ("bbox", "segmentation", "keypoints"))
        and category_in(entry) is not None
    )


def category_in(entry: Mapping[str, Any]) -> int | str | None:
    """The category of an annotation: its number, or its name."""
    for name in ("category_id", "category", "category_name", "label"):
        value = entry.get(name)
        if isinstance(value, int | str) and not isinstance(value, bool):
            return value
    return None


def instances_of(
    entries: list[Json], categories: Mapping[int, Category], size: tuple[int, int] | None
) -> tuple[Instance, ...]:
    """The objects that annotations describe.

    Args:
        entries: from `objects_in`.
        categories: by number.
        size: height and width of the picture; None where it cannot be told, and masks have no size of their own.

    Raises:
        ValueError: an annotation makes no sense, or names a category that is not known.
    """
    by_name = {category.name: number for number, category in categories.items()}
    return tuple(_instance(entry, by_name, size) for entry in entries)


def _instance(entry: Json, by_name: Mapping[str, int], size: tuple[int, int] | None) -> Instance:
    category = category_in(entry)
    number = by_name.get(category) if isinstance(category, str) else category
    if number is None:
        raise ValueError(f"an object's category is {category!r}; known are {', '.join(by_name)}")
    if size is None and entry.get("segmentation"):
        raise ValueError("an object has a segmentation, but there is no picture whose size it has")
    instance = instance_from_json({**entry, "category_id": number}, size or (0, 0))
    without = {"category", "category_name", "label", "image_id"}
    return replace(instance, extra={name: value for name, value in instance.extra.items() if name not in without})


def sample_of(contents: Mapping[str, bytes], name: str, categories: Mapping[int, Category]) -> Sample:
    """The fields of a sample.

    Args:
        contents: of its members, by suffix.
        name: of the sample, for messages.
        categories: of its objects.

    Raises:
        ValueError: a member is not what its suffix says.
    """
    fields: Sample = {}
    columns: Sample = {}
    entries: list[Json] | None = None
    for suffix, data in contents.items():
        role = role_of(suffix)
        field = field_of(suffix, contents)
        try:
            if role == "json":
                document = parsed_json(data)
                found = objects_in(document)
                entries = entries if found is None else found
                columns |= _columns(document, field, found is not None)
            else:
                fields |= _decoded(role, field, data, f"{name}.{suffix}")
        except (ValueError, OSError, RuntimeError, EOFError) as error:
            raise ValueError(f"{suffix}: {error}") from None
    if entries is not None:
        image = fields.get("image")
        columns["objects"] = instances_of(
            entries, categories, upright_size(image) if isinstance(image, Encoded) else None
        )
    return {**columns, **fields}


def _columns(document: Any, field: str, with_objects: bool) -> Sample:
    """The columns of a sample's JSON, under their own names."""
    if not isinstance(document, dict):
        return {} if with_objects else {field: document}
    columns: Sample = {}
    label = label_in(document)
    if label is not None:
        columns["label"] = row_or_value(label)
    for column, value in document.items():
        if column == KEY_COLUMN or column == "label" or (with_objects and column in (*_OBJECT_NAMES, "categories")):
            continue
        # A file's name in a column "image" is no image.
        columns[f"{field}.{column}" if column in _KNOWN_FIELDS else column] = value
    return columns


def _decoded(role: Role, field: str, data: bytes, name: str) -> Sample:
    match role:
        case "image":
            return {field: Encoded(data, name)}
        case "audio":
            return _audio(field, data)
        case "label":
            return {field: parsed_label(data)}
        case "text":
            return {field: data.decode("utf-8")}
        case "number":
            return {field: parsed_label(data)}
        case "array":
            loaded = np.load(io.BytesIO(data), allow_pickle=False)
            return {field: loaded if isinstance(loaded, np.ndarray) else dict(loaded)}
        case _:
            return {field: data}


def _audio(field: str, data: bytes) -> Sample:
    """A recording: float32 (samples,) of one channel or (channels, samples), and its rate in Hz."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    sound = samples[:, 0] if samples.shape[1] == 1 else samples.T
    return {field: np.ascontiguousarray(sound), "rate" if field == "audio" else f"{field}_rate": rate}
