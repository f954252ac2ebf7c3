"""Offline expansion: variations a second, written to disk as JPEG, by one worker and by two.

python -m benchmarks.offline
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import cv2

from benchmarks import report
from benchmarks.photographs import photographs
from benchmarks.pipelines import HEIGHT, SIZE, WIDTH

SOURCES = 48
TIMES = 8
ROUNDS = 3


def pipeline() -> Any:
    from covary import Pipeline, image

    return Pipeline(
        [
            image.RandomResizedCrop(SIZE, scale=(0.3, 1.0)),
            image.HorizontalFlip(p=0.5),
            image.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05),
            image.Affine(rotate=(-15, 15), scale=(0.9, 1.1)),
        ],
        seed=1,
    )


def write_sources(folder: Path) -> None:
    """A small image folder: photographs as JPEG in two classes."""
    for index, picture in enumerate(photographs(SOURCES, HEIGHT, WIDTH)):
        path = folder / f"class{index % 2}" / f"{index:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), picture[:, :, ::-1]):
            raise OSError(f"{path} could not be written")


def variations_per_second(sources: Path, out: Path, workers: int) -> float:
    import covary

    start = time.perf_counter()
    made = covary.expand.expand(sources, out, pipeline(), times=TIMES, workers=workers)
    seconds = time.perf_counter() - start
    if made.made != SOURCES * TIMES:
        raise RuntimeError(f"expected {SOURCES * TIMES} files: {made}")
    return SOURCES * TIMES / seconds


def run() -> None:
    rates: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sources(folder / "photos")
        for turn in range(ROUNDS):
            for workers, values in rates.items():
                out = folder / f"out-{turn}-{workers}"
                values.append(variations_per_second(folder / "photos", out, workers))
    one, two = median(rates[1]), median(rates[2])
    report.print_table(
        f"Offline: {SOURCES} JPEG photographs {WIDTH}x{HEIGHT}, {TIMES} variations of {SIZE}x{SIZE} each, as JPEG",
        ("workers", "variations a second", "ratio"),
        [["1", f"{one:,.0f}", "1.00x"], ["2", f"{two:,.0f}", f"{two / one:.2f}x"]],
    )


if __name__ == "__main__":
    report.print_machine()
    run()
