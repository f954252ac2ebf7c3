"""Pictures and their masks, in two folders or side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from covary.data.dataset import Sample, SampleError
from covary.data.decode import decode
from covary.data.folder import read_folder
from covary.data.images import picture_names
from covary.data.indexed import Indexed, absolute, read_file
from covary.data.masks import numbers_of_colours
from covary.data.splits import splits_in
from covary.data.strings import Strings
from covary.plan.changes import Image

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages")
MASK_FOLDERS = ("masks", "mask", "annotations", "segmentations", "segmentationclass", "labels", "gt", "ground_truth")
MASK_SUFFIXES = ("_mask", "-mask", "_seg", "_segmentation", "_label", "_labels", "_gt", "_lab", "_l", "_manual1")


class MaskPairs(Indexed):
    """Pictures, each with a mask of its size.

    A mask belongs to the picture of the same path below their folders, its ending and a suffix such as "_mask" aside:
    `images/train/7.jpg` and `masks/train/7.png`, `train/images/7.jpg` and `train/masks/7_mask.png`, or both in one
    folder: `7.jpg` and `7_mask.png`. Folders named train, val, test and alike tell the parts of the data. A sample's
    key is its picture's path relative to the root.

    Args:
        root: the folder.
        images: name of the folders that hold pictures; by default images, image, imgs, img or JPEGImages. With ""
            pictures and masks lie side by side, and the suffix tells them apart.
        masks: name of the folders that hold masks; by default masks, mask, annotations, segmentations,
            SegmentationClass, labels, gt or ground_truth.
        suffix: what a mask's name has behind its picture's; by default any of "_mask", "_seg", "_label", "_gt" and
            alike, or nothing.
        classes: names of the numbers in the masks, from 0 on, if they are to be known.
        colours: for masks that paint each class in a colour: (red, green, blue) of each class in the order of their
            numbers, or by their names.

    Samples: `image` and `mask`, both `Encoded`; `covary.data.decode_mask` gives a mask's numbers. With `colours`,
        `mask` is an array of those numbers, (H, W) uint8.

    Attributes:
        masks: path of each sample's mask relative to the root; "" where it has none.

    Raises:
        NotADirectoryError: `root` is no folder.
        ValueError: no pictures, no masks, two masks for one picture, or `colours` that are none.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        images: str | None = None,
        masks: str | None = None,
        suffix: str | None = None,
        classes: Sequence[str] = (),
        colours: Mapping[str, Sequence[int]] | Sequence[Sequence[int]] | None = None,
    ) -> None:
        names = picture_names(read_folder(root))
        suffixes = MASK_SUFFIXES if suffix is None else (suffix,)
        image_folders = IMAGE_FOLDERS if images is None else (images.lower(),)
        mask_folders = MASK_FOLDERS if masks is None else (masks.lower(),)
        pictures = {name: place for name in names if (place := _place(name, image_folders)) is not None}
        found = {name: place for name in names if (place := _place(name, mask_folders)) is not None}
        if not pictures or not found or images == "":
            pictures, found = _side_by_side(names, suffixes)
        by_place = _by_place(found, set(pictures.values()), suffixes, str(root))
        if not by_place:
            raise ValueError(
                f"{root}: no picture with a mask; looked for folders {', '.join(image_folders)} and "
                f"{', '.join(mask_folders)}, and for {', '.join(suffixes)} behind a picture's name"
            )
        ordered = sorted(pictures)
        self.root = absolute(root)
        self.masks = Strings(by_place.get(pictures[name], "") for name in ordered)
        self._colours = None if colours is None else _colour_table(colours)
        named = tuple(colours) if isinstance(colours, Mapping) and not classes else tuple(classes)
        super().__init__(Strings(ordered), classes=named, splits=splits_in(ordered))

    def read(self, index: int) -> Sample:
        """The bytes of the picture and of its mask."""
        key = str(self.keys[index])
        mask = self.masks[index]
        if not mask:
            raise SampleError(key, f"{Path(self.root, key)} has no mask")
        sample: Sample = {"image": read_file(self.root, key), "mask": read_file(self.root, mask)}
        if self._colours is not None:
            try:
                sample["mask"] = numbers_of_colours(decode(sample["mask"].data), self._colours)
            except ValueError as error:
                raise SampleError(key, f"{Path(self.root, mask)}: {error}") from None
        return sample


def _colour_table(colours: Mapping[str, Sequence[int]] | Sequence[Sequence[int]]) -> Image:
    values = list(colours.values()) if isinstance(colours, Mapping) else list(colours)
    table = np.array(values)
    if (
        table.ndim != 2
        or table.shape[1:] != (3,)
        or table.dtype.kind not in "iu"
        or table.min() < 0
        or table.max() > 255
    ):
        raise ValueError(f"MaskPairs: colours={values!r:.80}; it takes (red, green, blue) of 0 to 255 for each class")
    if len({tuple(value) for value in values}) < len(values):
        raise ValueError("MaskPairs: two classes have the same colour")
    return table.astype(np.uint8)


def _place(name: str, folders: Sequence[str]) -> str | None:
    """The path without the last of its parts that is one of the folders, and without its ending; None if none is."""
    parts = _stem(name).split("/")
    for at in range(len(parts) - 2, -1, -1):
        if parts[at].lower() in folders:
            return "/".join((*parts[:at], *parts[at + 1 :]))
    return None


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _side_by_side(names: Sequence[str], suffixes: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Pictures and masks of the same folders: a mask is what has a picture's name and a suffix."""
    stems = {_stem(name) for name in names}
    masks = {
        name: stem
        for name in names
        for suffix in suffixes
        if suffix and (stem := _stem(name)).endswith(suffix) and stem.removesuffix(suffix) in stems
    }
    return {name: _stem(name) for name in names if name not in masks}, masks


def _by_place(masks: dict[str, str], places: set[str], suffixes: Sequence[str], root: str) -> dict[str, str]:
    """The mask of each picture's place.

    Raises:
        ValueError: there are two.
    """
    found: dict[str, str] = {}
    for name, place in masks.items():
        bare = next((s for suffix in ("", *suffixes) if (s := place.removesuffix(suffix)) in places), None)
        if bare is None:
            continue
        if bare in found:
            raise ValueError(f"{root}: two masks for one picture: {found[bare]} and {name}")
        found[bare] = name
    return found
