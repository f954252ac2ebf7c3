"""The file beside the shards: what they hold, and how far an unfinished run came."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from covary.data.dataset import Dataset
from covary.data.folder import Problem
from covary.data.instances import Json
from covary.data.shard_writing import INDEX_NAME
from covary.expand.errors import ExpandError


@dataclass(frozen=True, slots=True)
class PackedShard:
    """A finished shard.

    Attributes:
        name: of its file.
        split: part of the data set whose samples it holds; "" where nothing says so.
        first, taken: it holds the samples from number `first` of its split on, `taken` of them, skipped ones included.
        samples: samples in it.
        bytes: its size.
        skipped: keys of the samples that could not be used, and why.
    """

    name: str
    split: str
    first: int
    taken: int
    samples: int
    bytes: int
    skipped: tuple[tuple[str, str], ...] = ()


def settings_of(dataset: Dataset, options: Json) -> Json:
    """What a packing depends on: options, and a digest of the samples' keys and splits."""
    digest = sha256()
    splits = dataset.splits
    for index, key in enumerate(dataset.keys):
        digest.update(json.dumps([key if isinstance(key, str) else int(key), splits and splits[index]]).encode())
    return {**options, "sources": len(dataset), "keys_sha256": digest.hexdigest()}


def index_text(dataset: Dataset, settings: Json, shards: Sequence[PackedShard], complete: bool) -> str:
    """The file's text."""
    head: Json = {
        "format": "webdataset",
        "complete": complete,
        "samples": sum(shard.samples for shard in shards),
        "classes": list(dataset.classes),
        "categories": [category.to_json() for category in dataset.categories.values()],
        "settings": settings,
    }
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items()]
    entries = [json.dumps(asdict(shard)) for shard in shards]
    return "{\n" + ",\n".join([*lines, '"shards": [\n' + ",\n".join(entries) + "\n]"]) + "\n}\n"


def finished_shards(out: Path, settings: Json) -> list[PackedShard]:
    """The shards that an earlier run with the same settings finished; none where none ran.

    Raises:
        ExpandError: the folder holds another packing, or an index.json of another kind.
    """
    path = out / INDEX_NAME
    if not path.exists():
        return []
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        before: Json = document["settings"]
        shards = [
            PackedShard(**{**entry, "skipped": tuple(tuple(pair) for pair in entry["skipped"])})
            for entry in document["shards"]
        ]
    except (ValueError, KeyError, TypeError):
        raise ExpandError(f"{path} is in the way: covary did not make it, and leaves it alone") from None
    if before != settings:
        differing = [name for name in settings if before.get(name) != settings[name]]
        what = {"keys_sha256": "the sources"}
        shown = ", ".join(what.get(name, f"{name} ({before.get(name)})") for name in differing if name != "sources")
        raise ExpandError(f"{out} holds a packing that differs in {shown}; remove it, or choose another folder")
    return shards


def problems_of(shards: Sequence[PackedShard]) -> tuple[Problem, ...]:
    """What was skipped."""
    return tuple(Problem(key, reason) for shard in shards for key, reason in shard.skipped)
