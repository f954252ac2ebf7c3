"""A folder of pictures as a data set: a sub-folder is a class."""

from __future__ import annotations

import os
from collections.abc import Sequence

from covary.data.dataset import Sample
from covary.data.folder import Listing, Problem, read_folder
from covary.data.indexed import Indexed, absolute, class_numbers, read_file
from covary.data.splits import SPLITS, are_split_folders, known_splits
from covary.data.strings import Strings


class ImageFolder(Indexed):
    """Pictures in folders named by their classes: `cats/12.jpg`, or `train/cats/12.jpg`.

    Folders named train, training, val, valid, validation, dev, test or testing on the first level are parts of the data
    where all folders of that level are, or where there is "train" and one more; the class is then the next folder.
    Deeper folders make no difference. A picture that lies in no class folder has the label -1. A sample's key is its
    path relative to the root.

    Args:
        root: the folder.
        classes: names of the classes in the order of their numbers; those that occur, sorted, by default.
        splits: whether the folders of the first level are parts of the data; None finds out.
        exclude: folders to be left out.

    Samples: `image`; `label` where there are class folders.

    Attributes:
        problems: folders that could not be listed, and pictures that are no regular files.

    Raises:
        NotADirectoryError: `root` is no folder.
        ValueError: there are no pictures, or a folder is none of `classes`.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        classes: Sequence[str] | None = None,
        splits: bool | None = None,
        exclude: Sequence[str | os.PathLike[str]] = (),
    ) -> None:
        listing = read_folder(root, exclude=exclude)
        names = picture_names(listing)
        parts = [name.split("/") for name in names]
        first = sorted({each[0] for each in parts if len(each) > 1})
        by_part = are_split_folders(first) if splits is None else splits
        depth = 1 if by_part else 0
        labels = [each[depth] if len(each) > depth + 1 else "" for each in parts]
        known = tuple(sorted(set(labels) - {""})) if classes is None else tuple(classes)
        unknown = sorted(set(labels) - {""} - set(known))
        if unknown:
            raise ValueError(
                f"{listing.root}: folder {unknown[0]!r} is none of the {len(known)} classes ({', '.join(known[:10])})"
            )
        self.root = absolute(listing.root)
        self.problems: tuple[Problem, ...] = listing.problems
        super().__init__(
            Strings(names),
            classes=known,
            labels=class_numbers(labels, known) if known else None,
            splits=known_splits(SPLITS.get(each[0].lower(), each[0]) if len(each) > 1 else "" for each in parts)
            if by_part
            else None,
        )

    def read(self, index: int) -> Sample:
        """The picture's bytes, and its class."""
        sample: Sample = {"image": read_file(self.root, str(self.keys[index]))}
        if self.labels is not None:
            sample["label"] = int(self.labels[index])
        return sample


def picture_names(listing: Listing) -> list[str]:
    """The names of a folder's pictures.

    Raises:
        ValueError: there are none.
    """
    if not listing.items:
        others = (
            f"; {len(listing.others):,} of kinds that cannot be read: {listing.others[0]}" if listing.others else ""
        )
        trouble = f"; {listing.problems[0].name}: {listing.problems[0].reason}" if listing.problems else ""
        raise ValueError(f"{listing.root}: no pictures (jpg, png, webp, bmp, tif) in it{others}{trouble}")
    return [item.name for item in listing.items]
