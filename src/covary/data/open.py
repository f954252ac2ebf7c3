"""The front door of the readers: whatever the data are, as a data set."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np

from covary.data.dataset import Dataset
from covary.data.look import TAR, Found, Kind, coco_files, look, sample_names
from covary.data.splits import split_named, split_of_file
from covary.data.subset import choose_split


def open_dataset(source: Any, *, split: str | None = None, format: Kind | None = None, **options: Any) -> Dataset:
    """Open data of any kind that can be read.

    Args:
        source: where the data are, or the data:

            - a path. Of a folder: a YOLO, COCO or Pascal VOC data set, pictures with masks, pictures, audio, texts or
              NumPy files in folders of classes, tar shards, Parquet files, a table with the files that it names. Of a
              file: a data.yaml, a COCO .json, a .csv, .tsv, .jsonl or .parquet table, a .txt of lines, a .tar shard, or
              a pattern of shards ("train-{000..007}.tar"). Or a list of such files of one kind.
            - arrays: a dict of columns, a tuple (pictures, labels), or an array or a list of pictures.
            - a data set: one of covary's, of the library `datasets`, or any object with `__len__` and `__getitem__` (a
              map-style data set of PyTorch).
        split: the part of the data that is wanted: "train", "val", "test", or what else it is called; all by default.
        format: what kind of data lies at the path, where looking does not tell: "folder" (pictures in folders of
            classes), "pairs" (pictures and masks), "coco", "yolo", "voc", "table", "parquet" (pictures or audio in
            Parquet files), "webdataset", "audio", "arrays" (.npy and .npz), "text", "huggingface" (saved by
            `save_to_disk`).
        options: arguments of the reader: `ImageFolder`, `MaskPairs`, `CocoDataset`, `YoloDataset`, `VocDataset`,
            `TableDataset`, `HuggingFaceDataset`, `WebDataset`, `AudioFolder`, `ArrayFolder`, `TextFolder`, `TextLines`,
            `Arrays`.

    Raises:
        FileNotFoundError: there is nothing at the path.
        ValueError: what lies there is no data set that is known, and what was looked for; or there is no such split.
        TypeError: a source of another type, or an option that the reader does not take.
    """
    if format is not None and format not in get_args(Kind):
        raise ValueError(f"open_dataset: format={format!r}; allowed: {', '.join(map(repr, get_args(Kind)))}")
    if isinstance(source, Dataset):
        if options:
            raise TypeError(f"open_dataset: {type(source).__name__} is open already; it takes no {', '.join(options)}")
        dataset = source
    elif isinstance(source, (str, os.PathLike)):
        dataset = _open_path(os.fspath(source), split, format, options)
    elif _is_list_of_paths(source):
        dataset = _open_files([Path(path) for path in source], format, options)
    else:
        dataset = _open_object(source, options)
    return dataset if split is None else choose_split(dataset, split)


def _is_list_of_paths(source: Any) -> bool:
    return isinstance(source, (list, tuple)) and bool(source) and all(isinstance(e, (str, os.PathLike)) for e in source)


def _open_object(source: Any, options: Mapping[str, Any]) -> Dataset:
    from covary.data.arrays import Arrays
    from covary.data.huggingface import HuggingFaceDataset, is_datasets_object
    from covary.data.items import Items, is_tensor

    if is_datasets_object(source):
        return HuggingFaceDataset(source, **options)
    if isinstance(source, Mapping):
        return Arrays(source, **options)
    if isinstance(source, tuple) and len(source) == 2:
        return Arrays({"image": source[0], "label": source[1]}, **options)
    if (isinstance(source, np.ndarray) or is_tensor(source)) and source.ndim > 4:
        raise ValueError(
            f"open_dataset: an array of {source.ndim} axes; name what it holds: {{'video': array}} or "
            "{'volume': array}"
        )
    if isinstance(source, (np.ndarray, list)) or is_tensor(source):
        return Arrays({"image": source}, **options)
    if hasattr(source, "__len__") and hasattr(source, "__getitem__"):
        return Items(source, **options)
    raise TypeError(
        f"open_dataset: got {type(source).__name__}; allowed are a path, a list of paths, a dict of columns, a tuple "
        "(pictures, labels), an array or list of pictures, a data set, or an object with __len__ and __getitem__"
    )


def _open_path(source: str, split: str | None, format: Kind | None, options: dict[str, Any]) -> Dataset:
    path = Path(source)
    if format == "webdataset" or (not path.exists() and TAR.search(source) and any(mark in source for mark in "{*?[")):
        return _webdataset(source, options)
    if format is None:
        found = look(path)
    elif not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    else:
        found = Found(format, _described(path, format))
    if found.kind == "webdataset":
        return _webdataset(source, options)
    return _read(found.kind, path, found.files, split, options)


def _described(path: Path, kind: Kind) -> tuple[Path, ...]:
    """The files that describe a data set whose kind was told."""
    if path.is_file():
        return (path,)
    if kind == "coco":
        return coco_files(path, sample_names(path))
    if kind in ("table", "parquet"):
        found = look(path)
        return found.files
    return ()


def _open_files(paths: Sequence[Path], format: Kind | None, options: dict[str, Any]) -> Dataset:
    kinds = {look(path).kind for path in paths} if format is None else {format}
    if len(kinds) > 1:
        raise ValueError(f"open_dataset: files of several kinds: {', '.join(sorted(kinds))}; they take one kind")
    kind = kinds.pop()
    if kind == "webdataset":
        return _webdataset(list(paths), options)
    return _read(kind, paths[0], paths, None, options)


def _webdataset(paths: Any, options: Mapping[str, Any]) -> Dataset:
    from covary.data.webdataset import WebDataset

    dataset: Dataset = WebDataset(paths, **options)
    return dataset


# Readers that take the folder, and those that take the files found there: module and class.
_OF_FOLDERS = {
    "folder": ("covary.data.images", "ImageFolder"),
    "pairs": ("covary.data.pairs", "MaskPairs"),
    "voc": ("covary.data.voc", "VocDataset"),
    "audio": ("covary.data.audio", "AudioFolder"),
    "arrays": ("covary.data.array_folder", "ArrayFolder"),
}
_OF_FILES = {
    "table": ("covary.data.tables", "TableDataset"),
    "parquet": ("covary.data.huggingface", "HuggingFaceDataset"),
}


def _read(kind: Kind, path: Path, files: Sequence[Path], split: str | None, options: dict[str, Any]) -> Dataset:
    """Open a data set whose kind is known.

    Args:
        kind: of it.
        path: that was given.
        files: that describe it, as far as any do.
        split: the part that is wanted, so that no other needs to be read; what is read may have more.
        options: of the reader.
    """
    reader = _OF_FOLDERS.get(kind) or _OF_FILES.get(kind)
    if reader is not None:
        module, name = reader
        dataset: Dataset = getattr(import_module(module), name)(path if kind in _OF_FOLDERS else files, **options)
        return dataset
    if kind == "yolo":
        from covary.data.yolo import YoloDataset

        return YoloDataset(files[0] if files else path, **options)
    return {"coco": _coco, "text": _text, "huggingface": _saved}[kind](path, files, split, options)


def _coco(path: Path, files: Sequence[Path], split: str | None, options: dict[str, Any]) -> Dataset:
    from covary.data.coco_dataset import CocoDataset

    if not files:
        raise ValueError(f"{path}: no annotation file (*.json with images and annotations) in it or one folder below")
    if path.is_dir():
        options = {"root": path} | options
        wanted = [file for file in files if split is not None and split_of_file(file) == split_named(split)]
        files = wanted or files
    return CocoDataset(files, **options)


def _text(path: Path, files: Sequence[Path], split: str | None, options: dict[str, Any]) -> Dataset:
    from covary.data.texts import TEXT_ENDINGS, TextFolder, TextLines

    if files:
        return TextLines(files, **options)
    lines = [Path(path, name) for name in sample_names(path) if Path(name).suffix.lower() in TEXT_ENDINGS]
    # A file for each part of the data (train.txt, test.txt) holds lines; other files are texts.
    if all(file.parent == path and split_of_file(file) for file in lines):
        return TextLines(lines, **options)
    return TextFolder(path, **options)


def _saved(path: Path, files: Sequence[Path], split: str | None, options: dict[str, Any]) -> Dataset:
    from covary.data.huggingface import HuggingFaceDataset

    try:
        import datasets
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f"{path}: reading what `datasets` saved needs it: pip install datasets") from None
    return HuggingFaceDataset(datasets.load_from_disk(str(path)), **options)
