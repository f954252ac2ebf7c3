"""Which kind of data set it is, and an expansion's sources found again from its manifest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from covary.data.audio import AudioFolder
from covary.data.coco import category_from_json
from covary.data.coco_dataset import CocoDataset
from covary.data.dataset import Dataset
from covary.data.encode import EXTENSIONS
from covary.data.huggingface import HuggingFaceDataset
from covary.data.images import ImageFolder
from covary.data.look import TAR, Kind, look, sample_names
from covary.data.open import open_dataset
from covary.data.pairs import MaskPairs
from covary.data.tables import TableDataset
from covary.data.texts import TextFolder, TextLines
from covary.data.voc import VocDataset
from covary.data.webdataset import WebDataset
from covary.data.yolo import YoloDataset
from covary.expand.errors import ExpandError
from covary.expand.kinds.audio import AudioLayout, audio_sources
from covary.expand.kinds.audio_table import AudioTableLayout, audio_table_sources
from covary.expand.kinds.coco import CocoLayout, coco_sources
from covary.expand.kinds.folder import FolderLayout, FolderReader
from covary.expand.kinds.pairs import PairsLayout, pairs_sources
from covary.expand.kinds.plain import plain_sources
from covary.expand.kinds.sharded import ParquetLayout, WebDatasetLayout, sharded
from covary.expand.kinds.table import TableLayout, table_sources
from covary.expand.kinds.text import TextFileLayout, TextLayout, TextTableLayout, TextWish, text_sources
from covary.expand.kinds.voc import VocLayout, voc_sources
from covary.expand.kinds.yolo import YoloLayout, yolo_sources
from covary.expand.layout import Layout
from covary.expand.names import SHARD_FORMATS
from covary.expand.rows import SourceRow
from covary.expand.sources import Entry, Reader, Sources

IN_MEMORY = "memory"
"""What a data set without a folder is called."""

_KINDS: tuple[type[Layout], ...] = (
    FolderLayout,
    CocoLayout,
    PairsLayout,
    TableLayout,
    VocLayout,
    YoloLayout,
    WebDatasetLayout,
    ParquetLayout,
    AudioLayout,
    AudioTableLayout,
    TextTableLayout,
    TextFileLayout,
)
LAYOUTS: dict[str, type[Layout]] = {layout.kind: layout for layout in _KINDS}


def opened(
    source: str | os.PathLike[str] | Dataset,
    annotations: str | os.PathLike[str] | None,
    kind: Kind | None = None,
    *,
    out: Path | None = None,
    texts: TextWish | None = None,
) -> tuple[Dataset | None, Path]:
    """A data set by its kind, and where it lies; None for a plain folder of pictures.

    Args:
        annotations: a COCO file for a plain folder.
        kind: of the data set; found out by looking by default.
        out: the output folder, if there is one: what lies in it says nothing of the source.
        texts: which columns of a table are texts, where texts are to be varied; None where pictures are.

    Raises:
        ExpandError: there is nothing that can be expanded.
    """
    if isinstance(source, ImageFolder):
        _refuse_pictures(Path(source.root), texts)
        return None, Path(source.root)
    if isinstance(source, Dataset):
        return source, Path(getattr(source, "root", "") or IN_MEMORY)
    path = Path(source)
    if annotations is not None or kind == FolderLayout.kind:
        _refuse_pictures(path, texts)
        if not path.is_dir():
            raise ExpandError(f"{path}: not a folder")
        return None, path
    found = _kind_at(path, out) if kind is None else kind
    if texts is not None:
        return _open_texts(path, found, texts), path
    if found == FolderLayout.kind:
        return None, path
    if found == "text":
        raise ExpandError(f"{path}: texts are there, and the pipeline has no operations on text")
    return _open(path, found), path


def _refuse_pictures(path: Path, texts: TextWish | None) -> None:
    if texts is not None:
        raise ExpandError(f"{path}: pictures are there, and the pipeline has operations on text alone")


def _open_texts(path: Path, kind: Kind, wish: TextWish) -> Dataset:
    """A data set of texts; of a table, the columns are chosen later."""
    if kind == "text":
        return _open(path, kind)
    if kind not in ("table", "parquet"):
        raise ExpandError(
            f"{path}: a data set of kind {kind} is there, and the pipeline has operations on text alone; texts are "
            "expanded in tables (CSV, JSON lines, Parquet), lines of .txt files and folders of .txt files"
        )
    plain = {"image": "", "audio": "", "text": "", "mask": ""}
    try:
        return _open(path, "table", **plain)
    except ExpandError:
        return _open(path, "table", **plain, label="")  # whose usual names may mean something else


def _kind_at(path: Path, out: Path | None) -> Kind:
    """What kind of data set lies at a path."""
    if not path.exists():
        if TAR.search(path.name) and any(mark in str(path) for mark in "{*?["):
            return "webdataset"
        raise ExpandError(f"{path}: not a folder")
    try:
        found = look(path)
        own = None if out is None else Path(os.path.realpath(out))
        if found.files and own is not None and all(own in Path(os.path.realpath(file)).parents for file in found.files):
            return "folder"  # of which an expansion lies inside
        return found.kind
    except ValueError as error:
        if path.is_file():
            raise ExpandError(f"{path}: not a folder, nor a file that describes a data set") from error
        if not any(Path(name).suffix.lower() in EXTENSIONS for name in sample_names(path)):
            return "folder"  # in which nothing is found, and told
        raise ExpandError(str(error)) from error


def _open(path: Path, kind: Kind, **options: str) -> Dataset:
    try:
        return open_dataset(path, format=kind, **options)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        raise ExpandError(str(error)) from error


def sources_of(dataset: Dataset, source: Path, out: Path, format: str, texts: TextWish | None = None) -> Sources:
    """The sources of a data set that a reader has opened.

    Args:
        source: what was opened.
        out: the output folder.
        format: of the outputs.
        texts: which columns of a table are texts, where texts are to be varied; None where pictures are.

    Raises:
        ExpandError: outputs of such a data set cannot be written in kind.
    """
    if texts is not None:
        if not isinstance(dataset, TableDataset | TextLines | TextFolder):
            raise ExpandError(
                f"{source}: a {type(dataset).__name__} is no table of texts, nor text files; save it as Parquet first"
            )
        return text_sources(source, dataset, texts)
    if format == "same" and isinstance(dataset, WebDataset | HuggingFaceDataset):
        format = "webdataset" if isinstance(dataset, WebDataset) else "parquet"
    in_shards = format in SHARD_FORMATS
    of_sounds = isinstance(dataset, AudioFolder) or (isinstance(dataset, TableDataset) and bool(dataset.roles["audio"]))
    if of_sounds and format != "same":
        raise ExpandError(f"{source}: format={format!r} with sounds, which come out as they are stored; allowed: same")
    match dataset:
        case AudioFolder():
            found = audio_sources(source, dataset)
        case TableDataset() if of_sounds:
            found = audio_table_sources(source, dataset)
        case YoloDataset():
            found = yolo_sources(source, dataset, out)
        case VocDataset():
            found = voc_sources(source, dataset, planes=not in_shards)
        case CocoDataset():
            found = coco_sources(source, dataset)
        case MaskPairs():
            found = pairs_sources(source, dataset, as_stored=not in_shards)
        case TableDataset():
            found = table_sources(source, dataset, numbered=not in_shards)
        case _ if in_shards:
            found = plain_sources(source, dataset, WebDatasetLayout())
        case _:
            raise ExpandError(
                f"{source}: a {type(dataset).__name__} has no pictures in files of their own; "
                "choose a format that has shards: webdataset or parquet"
            )
    if in_shards:
        return sharded(found, format, dataset.classes, tuple(dataset.categories.values()))
    return found


def layout_of(settings: Mapping[str, str]) -> Layout:
    """The layout of an expansion, from its manifest's settings."""
    return LAYOUTS[settings.get("layout", "folder")].restored(settings)


def reopened(
    settings: Mapping[str, str], root: Path, dataset: Dataset | None, out: Path
) -> tuple[Reader, Callable[[SourceRow], Entry]]:
    """A reader of the sources that a manifest records, and how to find each.

    Args:
        settings: of the manifest.
        root: where the data set is now.
        dataset: the data set, if the caller has opened it.
        out: the output folder.

    Raises:
        ExpandError: it is not what it was.
    """
    kind = settings.get("kind", "folder")
    if kind == FolderLayout.kind:
        if not root.is_dir():
            raise ExpandError(f"{root}: the source folder is not there; name it with source= (--source)")
        listed = map(category_from_json, json.loads(settings.get("categories", "[]")))
        return FolderReader(root, {category.id: category for category in listed}), _entry_of_file
    layout = layout_of(settings)
    texts = TextWish(found=layout.columns) if isinstance(layout, TextLayout) else None
    found = opened(root, None, texts=texts)[0] if dataset is None else dataset
    if found is None:
        raise ExpandError(f"{root} is a plain folder; it was of kind {kind} when it was expanded")
    sources = sources_of(found, root, out, settings["format"], texts)
    return sources.reader, _Found({entry.name: entry for entry in sources.entries})


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
