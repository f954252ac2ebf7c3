"""A small folder of pictures, and loaders of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from covary import Loader, Pipeline, image
from covary.data.encode import encode
from covary.data.images import ImageFolder
from tests.interop.pictures import noise


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen PNG pictures in two classes, of several sizes."""
    root = tmp_path_factory.mktemp("photos")
    for index in range(14):
        place = root / ("cats" if index % 2 else "dogs") / f"{index:02}.png"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(encode(noise(index, 40 + index, 48), "png"))
    return root


@pytest.fixture(scope="session")
def pipeline() -> Pipeline:
    return Pipeline(
        [image.RandomResizedCrop(16), image.HorizontalFlip(), image.ColorJitter(), image.Normalize("half")], seed=7
    )


@pytest.fixture()
def loader(folder: Path, pipeline: Pipeline) -> Callable[..., Loader]:
    """Makes loaders of the folder: four batches of four, the last one of two."""

    def make(pipeline: Pipeline = pipeline, **options: Any) -> Loader:
        return Loader(ImageFolder(folder), pipeline, **{"batch_size": 4, "workers": 0, **options})

    return make


@pytest.fixture(scope="session")
def epochs(folder: Path, pipeline: Pipeline) -> Callable[[int], list[dict[str, Any]]]:
    """The truth: the batches of an epoch as the loader itself gives them, one after the other."""

    def batches(epoch: int) -> list[dict[str, Any]]:
        with Loader(ImageFolder(folder), pipeline, batch_size=4, workers=0) as loader:
            return [dict(batch) for batch in loader.epoch(epoch, start=0)]

    return batches
