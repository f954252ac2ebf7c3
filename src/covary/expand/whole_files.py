"""The files that describe a whole expansion: annotations, tables of contents. They follow from the manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from covary.expand.errors import ExpandError
from covary.expand.files import place, remove, write_temporary
from covary.expand.layout import Layout
from covary.expand.manifest import Manifest


def make_way(out: Path, before: Mapping[str, str], settings: Mapping[str, str]) -> None:
    """Remove the files of this kind that an earlier run made and that are not wanted any longer.

    Args:
        before, settings: the manifest's settings until now, and from now on.

    Raises:
        ExpandError: where one is to be, there is something that covary did not make.
    """
    old, new = json.loads(before.get("whole", "[]")), json.loads(settings["whole"])
    for name in new:
        if name not in old and (out / name).exists():
            raise ExpandError(f"{out / name} is in the way: covary did not make it, and leaves it alone")
    for name in old:
        if name not in new:
            remove(out / name, out)


def write_whole_files(out: Path, temporary: Path, layout: type[Layout], manifest: Manifest) -> None:
    """Write these files, as a check would derive them: from the manifest alone. One that says nothing goes."""
    settings = manifest.settings()
    unwritten = set(json.loads(settings["whole"]))
    for name, data in layout.restored(settings).whole(manifest):
        place(write_temporary(temporary, data), out / name)
        unwritten.discard(name)
    for name in unwritten:
        remove(out / name, out)
