"""Where outputs lie, which files go with them, and which files describe the whole expansion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

    def original_parts(self, entry: Entry, path: str) -> list[tuple[str, str]]:
        """For an original at `path` the files that go with it: the name of each there, and its name in the source."""
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


class PlainLayout:
    """What is so of most layouts: no file goes with an output, and none describes the whole expansion."""

    __slots__ = ()

    def part_names(self, entry: Entry, path: str) -> tuple[str, ...]:
        return ()

    def parts(self, entry: Entry, path: str, made: Variation, mask: Mask | None) -> list[tuple[str, bytes]]:
        return []

    def original_parts(self, entry: Entry, path: str) -> list[tuple[str, str]]:
        return []

    def whole_names(self, splits: Sequence[str]) -> tuple[str, ...]:
        return ()

    def whole(self, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
        return iter(())


def companion_name(companion: str, picture: str, path: str) -> str:
    """Where a file that belongs to a picture goes when the picture goes to `path`.

    It stays in its folder, and has of the picture's new name what it had of the old one: `masks/7_mask.png`, the
    companion of `images/7.jpg`, goes to `masks/7__0_mask.png` with `images/7__0.jpg`. Folders between the data set's
    own and the picture's are taken over by neither.
    """
    folder, slash, last = companion.rpartition("/")
    stem, dot, ending = last.rpartition(".")
    suffix = stem.removeprefix(_stem(picture))
    return f"{folder}{slash}{_stem(path)}{suffix}{dot}{ending}"


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]
