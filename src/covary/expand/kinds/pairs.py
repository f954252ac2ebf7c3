"""Pictures with a mask each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from covary.data.encode_mask import encode_mask
from covary.data.folder import Problem
from covary.data.indexed import read_file
from covary.data.pairs import MaskPairs
from covary.expand.kinds.reading import DatasetReader, class_of, raw_of, split_of, without_clashes
from covary.expand.layout import PlainLayout, companion_name
from covary.expand.sources import Entry, Mask, Raw, Sources
from covary.expand.variations import Variation


def pairs_sources(source: Path, dataset: MaskPairs, *, as_stored: bool) -> Sources:
    """The pictures of folders of pictures and masks. A picture without a mask is a problem.

    Args:
        as_stored: whether masks are taken as their files hold them; else as the data set gives them (numbers for
            colours).
    """
    layout = PairsLayout()
    entries = []
    problems = []
    for index, name in enumerate(map(str, dataset.keys)):
        mask = dataset.masks[index]
        if mask:
            label, split = class_of(dataset, index), split_of(dataset, index)
            entries.append(Entry(index, name, dataset.keys[index], label, split, companions=(mask,)))
        else:
            problems.append(Problem(name, "it has no mask"))
    kept, clashing = without_clashes(entries, layout)
    reader = PairsReader(Path(dataset.root), dataset, as_stored=as_stored)
    return Sources(source, tuple(kept), reader, layout, _no_facts, (*problems, *clashing))


def _no_facts(entry: Entry) -> None:
    return None


@dataclass(frozen=True, slots=True, eq=False)
class PairsReader(DatasetReader):
    """Reads pictures by their data set.

    Attributes:
        as_stored: whether masks are taken as their files hold them.
    """

    as_stored: bool = True

    def read(self, entry: Entry) -> Raw:
        sample = self.dataset.read(entry.index)
        if self.as_stored:
            sample["mask"] = read_file(str(self.root), entry.companions[0])
        return raw_of(sample, by_class=self.dataset.labels is not None)


@dataclass(frozen=True, slots=True, eq=False)
class PairsLayout(PlainLayout):
    """Pictures and masks in the folders of their sources, under the names that theirs have."""

    kind: ClassVar[str] = "pairs"

    def settings(self) -> dict[str, str]:
        return {}

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        return cls()

    def part_names(self, entry: Entry, path: str) -> tuple[str, ...]:
        return (mask_name(entry.companions[0], entry.name, path),)

    def parts(self, entry: Entry, path: str, made: Variation, mask: Mask | None) -> list[tuple[str, bytes]]:
        assert mask is not None and made.mask is not None
        return [(mask_name(entry.companions[0], entry.name, path), encode_mask(made.mask, mask.files[0]))]

    def original_parts(self, entry: Entry, path: str) -> list[tuple[str, str]]:
        return [(companion_name(companion, entry.name, path), companion) for companion in entry.companions]


def mask_name(mask: str, picture: str, path: str) -> str:
    """Where the mask of a variation at `path` lies: a PNG, or a TIFF where the source's is one."""
    name = companion_name(mask, picture, path)
    stem, dot, ending = name.rpartition(".")
    return name if ending.lower() in ("png", "tif", "tiff") else f"{stem}{dot}png"
