"""What kind of data set lies at a path, found out by looking at names."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from covary.data.array_folder import ARRAY_ENDINGS
from covary.data.audio import AUDIO_ENDINGS
from covary.data.encode import EXTENSIONS
from covary.data.pairs import IMAGE_FOLDERS, MASK_FOLDERS
from covary.data.splits import split_of_file
from covary.data.table_files import column_names
from covary.data.tables import AUDIO_NAMES, FILE_NAMES, TEXT_NAMES
from covary.data.texts import TEXT_ENDINGS
from covary.data.yolo import find_data_yaml

Kind: TypeAlias = Literal[
    "folder", "pairs", "coco", "yolo", "voc", "table", "parquet", "webdataset", "audio", "arrays", "text", "huggingface"
]

TAR = re.compile(r"\.(tar|tar\.(gz|bz2|xz)|tgz)$", re.IGNORECASE)
TABLES = frozenset((".csv", ".tsv", ".jsonl", ".ndjson", ".manifest"))
PARQUET = frozenset((".parquet", ".pq"))
# How much of a folder is looked at: files of one folder, and folders.
MOST_FILES, MOST_FOLDERS = 200, 400

LOOKED_FOR = (
    "data.yaml (YOLO)",
    "*.json with images and annotations (COCO)",
    "Annotations/*.xml with JPEGImages/, or .xml beside pictures (Pascal VOC)",
    "images/ with labels/*.txt (YOLO)",
    "images/ with masks/, or *_mask beside pictures",
    "*.csv, *.tsv, *.jsonl or *.parquet with a column of files or texts",
    "*.tar (WebDataset)",
    "pictures, audio, NumPy or text files in folders of classes",
)


@dataclass(frozen=True, slots=True)
class Found:
    """A kind of data set, and the files that describe it; none where the folder itself does."""

    kind: Kind
    files: tuple[Path, ...] = ()


def look(path: Path) -> Found:
    """What kind of data set a file or folder is.

    Raises:
        FileNotFoundError: there is nothing at the path.
        ValueError: it is none that is known, or several; the message says what was looked for.
    """
    if path.is_dir():
        return _look_into(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    kind = _kind_of_file(path)
    if kind is None:
        raise ValueError(
            f"{path}: not a data set; a file may be a .json, .yaml, .csv, .tsv, .jsonl, .parquet, .txt or .tar"
        )
    return Found(kind, (path,))


def _kind_of_file(path: Path) -> Kind | None:
    ending = path.suffix.lower()
    if TAR.search(path.name):
        return "webdataset"
    if ending in (".yaml", ".yml"):
        return "yolo"
    if ending == ".json":
        # Some manifests of JSON lines are called .json, too.
        return "coco" if _begins_with_object(path) and not column_names(path) else "table"
    if ending in PARQUET:
        return "table" if _is_plain(path) else "parquet"
    if ending in TABLES:
        return "table"
    return "text" if ending in TEXT_ENDINGS else None


def _begins_with_object(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1000).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def _is_plain(path: Path) -> bool:
    """Whether no column of a Parquet file holds files."""
    from covary.data.arrow_rows import ParquetRows, features_of
    from covary.data.huggingface import holds_files

    schema = ParquetRows([path]).schema
    features = features_of(schema)
    return not any(holds_files(schema.field(name).type, features.get(name)) for name in schema.names)


def _look_into(folder: Path) -> Found:
    names = sample_names(folder)
    files = [name for name in names if "/" not in name]
    endings = Counter(Path(name).suffix.lower() for name in names)
    pictures = [name for name in names if Path(name).suffix.lower() in EXTENSIONS]
    # An archive beside what was unpacked from it is no shard.
    if not pictures and any(TAR.search(name) for name in names):
        return Found("webdataset")
    described = find_data_yaml(folder)
    if described is not None:
        return Found("yolo", (described,))
    if "state.json" in files or "dataset_dict.json" in files:
        return Found("huggingface")
    annotated = {Path(name).stem for name in names if name.lower().endswith(".xml")}
    if annotated & {Path(name).stem for name in pictures}:
        return Found("voc")
    coco = coco_files(folder, names)
    if coco:
        return Found("coco", coco)
    found = _tables(folder, names)
    if found is not None:
        return found
    if pictures:
        return Found(_kind_of_pictures(names, pictures))
    if sum(endings[ending] for ending in AUDIO_ENDINGS):
        return Found("audio")
    texts, arrays = (sum(endings[ending] for ending in known) for known in (TEXT_ENDINGS, ARRAY_ENDINGS))
    if texts or arrays:
        return Found("text" if texts >= arrays else "arrays")
    seen = ", ".join(f"{count:,} {ending or 'without an ending'}" for ending, count in endings.most_common(5))
    raise ValueError(
        f"{folder}: cannot tell what kind of data set this is; looked for {'; '.join(LOOKED_FOR)}; "
        f"found {seen or 'no files'}. format= tells it"
    )


def sample_names(folder: Path) -> list[str]:
    """The paths of some files below a folder, the upper ones first: enough to see what there is."""
    names: list[str] = []
    waiting = [""]
    for at in range(MOST_FOLDERS):
        if at == len(waiting):
            break
        prefix = waiting[at]
        try:
            with os.scandir(folder / prefix) as entries:
                listed = sorted((entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith("."))
        except OSError:
            if not prefix:
                raise
            continue
        waiting += [f"{prefix}{name}/" for name, is_folder in listed if is_folder]
        names += [f"{prefix}{name}" for name, is_folder in listed if not is_folder][:MOST_FILES]
    return names


def coco_files(folder: Path, names: Iterable[str]) -> tuple[Path, ...]:
    """The annotation files among names: those of objects, where there are captions and the like, too.

    Raises:
        ValueError: there are several, and their names do not tell which part of the data each is of.
    """
    found = [Path(folder, name) for name in names if name.endswith(".json") and name.count("/") <= 1]
    found = [path for path in found if _is_coco(path)]
    for start in ("instances", "person_keypoints"):
        named = [path for path in found if path.name.startswith(start)]
        found = named or found
        if named:
            break
    if len(found) > 1:
        splits = [split_of_file(path) for path in found]
        if "" in splits or len(set(splits)) < len(splits):
            listed = ", ".join(str(path.relative_to(folder)) for path in found)
            raise ValueError(f"{folder}: several annotation files ({listed}); give the path of one")
    return tuple(found)


def _is_coco(path: Path) -> bool:
    """Whether a file looks like one of annotated objects, by its name and its beginning."""
    if path.name.startswith(("captions", "panoptic", "image_info", "stuff")):
        return False
    with path.open("rb") as file:
        head = file.read(2000)
    keys = rb'"(images|annotations|categories|info|licenses)"\s*:'
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{" and re.search(keys, head) is not None


def _tables(folder: Path, names: Sequence[str]) -> Found | None:
    """The tables of a folder: its Parquet files, a single table, or one for each part of the data.

    Raises:
        ValueError: there are several, and their names do not tell which part of the data each is of.
    """
    parquet = tuple(Path(folder, name) for name in names if Path(name).suffix.lower() in PARQUET)
    if parquet:
        return Found("table" if _is_plain(parquet[0]) else "parquet", parquet)
    known = {*FILE_NAMES, *AUDIO_NAMES, *TEXT_NAMES, "tokens"}
    tables = [
        path
        for name in names
        if name.count("/") <= 1
        and (path := Path(folder, name)).suffix.lower() in (*TABLES, ".json")
        and known & {column.lower() for column in column_names(path)}
    ]
    # Beside train.tsv and test.tsv, others.tsv is no part of the data.
    tables = [path for path in tables if split_of_file(path)] or tables
    if len(tables) > 1:
        splits = [split_of_file(path) for path in tables]
        same = len({tuple(sorted(column_names(path))) for path in tables}) == 1
        if "" in splits or len(set(splits)) < len(splits) or not same:
            listed = ", ".join(str(path.relative_to(folder)) for path in tables)
            raise ValueError(
                f"{folder}: several tables ({listed}); give the path of one, or a list of those with like columns"
            )
    return Found("table", tuple(tables)) if tables else None


def _kind_of_pictures(names: Sequence[str], pictures: Sequence[str]) -> Kind:
    if any("labels" in name.lower().split("/")[:-1] and name.lower().endswith(".txt") for name in names):
        return "yolo"
    folders = {part.lower() for name in pictures for part in name.split("/")[:-1]}
    if folders & set(IMAGE_FOLDERS) and folders & set(MASK_FOLDERS):
        return "pairs"
    stems = {name.rpartition(".")[0] for name in pictures}
    masks = [stem for stem in stems if stem.endswith(("_mask", "-mask")) and stem[:-5] in stems]
    # One such name alone may be chance, in a folder of classes.
    return "pairs" if 2 * len(masks) >= 0.8 * len(stems) else "folder"
