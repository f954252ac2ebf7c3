"""Text files as data sets: a line a sample, or a file a sample in folders of classes. Tables of text: `tables.py`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from covary.data.dataset import Sample, SampleError
from covary.data.folder import read_folder
from covary.data.folder_dataset import FolderDataset
from covary.data.indexed import Indexed, read_file
from covary.data.instances import AnnotationError
from covary.data.splits import known_splits, split_of_file
from covary.data.strings import Strings

TEXT_ENDINGS = frozenset((".txt", ".text"))


class TextLines(Indexed):
    """The lines of text files, a sample each. Lines end at a line feed; empty ones are none.

    The key of a line is the number it has among all lines of its file, from 0 on; with several files, the file's name
    stands before it ("train.txt:12").

    Args:
        paths: a UTF-8 text file, or several. Those named train, val, test and alike tell the parts of the data.

    Samples: `text`, without its line end.

    Attributes:
        files: paths of the files.
        counts: how many samples each of them has.

    Raises:
        AnnotationError: a file is no UTF-8 text; the message names file and line.
        ValueError: there are no lines.
        OSError: a file cannot be read.
    """

    def __init__(self, paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> None:
        files = [Path(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
        texts: list[str] = []
        keys: list[str] = []
        splits: list[str] = []
        counts: list[int] = []
        for file in files:
            numbered = [(number, line) for number, line in enumerate(_lines(file)) if line.strip()]
            texts += [line for _, line in numbered]
            keys += [str(number) if len(files) == 1 else f"{file.name}:{number}" for number, _ in numbered]
            splits += [split_of_file(file)] * len(numbered)
            counts.append(len(numbered))
        if not texts:
            raise ValueError(f"{', '.join(map(str, files))}: no lines of text")
        self._texts = Strings(texts)
        self.files = tuple(str(file.absolute()) for file in files)
        self.counts = tuple(counts)
        super().__init__(Strings(keys), splits=known_splits(splits))

    def read(self, index: int) -> Sample:
        """The line."""
        return {"text": self._texts[index]}


class TextFolder(FolderDataset):
    """Text files in folders named by their classes: `pos/12.txt`, or `train/pos/12.txt`.

    Folders named train, val, test and alike on the first level are parts of the data, as in `ImageFolder`. A sample's
    key is its path relative to the root.

    Args:
        root: the folder.
        classes: names of the classes in the order of their numbers; those that occur, sorted, by default.
        splits: whether the folders of the first level are parts of the data; None finds out.

    Samples: `text`, the whole file; `label` where there are class folders.

    Raises:
        NotADirectoryError: `root` is no folder.
        ValueError: there are no text files, or a folder is none of `classes`.
    """

    def __init__(
        self, root: str | os.PathLike[str], *, classes: Sequence[str] | None = None, splits: bool | None = None
    ) -> None:
        listing = read_folder(root, endings=TEXT_ENDINGS)
        names = [item.name for item in listing.items]
        if not names:
            raise ValueError(f"{listing.root}: no text files (txt) in it")
        super().__init__(listing, names, classes, splits)

    def content(self, key: str) -> Sample:
        """The text."""
        file = read_file(self.root, key)
        try:
            return {"text": file.data.decode("utf-8-sig")}
        except UnicodeDecodeError as error:
            raise SampleError(key, f"{file.name}: not UTF-8 text at byte {error.start:,}") from None


def _lines(file: Path) -> list[str]:
    data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{file}, line {data[: error.start].count(10) + 1}: not UTF-8 text") from None
    return [line.removesuffix("\r") for line in text.split("\n")]
