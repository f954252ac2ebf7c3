"""Folders of sounds, the folders in it their classes; and how sounds of any data set are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from covary.data.audio import AudioFolder
from covary.data.instances import Category
from covary.data.tables import TableDataset
from covary.expand.digest import fields_digest
from covary.expand.files import stamp_of
from covary.expand.kinds.folder import FolderLayout
from covary.expand.kinds.reading import class_of, split_of
from covary.expand.sounds import OpenedSound
from covary.expand.sources import Entry, Raw, Sources


def audio_sources(source: Path, dataset: AudioFolder) -> Sources:
    """The sounds of a folder."""
    entries = tuple(
        Entry(index, str(key), key, class_of(dataset, index), split_of(dataset, index))
        for index, key in enumerate(dataset.keys)
    )
    reader = SoundReader(Path(dataset.root), dataset)
    return Sources(source, entries, reader, AudioLayout(), _no_facts, dataset.problems, what="sounds")


def _no_facts(entry: Entry) -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class SoundReader:
    """Reads sounds, and what their data set says of them.

    Attributes:
        root: folder from which on names count.
        dataset: the data set.
        shared: files that say something of many samples.
    """

    root: Path
    dataset: AudioFolder | TableDataset
    shared: tuple[Path, ...] = ()

    @property
    def categories(self) -> Mapping[int, Category]:
        return {}

    def files(self, entry: Entry) -> tuple[Path, ...]:
        return (*(self.root / name for name in (entry.file, *entry.companions)), *self.shared)

    def read(self, entry: Entry) -> Raw:
        data, digest = self._file(entry, entry.file)
        sound = replace(self.dataset.sound(entry.index), source=data)
        fields = self.dataset.beside(entry.index)
        # A class that comes in between changes the numbers of classes, and no sample.
        told = {name: value for name, value in fields.items() if name != "label" or self.dataset.labels is None}
        told |= {"first": sound.first, "length": sound.length} if entry.part_of else {}
        sample = {**fields, "audio": sound}
        for name in entry.companions:
            content, told["clean"] = self._file(entry, name)
            clean = self.dataset.clean(entry.index)
            assert clean is not None
            sample["clean"] = replace(clean, source=content)
        return Raw(data, len(data), digest, fields_digest(told), sample)

    def _file(self, entry: Entry, name: str) -> tuple[bytes, str]:
        path = self.root / name
        return _kept(path, stamp_of([path])) if entry.part_of else _content(path)

    def open(self, entry: Entry, facts: str | None, raw: Raw) -> OpenedSound:
        fields = dict(raw.sample)
        return OpenedSound(fields.pop("audio"), fields.pop("clean") if entry.companions else None, fields)


def _content(path: Path) -> tuple[bytes, str]:
    data = path.read_bytes()
    return data, sha256(data).hexdigest()


@lru_cache(maxsize=4)
def _kept(path: Path, stamp: str) -> tuple[bytes, str]:
    """A file of which many sources are parts, and which is read once for all that come one after another."""
    return _content(path)


class AudioLayout(FolderLayout):
    """Outputs lie under the same sub-folders as their sources."""

    __slots__ = ()

    kind: ClassVar[str] = "audio"
