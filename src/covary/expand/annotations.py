"""The annotation file of an expanded data set: a function of its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from covary.data.coco import CocoFile, coco_text
from covary.data.folder import Listing
from covary.data.instances import Json
from covary.expand.manifest import Manifest
from covary.expand.variations import canonical

ANNOTATIONS_NAME = "annotations.json"


def annotation_settings(coco: CocoFile | None) -> dict[str, str]:
    """What the manifest keeps of an annotation file as a whole; nothing without one."""
    if coco is None:
        return {}
    return {
        "categories": canonical([category.to_json() for category in coco.categories.values()]),
        "info": canonical(coco.info),
        "licenses": canonical(list(coco.licenses)),
    }


def annotations_text(manifest: Manifest) -> str | None:
    """The text of the annotation file that a manifest stands for; None where there are no annotations."""
    settings = manifest.settings()
    if "categories" not in settings:
        return None
    return coco_text(
        json.loads(settings["categories"]),
        _pictures(manifest),
        info=json.loads(settings["info"]),
        licenses=json.loads(settings["licenses"]),
    )


def _pictures(manifest: Manifest) -> Iterator[tuple[str, int, int, Sequence[Json]]]:
    for row in manifest.outputs():
        if row.labels is not None:
            yield row.path, row.height, row.width, json.loads(row.labels)


def unmatched_note(coco: CocoFile, names: Iterable[str], folder: Listing) -> list[str]:
    """A note if the annotation file knows pictures that are not in the folder."""
    matched = set(coco.find(names).values())
    unmatched = sorted(name for name in coco.pictures if name not in matched)
    if not unmatched:
        return []
    more = f" and {len(unmatched) - 1:,} more" if len(unmatched) > 1 else ""
    return [f"annotated, but not among the pictures of {folder.root}: {unmatched[0]}{more}"]
