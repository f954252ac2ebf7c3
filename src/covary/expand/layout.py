"""Where outputs lie, which files go with them, and which files describe the whole expansion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self

from covary.expand.manifest import Manifest
from covary.expand.sources import Entry, Mask
from covary.expand.variations import Variation


class Layout(Protocol):
    """How a kind of data set lies in its folder; it pickles and is never changed.

    All paths are relative to the output folder. A layout is rebuilt from the manifest alone, so that an expansion can
    be checked without knowing how it was asked for.

    Attributes:
        kind: its name in the manifest.
    """

    kind: ClassVar[str]

    def settings(self) -> dict[str, str]:
        """What the manifest has to keep of the data set as a whole, for `restored`."""
        ...

    @classmethod
    def restored(cls, settings: Mapping[str, str]) -> Self:
        """The layout of which a manifest holds the settings."""
        ...

    def part_names(self, entry: Entry, path: str) -> tuple[str, ...]:
        """Files that may go with the picture at `path`."""
        ...

    def parts(self, entry: Entry, path: str, made: Variation, mask: Mask | None) -> list[tuple[str, bytes]]:
        """The files that go with a variation at `path`: all of `part_names`, or some."""
        ...

    def original_parts(self, entry: Entry, path: str, files: Sequence[Path]) -> list[tuple[str, Path]]:
        """For an original at `path` the files that go with it: their names there, and where they are now.

        Args:
            files: what the source is read from, its picture first.
        """
        ...

    def whole_names(self, splits: Sequence[str]) -> tuple[str, ...]:
        """Names of the files that describe the whole expansion.

        Args:
            splits: the parts of the data set of which anything is made.
        """
        ...

    def whole(self, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        """Name and content of each of these files: a function of the manifest."""
        ...
