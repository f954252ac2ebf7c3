"""A folder of pictures as a data set: a sub-folder is a class."""

from __future__ import annotations

import os
from collections.abc import Sequence

from covary.data.dataset import Sample
from covary.data.folder import Listing, read_folder
from covary.data.folder_dataset import FolderDataset
from covary.data.indexed import read_file


class ImageFolder(FolderDataset):
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
        super().__init__(listing, picture_names(listing), classes, splits)

    def content(self, key: str) -> Sample:
        """The picture's bytes."""
        return {"image": read_file(self.root, key)}


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
