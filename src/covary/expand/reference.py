"""What a check compares with, and what it finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from covary.data.dataset import Dataset
from covary.data.folder import Problem
from covary.expand.errors import ExpandError
from covary.expand.kinds.opening import layout_of, reopened
from covary.expand.layout import Layout
from covary.expand.manifest import Manifest
from covary.expand.rows import Recipe, SourceRow
from covary.expand.sources import Entry, Opened, Reader
from covary.pipeline import Pipeline

if TYPE_CHECKING:
    from covary.render import Renderer

OTHER_BYTES = "its source and pipeline give other bytes now"
OTHER_LABELS = "its source and pipeline give another trace or other labels now"


@dataclass(frozen=True, slots=True)
class Found:
    """What was found about the outputs of one source, or of one group of sources.

    Attributes:
        checked: outputs looked at.
        missing, altered: names of files.
        differing: outputs that are not derived again.
    """

    checked: int
    missing: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    differing: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What is the same for all sources of a check.

    Attributes:
        out: the expansion's folder.
        reader: reads the sources.
        entry_of: finds a source that the manifest records.
        layout: of the expansion.
        recipes, pipelines: by hash.
    """

    out: Path
    reader: Reader
    entry_of: Callable[[SourceRow], Entry]
    layout: Layout
    recipes: dict[str, Recipe]
    pipelines: dict[str, Pipeline]


def reference_of(
    manifest: Manifest, settings: dict[str, str], root: Path, dataset: Dataset | None, out: Path
) -> Reference:
    """What the outputs of a manifest are compared with.

    Raises:
        ExpandError: the data set is not what it was, or the renderer is not there.
    """
    layout = layout_of(settings)
    reader, entry_of = reopened(settings, root, dataset, out)
    recipes = manifest.recipes()
    pipelines = {hash: _as_recorded(recipe) for hash, recipe in recipes.items()}
    return Reference(out, reader, entry_of, layout, recipes, pipelines)


def reopened_source(reference: Reference, source: SourceRow) -> tuple[Entry, Opened] | None:
    """A source read and decoded again; None if its content is not what is recorded.

    Raises:
        OSError, ValueError, ExpandError: it cannot be read, or cannot be used any more.
    """
    entry = reference.entry_of(source)
    raw = reference.reader.read(entry)
    if (raw.sha256, raw.fields_sha256) != (source.sha256, source.fields_sha256):
        return None
    return entry, reference.reader.open(entry, source.annotations, raw)


def told(error: Exception) -> str:
    """What an error says to a reader."""
    return getattr(error, "strerror", None) or str(error)


def _as_recorded(recipe: Recipe) -> Pipeline:
    from covary.render import find_renderer

    renderer: Renderer = recipe.renderer  # type: ignore[assignment]
    try:
        find_renderer(renderer)
    except RuntimeError as error:
        raise ExpandError(f"the outputs were made with another renderer: {error}") from None
    return Pipeline.from_yaml(recipe.pipeline).with_options(renderer=renderer)
