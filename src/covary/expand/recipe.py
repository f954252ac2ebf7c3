"""All that an output's bytes depend on besides its source."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from covary.expand.manifest import Recipe
from covary.expand.variations import canonical

if TYPE_CHECKING:
    from covary.pipeline import Pipeline


def covary_version() -> str:
    """The version of the installed package."""
    try:
        return version("covary")
    except PackageNotFoundError:  # run from a source tree
        return "unknown"


def recipe_of(pipeline: Pipeline, format: str, quality: int) -> Recipe:
    """The recipe of a pipeline and an encoding."""
    text = pipeline.to_yaml()
    seed, made_by = str(pipeline.seed), covary_version()
    digest = sha256(canonical([text, seed, made_by, format, quality]).encode()).hexdigest()
    return Recipe(digest, text, seed, made_by, format, quality)
