"""All that an output's bytes depend on besides its source."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from covary import __version__
from covary.expand.rows import Recipe
from covary.expand.variations import canonical
from covary.render import find_renderer

if TYPE_CHECKING:
    from covary.pipeline import Pipeline


def recipe_of(
    pipeline: Pipeline,
    format: str,
    quality: int,
    layout: str,
    details: Mapping[str, str] | None = None,
    *,
    decode: str = "full",
) -> Recipe:
    """The recipe of a pipeline, an encoding and a layout.

    Args:
        details: what else about the layout the outputs' bytes depend on.
        decode: how much of JPEGs is decoded.
    """
    text = pipeline.to_yaml()
    seed, made_by = str(pipeline.seed), __version__
    renderer = find_renderer(pipeline.renderer).__module__.rpartition(".")[2]
    parts: list[Any] = [text, seed, made_by, renderer, format, quality]
    if layout != "folder":  # which has no files beside its pictures, whatever may be written some day
        parts += [layout, *([dict(details)] if details else [])]
    if decode != "full":
        parts.append(decode)
    digest = sha256(canonical(parts).encode()).hexdigest()
    return Recipe(digest, text, seed, made_by, renderer, format, quality, layout, decode)
