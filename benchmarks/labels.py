"""What 20 boxes cost: through one flip, and through pipeline C; with boxes minus without.

python -m benchmarks.labels
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import peers, report
from benchmarks.photographs import photographs
from benchmarks.pipelines import HEIGHT, WIDTH, albumentations_operations, covary_pipeline
from benchmarks.timing import Job, take_turns

BATCH = 32
BOXES = 20
TARGET = 30


def some_boxes() -> list[Any]:
    """Twenty boxes (xyxy, pixels) with class numbers for every picture of a batch."""
    generator = np.random.default_rng(3)
    corners = generator.uniform((0, 0), (WIDTH * 0.6, HEIGHT * 0.6), (BATCH, BOXES, 2))
    sides = generator.uniform(20, 150, (BATCH, BOXES, 2))
    ends = np.minimum(corners + sides, (WIDTH, HEIGHT))
    return list(np.concatenate([corners, ends], axis=2).astype(np.float32))


def covary_jobs(pipeline: Any, pictures: list[Any], boxes: list[Any], classes: list[Any]) -> dict[str, tuple[Job, int]]:
    return {
        "batch": (lambda: pipeline.batch(pictures), BATCH),
        "batch with boxes": (lambda: pipeline.batch(pictures, boxes=boxes, box_labels=classes), BATCH),
        "single": (lambda: [pipeline(image=picture) for picture in pictures], BATCH),
        "single with boxes": (
            lambda: [
                pipeline(image=picture, boxes=some, box_labels=labels)
                for picture, some, labels in zip(pictures, boxes, classes, strict=True)
            ],
            BATCH,
        ),
    }


def albumentations_jobs(suite: str, pictures: list[Any], boxes: list[Any], classes: list[Any]) -> dict[str, Any]:
    library = peers.albumentations()
    if library is None:
        return {}
    operations = [library.HorizontalFlip(p=1.0)] if suite == "flip" else albumentations_operations("C")
    plain = library.Compose(operations, seed=1)
    with_boxes = library.Compose(
        operations, bbox_params=library.BboxParams(format="pascal_voc", label_fields=["classes"]), seed=1
    )
    return {
        "albumentations": (lambda: [plain(image=picture) for picture in pictures], BATCH),
        "albumentations with boxes": (
            lambda: [
                with_boxes(image=picture, bboxes=some, classes=labels)
                for picture, some, labels in zip(pictures, boxes, classes, strict=True)
            ],
            BATCH,
        ),
    }


def run() -> None:
    from covary import Pipeline, image

    pictures = photographs(BATCH, HEIGHT, WIDTH)
    boxes = some_boxes()
    classes = [np.arange(BOXES) for _ in pictures]
    suites = {
        "flip": ("one HorizontalFlip", Pipeline([image.HorizontalFlip(p=1.0)], seed=1, threads=1)),
        "C": ("pipeline C (crop, flip, colour, affine)", covary_pipeline("C")),
    }
    rows = []
    for suite, (description, pipeline) in suites.items():
        jobs = covary_jobs(pipeline, pictures, boxes, classes)
        times = take_turns({**jobs, **albumentations_jobs(suite, pictures, boxes, classes)}, rounds=25)
        for name in ("batch", "single", "albumentations"):
            if name not in times.rounds:
                continue
            extra = times.difference(f"{name} with boxes", name)
            ours = name != "albumentations"
            rows.append(
                [
                    f"{description}, {'covary ' + name if ours else 'Albumentations'}",
                    report.microseconds(times.median(name)),
                    report.microseconds(times.median(f"{name} with boxes")),
                    report.microseconds(extra),
                    f"{TARGET} {report.verdict(extra < TARGET)}" if ours else "",
                ]
            )
    report.print_table(
        f"Labels: {BOXES} boxes on {WIDTH}x{HEIGHT} photographs, microseconds per image, one thread",
        ("through", "image alone", "with boxes", "boxes cost", "target"),
        rows,
        ["What the boxes cost is the median of the rounds' own differences."],
    )


if __name__ == "__main__":
    report.print_machine()
    run()
