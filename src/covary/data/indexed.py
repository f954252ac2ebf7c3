"""What all readers hold: identities, classes, parts and categories of the samples, in flat arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from covary.data.dataset import Encoded
from covary.data.header import read_header
from covary.data.instances import Category
from covary.draws.keys import Key


class Indexed:
    """The index of a data set; a reader adds `read`.

    Attributes:
        keys: identity of each sample.
        classes: names of the classes; () where there are none.
        labels: (N,) int64 class number of each sample, -1 where it has none; None where samples have no single class.
        splits: what part of the data each sample belongs to; None where nothing says so.
        categories: kinds of the annotated objects by id; empty where there are none.
    """

    def __init__(
        self,
        keys: Sequence[Key],
        *,
        classes: tuple[str, ...] = (),
        labels: NDArray[np.int64] | None = None,
        splits: Sequence[str] | None = None,
        categories: Mapping[int, Category] | None = None,
    ) -> None:
        self.keys = keys
        self.classes = classes
        self.labels = labels
        self.splits = splits
        self.categories: Mapping[int, Category] = categories or {}

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        kinds = len(self.classes) or len(self.categories)
        return f"{type(self).__name__}({len(self):,} samples{f', {kinds:,} classes' if kinds else ''})"


def absolute(path: str | os.PathLike[str]) -> str:
    """The path from the root on, so that it means the same in every process; links are not resolved."""
    return str(Path(path).absolute())


def read_file(root: str, name: str) -> Encoded:
    """A file of a data set as it is on disk.

    Args:
        root: the data set's folder.
        name: path relative to it, or an absolute one.

    Raises:
        OSError: it cannot be read; the error has its path.
    """
    path = os.path.join(root, name)  # noqa: PTH118 - ten times as fast, once per sample
    return Encoded(contents(path), path)


def contents(path: str) -> bytes:
    """What a file holds, by as few calls of the system as there can be: `open` asks twice as many.

    Raises:
        OSError: it cannot be read; the error has its path.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(descriptor).st_size
        data = os.read(descriptor, size + 1)
        if len(data) == size:
            return data
        # A read may give less than it was asked for, and a file may be growing.
        parts = [data]
        while parts[-1]:
            parts.append(os.read(descriptor, 1 << 20))
        return b"".join(parts)
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(descriptor)


def upright_size(picture: Encoded) -> tuple[int, int]:
    """Height and width of a picture once it is decoded and turned upright.

    Raises:
        ValueError: it is no picture that can be read; the message names the file.
    """
    try:
        header = read_header(picture.data)
    except ValueError as error:
        raise ValueError(f"{picture.name}: {error}") from None
    return (header.width, header.height) if header.orientation >= 5 else (header.height, header.width)
