"""Data sets that are folders of files: a sub-folder is a class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from covary.data.class_folders import class_folders
from covary.data.dataset import Sample
from covary.data.folder import Listing, Problem
from covary.data.indexed import Indexed, absolute
from covary.data.strings import Strings


class FolderDataset(Indexed, ABC):
    """What data sets of one file a sample share: the index, the classes and parts that folders say, the labels.

    Args:
        listing: of the folder.
        names: of the files that are samples, relative to it.
        classes: names of the classes in the order of their numbers; those that occur, sorted, by default.
        splits: whether the folders of the first level are parts of the data; None finds out.

    Attributes:
        root: the folder.
        problems: folders that could not be listed, and files that are no regular files.
    """

    def __init__(
        self, listing: Listing, names: Sequence[str], classes: Sequence[str] | None, splits: bool | None
    ) -> None:
        found = class_folders(names, listing.root, classes, splits)
        self.root = absolute(listing.root)
        self.problems: tuple[Problem, ...] = listing.problems
        super().__init__(Strings(names), classes=found.classes, labels=found.labels, splits=found.splits)

    def read(self, index: int) -> Sample:
        """The content of a file, and its class."""
        return {**self.content(str(self.keys[index])), **self.beside(index)}

    def beside(self, index: int) -> Sample:
        """The fields that do not come from the file: its class."""
        return {} if self.labels is None else {"label": int(self.labels[index])}

    @abstractmethod
    def content(self, key: str) -> dict[str, Any]:
        """The fields that a file gives."""
