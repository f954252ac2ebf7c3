"""Which kind of data set it is, and an expansion's sources found again from its manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from covary.data.coco import category_from_json
from covary.expand.errors import ExpandError
from covary.expand.kinds.folder import FolderLayout, FolderReader
from covary.expand.layout import Layout
from covary.expand.rows import SourceRow
from covary.expand.sources import Entry, Reader

LAYOUTS: dict[str, type[Layout]] = {layout.kind: layout for layout in (FolderLayout,)}


def layout_of(settings: Mapping[str, str]) -> Layout:
    """The layout of an expansion, from its manifest's settings."""
    return LAYOUTS[settings.get("layout", "folder")].restored(settings)


def reopened(layout: Layout, settings: Mapping[str, str], root: Path) -> tuple[Reader, Callable[[SourceRow], Entry]]:
    """A reader of the sources that a manifest records, and how to find each.

    Args:
        root: where the data set is now.

    Raises:
        ExpandError: it is not what it was.
    """
    if isinstance(layout, FolderLayout):
        if not root.is_dir():
            raise ExpandError(f"{root}: the source folder is not there; name it with source= (--source)")
        categories = {kind["id"]: category_from_json(kind) for kind in layout.categories}
        return FolderReader(root, categories), _entry_of_file
    raise AssertionError(layout.kind)


def _entry_of_file(row: SourceRow) -> Entry:
    return Entry(0, row.path, row.path, row.label, row.split)
