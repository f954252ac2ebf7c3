"""Pascal VOC data sets: pictures, an XML file of boxes for each, and masks where there are some.

VOC counts pixels from 1 and includes the last one: xmin=1, xmax=10 are the ten leftmost pixels. Here pixel i covers
[i, i + 1), so that box reaches from 0 to 10: one is taken from xmin and ymin, nothing from xmax and ymax.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Literal, TypeAlias
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from covary.data.dataset import Sample, SampleError
from covary.data.folder import read_folder
from covary.data.images import picture_names
from covary.data.indexed import Indexed, absolute, read_file, upright_size
from covary.data.instances import AnnotationError, Category, Instance, Json
from covary.data.masks import decode_mask
from covary.data.splits import known_splits, split_in
from covary.data.strings import Strings

Size: TypeAlias = tuple[int, int]
VocTask: TypeAlias = Literal["detection", "segmentation"]

FOLDERS = {"JPEGImages": "Annotations", "images": "annotations", "Images": "Annotations"}
"""Folder of pictures -> folder of their XML files; elsewhere a picture and its file lie side by side."""

# What an <object> says apart from its name, box and parts.
_NOTES = ("pose", "truncated", "difficult", "occluded")


class VocDataset(Indexed):
    """Pictures with Pascal VOC's boxes and masks.

    The file of `JPEGImages/7.jpg` is `Annotations/7.xml`, of `images/7.jpg` it is `annotations/7.xml` (or
    `Annotations`), and elsewhere it lies beside its picture. Pictures without one are no part of the data set. The
    lists ImageSets/Main/ train.txt, val.txt and test.txt (ImageSets/Segmentation for that task) tell the parts, or
    folders of these names. A sample's key is its picture's path relative to the root.

    Args:
        root: the folder (VOC2012, or an export of that form).
        task: "detection": pictures with an XML file, their `objects` as boxes. "segmentation": pictures with a mask in
            SegmentationClass, that mask as `mask` (255 where it is undecided), and `objects` with the masks in
            SegmentationObject where there are such.
        classes: names of the classes in the order of their numbers, counted from 1; by default those that the files
            use, sorted. In VOC's own masks aeroplane is 1 and tvmonitor 20, in this order.

    Samples: `image`, `objects` (a tuple of `Instance`; pose, truncated, difficult and occluded in its `extra`), and
        `mask`.

    Raises:
        NotADirectoryError: `root` is no folder.
        ValueError: no pictures with annotations.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        task: VocTask = "detection",
        classes: Sequence[str] | None = None,
    ) -> None:
        if task not in ("detection", "segmentation"):
            raise ValueError(f"VocDataset: task={task!r}; allowed: 'detection', 'segmentation'")
        self.root = absolute(root)
        self.task = task
        base = Path(self.root)
        names = [name for name in picture_names(read_folder(base)) if "/Segmentation" not in f"/{name}"]
        if task == "detection":
            names = [name for name in names if xml_path(base, name).is_file()]
            wanted = "an XML file (in Annotations, or beside the picture)"
        else:
            names = [name for name in names if Path(base, _mask_name(name, "Class")).is_file()]
            wanted = "a mask in SegmentationClass"
        if not names:
            raise ValueError(f"{root}: no picture with {wanted}")
        known = _used_names(xml_path(base, name) for name in names) if classes is None else classes
        super().__init__(
            Strings(names),
            splits=known_splits(_listed_splits(base, task, names)),
            categories={number: Category(number, name) for number, name in enumerate(known, 1)},
        )

    def read(self, index: int) -> Sample:
        """The bytes of the picture (and of its mask), and the objects of its XML file."""
        key = str(self.keys[index])
        sample: Sample = {"image": read_file(self.root, key)}
        path = xml_path(Path(self.root), key)
        try:
            size = upright_size(sample["image"])
            if self.task == "segmentation":
                sample["mask"] = read_file(self.root, _mask_name(key, "Class"))
            if self.task == "detection" or path.is_file():
                objects = parse_voc(path.read_bytes(), self.categories, size=size, where=str(path))
                sample["objects"] = self._with_masks(key, objects) if self.task == "segmentation" else objects
        except ValueError as error:
            raise SampleError(key, str(error)) from None
        return sample

    def _with_masks(self, key: str, objects: tuple[Instance, ...]) -> tuple[Instance, ...]:
        """The objects with their masks: VOC numbers them in SegmentationObject in the order of the XML file."""
        name = _mask_name(key, "Object")
        if not Path(self.root, name).is_file():
            return objects
        numbers = decode_mask(read_file(self.root, name))
        return tuple(
            Instance(each.category, each.box, numbers == number, crowd=each.crowd, extra=each.extra)
            for number, each in enumerate(objects, 1)
        )


def xml_path(root: Path, picture: str) -> Path:
    """Where the annotations of a picture lie."""
    *folders, last = picture.split("/")
    file = last.rpartition(".")[0] + ".xml"
    for at in range(len(folders) - 1, -1, -1):
        if folders[at] in FOLDERS:
            for other in (FOLDERS[folders[at]], FOLDERS[folders[at]].capitalize()):
                path = root.joinpath(*folders[:at], other, *folders[at + 1 :], file)
                if path.is_file():
                    return path
    return root.joinpath(*folders, file)


def _home(picture: str) -> str:
    """The folder that holds a picture's folder of pictures (VOC2012/), with its "/"; "" for the root."""
    folders = picture.split("/")[:-1]
    at = next((at for at in range(len(folders) - 1, -1, -1) if folders[at] in FOLDERS), 0)
    return "".join(f"{folder}/" for folder in folders[:at])


def _mask_name(picture: str, kind: Literal["Class", "Object"]) -> str:
    return f"{_home(picture)}Segmentation{kind}/{Path(picture).stem}.png"


def _listed_splits(root: Path, task: VocTask, names: Sequence[str]) -> list[str]:
    listed: dict[str, str] = {}
    for home in {_home(name) for name in names}:
        lists = root / home / "ImageSets" / ("Main" if task == "detection" else "Segmentation")
        for part in ("test", "val", "train"):
            if Path(lists, f"{part}.txt").is_file():
                lines = Path(lists, f"{part}.txt").read_text(encoding="utf-8").splitlines()
                listed |= {home + line.split()[0]: part for line in lines if line.strip()}
    return [listed.get(_home(name) + Path(name).stem, "") or split_in(name) for name in names]


def _used_names(files: Iterable[Path]) -> list[str]:
    """The class names that occur in the files; what cannot be read is told when its sample is."""
    found: set[str] = set()
    for path in files:
        try:
            found |= {entry.findtext("name", "").strip() for entry in ElementTree.parse(path).iterfind("object")}
        except (ElementTree.ParseError, OSError):
            continue
    return sorted(found - {""})


def parse_voc(
    xml: str | bytes, categories: Mapping[int, Category], *, size: Size | None = None, where: str = "annotation file"
) -> tuple[Instance, ...]:
    """The objects of an XML file.

    Args:
        xml: the file's content.
        categories: by id.
        size: height and width of the picture, upright: it is compared with what the file says. None takes the file's
            word.
        where: what to call the file in messages.

    Raises:
        AnnotationError: it cannot be used, or is about a picture of another size.
    """
    try:
        document = ElementTree.fromstring(xml)
    except (ElementTree.ParseError, ValueError) as error:
        raise AnnotationError(f"{where}: not an XML file: {error}") from None
    numbers = {category.name: id for id, category in categories.items()}
    said = (document.findtext("size/height", "0").strip(), document.findtext("size/width", "0").strip())
    # Some tools write a size of 0 x 0 for "unknown".
    if size is not None and all(re.fullmatch(r"0*[1-9]\d*", each) for each in said):
        height, width = int(said[0]), int(said[1])
        if (height, width) != size:
            raise AnnotationError(
                f"{where}: the annotations are for {width} x {height} pixels, the picture has {size[1]} x {size[0]}"
            )
    return tuple(
        _instance(entry, numbers, f"{where}, object {at}") for at, entry in enumerate(document.iterfind("object"), 1)
    )


def _instance(entry: ElementTree.Element, numbers: Mapping[str, int], where: str) -> Instance:
    name = entry.findtext("name", "").strip()
    if name not in numbers:
        raise AnnotationError(f"{where}: class {name!r} is none of the {len(numbers)} classes of the data set")
    try:
        xmin, ymin, xmax, ymax = (
            float(entry.findtext(f"bndbox/{side}", "")) for side in ("xmin", "ymin", "xmax", "ymax")
        )
    except ValueError:
        raise AnnotationError(f"{where}: its bndbox lacks one of xmin, ymin, xmax, ymax, or one is no number") from None
    # Some tools count from 0: their first column is this one's, too.
    left, top = max(xmin - 1, 0.0), max(ymin - 1, 0.0)
    if not all(map(isfinite, (xmin, ymin, xmax, ymax))) or xmax < left or ymax < top:
        raise AnnotationError(
            f"{where}: its bndbox is {xmin:g}, {ymin:g}, {xmax:g}, {ymax:g}; xmin <= xmax is asked for"
        )
    extra: Json = {}
    for note in _NOTES:
        value = entry.findtext(note)
        if value is not None and value.strip():
            extra[note] = int(value) if value.strip().isdigit() else value.strip()
    return Instance(numbers[name], (left, top, xmax - left, ymax - top), extra=extra)


def voc_text(
    instances: Sequence[Instance],
    size: Size,
    categories: Mapping[int, Category],
    *,
    filename: str,
    folder: str = "",
    channels: int = 3,
    segmented: bool = False,
) -> str:
    """The XML file of a picture.

    Boxes become whole pixels, the nearest, counted from 1, the last one included; they are cut at the picture's edges,
    and an object of which nothing is in the picture is left out.

    Args:
        instances: the objects; pose, truncated, difficult and occluded are taken from `extra`.
        size: height and width of the picture.
        categories: by id.
        filename, folder: of the picture.
        channels: 1, 3 or 4.
        segmented: whether there is a mask of the picture.
    """
    height, width = size
    lines = [
        "<annotation>",
        f"  <folder>{escape(folder)}</folder>",
        f"  <filename>{escape(filename)}</filename>",
        f"  <size><width>{width}</width><height>{height}</height><depth>{channels}</depth></size>",
        f"  <segmented>{int(segmented)}</segmented>",
    ]
    for instance in instances:
        box = _pixels(instance, size)
        if box is None:
            continue
        lines += ["  <object>", f"    <name>{escape(categories[instance.category].name)}</name>"]
        notes = {"pose": "Unspecified", "truncated": 0, "difficult": 0, **instance.extra}
        lines += [f"    <{note}>{escape(str(notes[note]))}</{note}>" for note in _NOTES if note in notes]
        sides = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        lines += [
            f"    <bndbox>{''.join(f'<{side}>{value}</{side}>' for side, value in sides)}</bndbox>",
            "  </object>",
        ]
    return "\n".join([*lines, "</annotation>"]) + "\n"


def _pixels(instance: Instance, size: Size) -> tuple[int, int, int, int] | None:
    """xmin, ymin, xmax and ymax as VOC counts; None where nothing is in the picture."""
    if instance.box is None:
        return None
    x, y, across, down = instance.box
    height, width = size
    left, right = max(x, 0.0), min(x + across, float(width))
    top, bottom = max(y, 0.0), min(y + down, float(height))
    if right <= left or bottom <= top:
        return None
    xmin, ymin = min(round(left), width - 1) + 1, min(round(top), height - 1) + 1
    return xmin, ymin, max(round(right), xmin), max(round(bottom), ymin)
