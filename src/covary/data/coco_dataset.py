"""COCO data sets: pictures and the objects that annotation files tell of them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from covary.data.coco import CocoFile, read_coco
from covary.data.coco_index import CocoIndex
from covary.data.dataset import Sample, SampleError
from covary.data.folder import read_folder
from covary.data.indexed import Indexed, absolute, read_file, upright_size
from covary.data.instances import AnnotationError, Category, Json
from covary.data.splits import known_splits, split_of_file, split_of_folder
from covary.data.strings import Strings


class CocoDataset(Indexed):
    """Pictures with the boxes, regions and keypoints of COCO annotation files.

    Polygons, run lengths and compressed run lengths become masks of the picture's size; keypoints are taken as pixel
    indices. Pictures without annotations are samples without objects. With several files, each is of one part of the
    data, told by a word of its name (`instances_train2017.json`) or by its folder. A sample's key is its picture's path
    relative to the folder of pictures (with several such folders, to the one that holds them all).

    Args:
        annotations: the file, or several.
        images: the folder that its pictures' `file_name` counts from, or one for each file. By default it is looked for
            around the file: its own folder, `images` in it or beside it, the folder above, and folders there that are
            named by a word of the file's name (train2017).
        root: a folder above those of the pictures, if keys are to count from it.
        masks: whether regions are filled to masks; without, objects give their boxes alone.

    Samples: `image`, and `objects`: a tuple of `Instance`.

    Attributes:
        files: the annotation files.
        folders: for each file the folder that its pictures count from.
        heads: for each file its info and licenses.
        of_file: (N,) int32: the file that each sample is from.

    Raises:
        AnnotationError: a file cannot be used, or files disagree about a category.
        FileNotFoundError: its pictures are not found.
        OSError: a file cannot be read.
    """

    def __init__(
        self,
        annotations: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        images: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
        *,
        root: str | os.PathLike[str] | None = None,
        masks: bool = True,
    ) -> None:
        files = [Path(path) for path in _several(annotations)]
        if not files:
            raise ValueError("CocoDataset: no annotation file given")
        contents = [read_coco(path) for path in files]
        if images is None:
            roots = [find_images(path, content) for path, content in zip(files, contents, strict=True)]
        else:
            given = [Path(path) for path in _several(images)]
            if len(given) not in (1, len(files)):
                raise ValueError(
                    f"CocoDataset: images has {len(given)} folders for {len(files)} files; one, or one each"
                )
            roots = given * (len(files) if len(given) == 1 else 1)
        roots = [Path(absolute(root)) for root in roots]
        self.root = os.path.commonpath(roots) if root is None else absolute(root)
        self.files = tuple(absolute(file) for file in files)
        self.folders = tuple(map(str, roots))
        self.heads = tuple((content.info, tuple(content.licenses)) for content in contents)
        self.of_file: NDArray[np.int32] = np.repeat(
            np.arange(len(files), dtype=np.int32), [len(content.pictures) for content in contents]
        )
        paths: list[str] = []
        splits: list[str] = []
        sizes: list[tuple[int, int]] = []
        categories: dict[int, Category] = {}
        for file, content, root in zip(files, contents, roots, strict=True):
            paths += [_relative(path, self.root) for path in _paths(content, root, file)]
            splits += [split_of_file(file) or split_of_folder(root.name)] * len(content.pictures)
            sizes += [_size(entry) for entry, _ in content.pictures.values()]
            _merge(categories, content, file)
        self._masks = masks
        try:
            self._index = CocoIndex(entries for content in contents for _, entries in content.pictures.values())
        except (TypeError, ValueError, OverflowError) as error:
            raise AnnotationError(f"{', '.join(map(str, files))}: an annotation cannot be used: {error}") from None
        self._sizes = np.array(sizes, dtype=np.int64).reshape(-1, 2)
        super().__init__(Strings(paths), splits=known_splits(splits), categories=categories)

    def read(self, index: int) -> Sample:
        """The picture's bytes, and its objects."""
        key = str(self.keys[index])
        picture = read_file(self.root, key)
        height, width = self._sizes[index].tolist()
        try:
            size = upright_size(picture)
            if height > 0 and width > 0 and (height, width) != size:
                raise ValueError(
                    f"the annotations are for {width} x {height} pixels, the picture has {size[1]} x {size[0]}"
                )
            return {"image": picture, "objects": self._index.objects(index, size, masks=self._masks)}
        except ValueError as error:
            raise SampleError(key, str(error)) from None


def find_images(annotations: Path, content: CocoFile) -> Path:
    """The folder that the pictures of an annotation file count from: where the first of them is found.

    Raises:
        FileNotFoundError: in none of the folders that were looked at.
    """
    first = next(iter(content.pictures), None)
    here = annotations.parent
    words = [word for word in re.split(r"[_.\-]", annotations.stem) if word]
    looked: list[Path] = []
    for base in (here, here.parent):
        for name in ("", "images", *words, *(f"images/{word}" for word in words), "data", "JPEGImages"):
            if base / name not in looked:
                looked.append(base / name)
    for folder in looked:
        if first is None or Path(folder, first).is_file():
            return folder
    for folder in looked:
        if first and Path(folder, first.rpartition("/")[2]).is_file():
            return folder
    listed = ", ".join(str(folder) for folder in looked if folder.is_dir())
    raise FileNotFoundError(f"{annotations}: its first picture {first} is in none of {listed}; give images=")


def _several(paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str | os.PathLike[str]]:
    return [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)


def _paths(content: CocoFile, root: Path, file: Path) -> list[Path]:
    """Where the file's pictures lie: by their `file_name`, or by its last part where that finds more.

    Raises:
        FileNotFoundError: the folder has none of them.
    """
    names = list(content.pictures)
    if not names or Path(root, names[0]).is_file():
        return [Path(root, name) for name in names]
    there = {picture: name for name, picture in content.find(item.name for item in read_folder(root).items).items()}
    if not there:
        raise FileNotFoundError(f"{file}: none of its {len(names):,} pictures ({names[0]} ...) is in {root}")
    return [Path(root, there.get(name, name)) for name in names]


def _relative(path: Path, root: str) -> str:
    return os.path.relpath(path, root).replace(os.sep, "/")


def _size(entry: Json) -> tuple[int, int]:
    """Height and width that an image entry gives; 0, 0 where it gives none."""
    height, width = entry.get("height"), entry.get("width")
    return (height, width) if isinstance(height, int) and isinstance(width, int) else (0, 0)


def _merge(categories: dict[int, Category], content: CocoFile, file: Path) -> None:
    for number, category in content.categories.items():
        known = categories.setdefault(number, category)
        if (known.name, known.keypoints) != (category.name, category.keypoints):
            raise AnnotationError(f"{file}: category {number} is {category.name!r}, and {known.name!r} in another file")
