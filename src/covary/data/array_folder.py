"""A folder of NumPy files as a data set: volumes, videos and what goes with them; a sub-folder is a class."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from covary.data.dataset import Sample, SampleError
from covary.data.folder import read_folder
from covary.data.folder_dataset import FolderDataset
from covary.data.indexed import read_file
from covary.stacks import STACKS

ARRAY_ENDINGS = frozenset((".npy", ".npz"))


class ArrayFolder(FolderDataset):
    """NumPy files in folders named by their classes: `tumour/ct-12.npz`, or `train/tumour/ct-12.npz`.

    A .npz archive holds the fields of one sample under their names (`np.savez(path, volume=scan, mask3d=organs)`); a
    .npy file holds one field. Arrays of Python objects are refused, as they could hold code. Parts of the data, classes
    and keys are told from folders as `ImageFolder` does.

    Args:
        root: the folder.
        field: what the array of a .npy file is: "volume" (D, H, W) or (D, H, W, C), "video" (T, H, W) or (T, H, W, C),
            "image" or any other name. An archive with a single array, named as `np.savez` does by itself, is this field
            too. Default "volume".
        classes: names of the classes in the order of their numbers; those that occur, sorted, by default.
        splits: whether the folders of the first level are parts of the data; None finds out.
        exclude: folders to be left out.

    Samples: the arrays by name, float64 videos, volumes and images as float32; `label` where there are class folders.

    Raises:
        NotADirectoryError: `root` is no folder.
        ValueError: there are no such files, or a folder is none of `classes`.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        field: str = "volume",
        classes: Sequence[str] | None = None,
        splits: bool | None = None,
        exclude: Sequence[str | os.PathLike[str]] = (),
    ) -> None:
        if not isinstance(field, str) or not field.isidentifier():
            raise ValueError(f"ArrayFolder: field is {field!r}; allowed: the name of a field, such as 'volume'")
        listing = read_folder(root, exclude=exclude, endings=ARRAY_ENDINGS)
        if not listing.items:
            raise ValueError(f"{listing.root}: no NumPy files (npy, npz) in it")
        self.field = field
        super().__init__(listing, [item.name for item in listing.items], classes, splits)

    def content(self, key: str) -> Sample:
        """The arrays of a file."""
        file = read_file(self.root, key)
        try:
            loaded = np.load(io.BytesIO(file.data), allow_pickle=False)
            found = dict(loaded) if isinstance(loaded, Mapping) else {self.field: loaded}
        except (ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
            raise SampleError(key, f"no NumPy file that can be read: {error}") from None
        if list(found) == ["arr_0"]:
            found = {self.field: found["arr_0"]}
        return {name: _usable(name, value) for name, value in found.items()}


def _usable(name: str, value: Any) -> Any:
    if value.ndim == 0:
        return value.item()
    return value.astype(np.float32) if name in (*STACKS, "image") and value.dtype == np.float64 else value
