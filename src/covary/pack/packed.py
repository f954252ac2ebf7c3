"""From a sample of a data set to its files in a shard: names, columns and what is kept for the way back."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from covary.data.dataset import Dataset, Encoded, Sample
from covary.data.encode import EXTENSIONS
from covary.data.header import read_header
from covary.data.instances import Json
from covary.data.shard_members import KEY_COLUMN, role_of
from covary.data.shard_writing import json_bytes
from covary.draws.keys import Key
from covary.pack.shrink import SUFFIXES, Bounds, shrunk

_META = re.compile(r"__[^/]*__(/|$)")
_SUFFIX = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_ENDINGS = frozenset((*EXTENSIONS, ".wav", ".flac", ".mp3", ".ogg", ".txt", ".json"))


def stems(keys: Sequence[Key]) -> list[str]:
    """A name in a shard for each sample, no two alike: its key as far as a name can hold it.

    A key's ending is left out, dots in its last part become "_"; the whole key stands in a column of the sample.
    """
    taken: set[str] = set()
    names: list[str] = []
    for key in keys:
        name = base = _stem(str(key))
        if name in taken:
            name = base = _without_dots(str(key))
        number = 2
        while name in taken:
            name = f"{base}_{number}"
            number += 1
        taken.add(name)
        names.append(name)
    return names


def _stem(key: str) -> str:
    head, dot, ending = key.rpartition(".")
    return _without_dots(head if head and (dot + ending).lower() in _ENDINGS else key)


def _without_dots(key: str) -> str:
    parts = [part for part in key.replace("\0", "_").split("/") if part not in ("", ".", "..")] or ["_"]
    name = "/".join([*parts[:-1], parts[-1].replace(".", "_")])
    return f"k{name}" if _META.match(name) else name


def packed(dataset: Dataset, index: int, stem: str, bounds: Bounds) -> dict[str, Any]:
    """The files of one sample, as `write_shard` takes them.

    Raises:
        SampleError, ValueError: it cannot be used.
        OSError: a file of it cannot be read.
    """
    sample = dict(dataset.read(index))
    key = dataset.keys[index]
    columns: Json = {KEY_COLUMN: key if isinstance(key, str) else int(key)}
    files: dict[str, Any] = {"__key__": stem}
    if sample.get("image") is not None:
        made = shrunk(sample, bounds, dataset.categories)
        files[made.suffix] = made.picture
        if made.mask is not None:
            data, suffix = made.mask
            files[f"mask.{suffix}"] = data
        if made.objects is not None:
            columns["objects"] = [instance.to_json() for instance in made.objects]
    elif sample.get("objects") is not None:
        columns["objects"] = [instance.to_json() for instance in sample["objects"]]
    for name in ("image", "mask", "objects"):
        sample.pop(name, None)
    _add_label(sample, dataset.classes, files, columns)
    if "audio" in sample and isinstance(sample["audio"], np.ndarray):
        files["wav"] = _wav(sample.pop("audio"), int(sample.pop("rate")))
    if isinstance(sample.get("text"), str):
        files["txt"] = sample.pop("text")
    for name, value in sample.items():
        _add(name, value, files, columns)
    files["json"] = json_bytes(columns)
    return files


def _add_label(sample: Sample, classes: Sequence[str], files: dict[str, Any], columns: Json) -> None:
    """The label: a class number in a file of its own, as training code expects it, and its name among the columns."""
    label = sample.pop("label", None)
    if isinstance(label, int | np.integer) and not isinstance(label, bool):
        if label >= 0:
            files["cls"] = int(label)
            if label < len(classes):
                columns["class"] = classes[int(label)]
    elif label is not None:
        columns["label"] = label


def _add(name: str, value: Any, files: dict[str, Any], columns: Json) -> None:
    """Any other field: bytes and arrays as files, plain data as columns.

    Raises:
        ValueError: there is no way to keep it.
    """
    as_suffix = _SUFFIX.fullmatch(name) is not None and name not in files
    if isinstance(value, Encoded):
        suffix = f"{name}.{SUFFIXES[read_header(value.data).format]}"
        files[suffix] = value.data
    elif isinstance(value, bytes):
        files[name if as_suffix and role_of(name) == "bytes" else f"{name}.bin"] = value
    elif isinstance(value, np.ndarray) and value.ndim:
        files[name if name == "npy" else f"{name}.npy"] = value
    else:
        columns[name] = value


def _wav(samples: Any, rate: int) -> bytes:
    """A recording, (samples,) or (channels, samples), as a file that keeps its float32 values."""
    from scipy.io import wavfile  # soundfile would write the time into it

    file = io.BytesIO()
    values = np.asarray(samples, dtype=np.float32)
    wavfile.write(file, rate, values if values.ndim == 1 else values.T)
    return file.getvalue()


def size_of(files: Mapping[str, Any]) -> int:
    """How many bytes a sample takes in a shard: each file has a header and ends at a full block of 512 bytes."""
    from covary.data.shard_writing import content

    lengths = [len(content(suffix, value)) for suffix, value in files.items() if not suffix.startswith("__")]
    return sum(512 + -(-length // 512) * 512 for length in lengths)
