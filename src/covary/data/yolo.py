"""YOLO data sets: pictures, a text file of objects for each, and a data.yaml that names the classes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from covary.data.dataset import Sample, SampleError
from covary.data.encode import EXTENSIONS
from covary.data.folder import read_folder
from covary.data.indexed import Indexed, absolute, read_file, upright_size
from covary.data.instances import AnnotationError, Category
from covary.data.splits import known_splits, split_in, split_named
from covary.data.strings import Strings
from covary.data.yolo_labels import YoloKind as YoloKind
from covary.data.yolo_labels import label_path, parse_yolo
from covary.data.yolo_labels import yolo_text as yolo_text

PARTS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class YoloFile:
    """What a data.yaml says.

    Attributes:
        root: the folder from which on its paths count.
        categories: by class number.
        parts: for train, val and test, as far as they are there: folders, list files or pictures.
        keypoints: how many keypoints an object has, and how many numbers each (2, or 3 with its visibility); None where
            objects have none.
    """

    root: Path
    categories: Mapping[int, Category]
    parts: Mapping[str, tuple[Path, ...]]
    keypoints: tuple[int, int] | None = None


class YoloDataset(Indexed):
    """Pictures with boxes, segments or poses in YOLO's text files.

    The label file of `.../images/train/7.jpg` is `.../labels/train/7.txt` (the last folder "images" counts; without one
    it lies beside its picture). A picture without a label file has no objects. Numbers in a label file are shares of
    the picture's width and height, upright; boxes are cut at the picture's edges. Keypoints are taken as COCO's are:
    pixel indices, share times size. A sample's key is its picture's path relative to the data set's folder.

    Args:
        source: a data.yaml; a folder with one (data.yaml, dataset.yaml, or any yaml file with "names"); or a folder of
            pictures and labels without one.
        names: names of the classes where no file says them.
        masks: whether segments are filled to masks; without, they give their boxes alone.

    Samples: `image`, and `objects`: a tuple of `Instance`.

    Raises:
        AnnotationError: the data.yaml cannot be used.
        ValueError: no pictures.
        OSError: a file or folder cannot be read.
    """

    def __init__(
        self, source: str | os.PathLike[str], *, names: Sequence[str] | None = None, masks: bool = True
    ) -> None:
        path = Path(source)
        described = path if path.is_file() else find_data_yaml(path)
        if described is not None:
            content = read_data_yaml(described)
            pictures = {found: part for part, places in content.parts.items() for found in _pictures(places)}
            if not pictures:
                raise ValueError(f"{described}: none of {', '.join(content.parts) or 'its parts'} has a picture")
        else:
            pictures = {Path(path, item.name): split_in(item.name) for item in read_folder(path).items}
            if not pictures:
                raise ValueError(f"{path}: no pictures in it")
            content = YoloFile(path, _categories(_names_beside(path)), {})
        self.root = absolute(content.root)
        self._masks = masks
        self._keypoints = content.keypoints
        ordered = sorted(pictures, key=str)
        keys = Strings(_key(picture, self.root) for picture in ordered)
        splits = known_splits(pictures[picture] for picture in ordered)
        categories = content.categories if names is None else _categories(dict(enumerate(names)))
        super().__init__(keys, splits=splits, categories=categories)
        if not self.categories:
            self.categories = self._numbered_categories()

    def read(self, index: int) -> Sample:
        """The picture's bytes, and the objects of its label file."""
        key = str(self.keys[index])
        picture = read_file(self.root, key)
        name = label_path(picture.name)
        try:
            text = Path(name).read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return {"image": picture, "objects": ()}
        except UnicodeDecodeError:
            raise SampleError(key, f"{name}: not a text file") from None
        try:
            objects = parse_yolo(
                text, upright_size(picture), self.categories, keypoints=self._keypoints, masks=self._masks, where=name
            )
        except ValueError as error:
            raise SampleError(key, str(error)) from None
        return {"image": picture, "objects": objects}

    def _numbered_categories(self) -> dict[int, Category]:
        """Classes named by their numbers, for a data set that says no names: as many as its label files use."""
        most = -1
        for key in self.keys:
            label = Path(label_path(os.path.join(self.root, str(key))))  # noqa: PTH118
            lines = label.read_text(encoding="utf-8-sig", errors="replace").splitlines() if label.is_file() else []
            for line in lines:
                first = line.split()[:1]
                if first and first[0].isdigit():
                    most = max(most, int(first[0]))
        return _categories({number: str(number) for number in range(most + 1)})


def find_data_yaml(folder: Path) -> Path | None:
    """The file in a folder that describes a YOLO data set; None where there is none.

    Raises:
        AnnotationError: there are several, and none of them is called data.yaml or dataset.yaml.
    """
    for name in ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml"):
        if Path(folder, name).is_file():
            return Path(folder, name)
    found = [path for path in sorted(folder.glob("*.y*ml")) if _describes(path)]
    if len(found) > 1:
        listed = ", ".join(path.name for path in found)
        raise AnnotationError(f"{folder}: several files describe a YOLO data set ({listed}); give the path of one")
    return found[0] if found else None


def _describes(path: Path) -> bool:
    try:
        content = _yaml(path)
    except AnnotationError:
        return False
    return isinstance(content, dict) and "names" in content and any(part in content for part in PARTS)


def _yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise AnnotationError(f"{path}: not a YAML file: {error}") from None


def read_data_yaml(path: str | os.PathLike[str]) -> YoloFile:
    """Read a data.yaml.

    `path` in it is the folder from which on train, val and test count: relative to the file, and the file's own folder
    where there is no such folder. A part may be a folder, a list file (one picture a line) or a list of those; parts
    that are not there (a test set not fetched) are left out. "../train/images" is looked for beside the file, too.

    Raises:
        AnnotationError: no YAML, no names, or none of its parts is there.
        OSError: it cannot be read.
    """
    where = Path(path)
    content = _yaml(where)
    if not isinstance(content, dict):
        raise AnnotationError(f"{where}: not a data set's file: its top level is no mapping")
    shape = content.get("kpt_shape")
    if shape is not None and not (
        isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, int) for n in shape) and shape[1] in (2, 3)
    ):
        raise AnnotationError(f"{where}: kpt_shape is {shape!r}; it takes [number of keypoints, 2 or 3]")
    categories = _yaml_categories(content, where)
    root = Path(where.parent, str(content.get("path") or ""))
    if not root.is_dir():
        root = where.parent
    parts: dict[str, tuple[Path, ...]] = {}
    missing: list[str] = []
    for name, value in content.items():
        part = split_named(str(name))
        if part not in PARTS or not value:
            continue
        places = value if isinstance(value, list) else [value]
        found = [_existing(str(place), root, where.parent) for place in places]
        missing += [str(place) for place, there in zip(places, found, strict=True) if there is None]
        there_are = tuple(place for place in found if place is not None)
        if there_are:
            parts[part] = parts.get(part, ()) + there_are
    if not parts:
        looked = f"{', '.join(missing)} not found from {root} on" if missing else "it has none of train, val, test"
        raise AnnotationError(f"{where}: no pictures: {looked}")
    return YoloFile(root, categories, parts, None if shape is None else (shape[0], shape[1]))


def _existing(place: str, root: Path, beside: Path) -> Path | None:
    bare = place.removeprefix("../") if place.startswith("../") else place
    return next((path for path in (root / place, beside / place, beside / bare) if path.exists()), None)


def _yaml_categories(content: Mapping[str, Any], where: Path) -> dict[int, Category]:
    names = content.get("names")
    if isinstance(names, list):
        numbered = dict(enumerate(map(str, names)))
    elif isinstance(names, dict) and all(str(number).isdigit() for number in names):
        numbered = {int(number): str(name) for number, name in sorted(names.items(), key=lambda item: int(item[0]))}
    elif names is None and isinstance(content.get("nc"), int):
        numbered = {number: str(number) for number in range(content["nc"])}
    else:
        raise AnnotationError(
            f"{where}: names is {names!r:.80}; it takes a list, or a mapping from class number to name"
        )
    shape = content.get("kpt_shape")
    if not shape:
        return _categories(numbered)
    flips = content.get("flip_idx")
    if flips is not None and (not isinstance(flips, list) or sorted(flips) != list(range(shape[0]))):
        raise AnnotationError(f"{where}: flip_idx is {flips!r:.80}; it takes each of 0 to {shape[0] - 1} once")
    said = content.get("kpt_names") or {}
    return {
        number: Category(number, name, _keypoint_names(shape[0], flips, said.get(number)))
        for number, name in numbered.items()
    }


def _keypoint_names(count: int, flips: Sequence[int] | None, said: Any) -> tuple[str, ...]:
    """Names that say what trades places in a mirror (`Category.pairs`): the file's own, if they agree."""
    pairs = {(one, other) for one, other in enumerate(flips or ()) if one < other}
    if isinstance(said, list) and len(said) == count:
        own = tuple(str(name) for name in said)
        if flips is None or set(Category(0, "", own).pairs) == pairs:
            return own
    names = [f"point_{number}" for number in range(count)]
    for one, other in pairs:
        names[one], names[other] = f"left_{one}", f"right_{one}"
    return tuple(names)


def _categories(names: Mapping[int, str]) -> dict[int, Category]:
    return {number: Category(number, name) for number, name in names.items()}


def _names_beside(folder: Path) -> dict[int, str]:
    """The class names in the list that annotation tools leave beside the labels; nothing without one."""
    for name in ("classes.txt", "obj.names", "labels/classes.txt", "predefined_classes.txt"):
        if Path(folder, name).is_file():
            lines = Path(folder, name).read_text(encoding="utf-8-sig").splitlines()
            return dict(enumerate(line.strip() for line in lines if line.strip()))
    return {}


def _pictures(places: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += [place / item.name for item in read_folder(place).items]
        elif place.suffix.lower() in EXTENSIONS:
            found.append(place)
        else:
            lines = place.read_text(encoding="utf-8-sig").splitlines()
            found += [place.parent / line.strip() for line in lines if line.strip()]
    return found


def _key(picture: Path, root: str) -> str:
    """The path from the data set's folder on; an absolute one for a picture that lies elsewhere."""
    path = os.path.normpath(absolute(picture))
    inside = path.startswith(os.path.normpath(root) + os.sep)
    return os.path.relpath(path, root).replace(os.sep, "/") if inside else path


def yolo_numbers(categories: Mapping[int, Category]) -> dict[int, int]:
    """The class number of each category id: ids from 0 on without a gap stay, others are numbered in their order."""
    return {id: number for number, id in enumerate(sorted(categories))}


def data_yaml_text(categories: Mapping[int, Category], parts: Mapping[str, str | list[str]], *, path: str = ".") -> str:
    """A data.yaml.

    Args:
        categories: by id; they are numbered as `yolo_numbers` does. Where they have keypoints, kpt_shape, and flip_idx
            if some of them trade places in a mirror, are written.
        parts: folder or list file (or several) of "train", "val" and "test", relative to `path`. The format's readers
            want a "val".
        path: the folder from which on they count; "": the file's own, wherever it is read from.
    """
    import yaml

    content: dict[str, Any] = {"path": path, **parts}
    numbers = yolo_numbers(categories)
    content["names"] = {number: categories[id].name for id, number in numbers.items()}
    count = max((len(category.keypoints) for category in categories.values()), default=0)
    if count:
        content["kpt_shape"] = [count, 3]
        pairs = next(c.pairs for c in categories.values() if len(c.keypoints) == count)
        flips = list(range(count))
        for one, other in pairs:
            flips[one], flips[other] = other, one
        content["flip_idx"] = flips
        content["kpt_names"] = {n: list(categories[i].keypoints) for i, n in numbers.items() if categories[i].keypoints}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
