"""Which kind of data set it is, and an expansion's sources found again from its manifest."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from covary.data.coco import category_from_json
from covary.data.dataset import Dataset
from covary.data.pairs import MaskPairs
from covary.data.voc import VocDataset
from covary.data.yolo import YoloDataset, find_data_yaml
from covary.expand.errors import ExpandError
from covary.expand.kinds.folder import FolderLayout, FolderReader
from covary.expand.kinds.pairs import PairsLayout, pairs_sources
from covary.expand.kinds.voc import VocLayout, voc_sources
from covary.expand.kinds.yolo import YoloLayout, yolo_sources
from covary.expand.layout import Layout
from covary.expand.rows import SourceRow
from covary.expand.sources import Entry, Reader, Sources

_KINDS = (FolderLayout, PairsLayout, VocLayout, YoloLayout)
LAYOUTS: dict[str, type[Layout]] = {layout.kind: layout for layout in _KINDS}


def opened(
    source: str | os.PathLike[str] | Dataset, annotations: str | os.PathLike[str] | None
) -> tuple[Dataset | None, Path]:
    """A data set by its kind, and where it lies; None for a plain folder of pictures.

    Args:
        annotations: a COCO file for a plain folder.

    Raises:
        ExpandError: there is nothing, or a data set in memory.
    """
    if isinstance(source, Dataset):
        root = getattr(source, "root", None)
        if root is None:
            raise ExpandError(f"a {type(source).__name__} lies in no folder; choose --format webdataset")
        return source, Path(root)
    path = Path(source)
    if annotations is not None or not path.exists():
        if not path.is_dir():
            raise ExpandError(f"{path}: not a folder")
        return None, path
    if path.is_file() and path.suffix not in (".yaml", ".yml"):
        raise ExpandError(f"{path}: not a folder")
    if path.is_file() or find_data_yaml(path):
        return YoloDataset(path), path
    if (path / "JPEGImages").is_dir():
        return VocDataset(path), path
    if (path / "masks").is_dir() and (path / "images").is_dir():
        return MaskPairs(path), path
    return None, path


def sources_of(dataset: Dataset, source: Path, out: Path) -> Sources:
    """The sources of a data set that a reader has opened.

    Args:
        source: what was opened.
        out: the output folder.

    Raises:
        ExpandError: outputs of such a data set cannot be written in kind.
    """
    match dataset:
        case YoloDataset():
            return yolo_sources(source, dataset, out)
        case VocDataset():
            return voc_sources(source, dataset)
        case MaskPairs():
            return pairs_sources(source, dataset)
    raise ExpandError(f"{source}: a {type(dataset).__name__} has no files of its own; choose --format webdataset")


def layout_of(settings: Mapping[str, str]) -> Layout:
    """The layout of an expansion, from its manifest's settings."""
    return LAYOUTS[settings.get("layout", "folder")].restored(settings)


def reopened(
    layout: Layout, root: Path, dataset: Dataset | None, out: Path
) -> tuple[Reader, Callable[[SourceRow], Entry]]:
    """A reader of the sources that a manifest records, and how to find each.

    Args:
        root: where the data set is now.
        dataset: the data set, if the caller has opened it.
        out: the output folder.

    Raises:
        ExpandError: it is not what it was.
    """
    if isinstance(layout, FolderLayout):
        if not root.is_dir():
            raise ExpandError(f"{root}: the source folder is not there; name it with source= (--source)")
        categories = {kind["id"]: category_from_json(kind) for kind in layout.categories}
        return FolderReader(root, categories), _entry_of_file
    sources = sources_of(_opened(layout.kind, root) if dataset is None else dataset, root, out)
    if sources.layout.kind != layout.kind:
        raise ExpandError(f"{root} is of kind {sources.layout.kind}; it was {layout.kind} when it was expanded")
    return sources.reader, _Found({entry.name: entry for entry in sources.entries})


def _opened(kind: str, root: Path) -> Dataset:
    try:
        dataset: Dataset = {"yolo": YoloDataset, "voc": VocDataset, "pairs": MaskPairs}[kind](root)
    except (ValueError, OSError) as error:
        raise ExpandError(f"the sources cannot be found again: {error}") from error
    return dataset


def _entry_of_file(row: SourceRow) -> Entry:
    return Entry(0, row.path, row.path, row.label, row.split)


class _Found:
    """The sources of a data set by name."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = entries

    def __call__(self, row: SourceRow) -> Entry:
        if row.path not in self._entries:
            raise ExpandError(f"No such file: {row.path} is not in the data set any more")
        return self._entries[row.path]
