"""What 20 boxes cost: through one flip, and through pipeline C; with boxes minus without. And what 20 boxes, 20
keypoints and a mask cost together, through pipelines of five operations; with them over without.

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
SIDE = 512
TOGETHER = 1.3  # times the image alone


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
    run_together()


def five_operations() -> dict[str, list[Any]]:
    """Pipelines of five operations: geometry twice, colour, noise or a blur, and a dropout."""
    from covary import image

    resized, flip = image.RandomResizedCrop(SIDE, scale=(0.3, 1.0)), image.HorizontalFlip(p=0.5)
    jitter, noise = image.ColorJitter(0.2, 0.2, 0.2, 0.05), image.GaussianNoise((0.01, 0.05))
    affine = image.Affine(rotate=(-20, 20), scale=(0.8, 1.2), shear=(-5, 5), translate=(-0.1, 0.1))
    blur, dropout = image.GaussianBlur((0.5, 2.0)), image.CoarseDropout()
    return {
        "RandomResizedCrop, flip, ColorJitter, GaussianNoise, CoarseDropout": [resized, flip, jitter, noise, dropout],
        "RandomResizedCrop, flip, ColorJitter, GaussianBlur, CoarseDropout": [resized, flip, jitter, blur, dropout],
        "Affine, flip, ColorJitter, GaussianNoise, CoarseDropout": [affine, flip, jitter, noise, dropout],
    }


def all_labels(boxes: Any) -> list[dict[str, Any]]:
    """Boxes, a keypoint in each, and a mask of their numbers for every picture."""
    made = []
    for some in boxes:
        inside = np.clip(some[:, :4], 0, SIDE)
        mask = np.zeros((SIDE, SIDE), np.uint8)
        for number, (x0, y0, x1, y1) in enumerate(inside.astype(int).tolist(), start=1):
            mask[y0:y1, x0:x1] = number
        points = (inside[:, :2] + inside[:, 2:]) / 2
        made.append({"boxes": inside, "box_labels": np.arange(BOXES), "keypoints": points, "mask": mask})
    return made


def run_together() -> None:
    from covary import Pipeline

    pictures = photographs(BATCH, SIDE, SIDE)
    labels = all_labels(some_boxes())
    columns: dict[str, Any] = {name: [label[name] for label in labels] for name in labels[0]}
    rows = []
    for description, operations in five_operations().items():
        pipeline = Pipeline(operations, seed=1, threads=1)
        jobs: dict[str, tuple[Job, int]] = {
            "single": (lambda p=pipeline: [p(image=picture) for picture in pictures], BATCH),
            "single with labels": (
                lambda p=pipeline: [p(image=picture, **label) for picture, label in zip(pictures, labels, strict=True)],
                BATCH,
            ),
            "batch": (lambda p=pipeline: p.batch(image=pictures), BATCH),
            "batch with labels": (lambda p=pipeline: p.batch(image=pictures, **columns), BATCH),
        }
        times = take_turns(jobs, rounds=25)
        for name in ("single", "batch"):
            ratio = times.ratio(f"{name} with labels", name)
            rows.append(
                [
                    f"{description}, {name}",
                    report.microseconds(times.median(name)),
                    report.microseconds(times.median(f"{name} with labels")),
                    f"{ratio:.2f}",
                    f"{TOGETHER} {report.verdict(ratio <= TOGETHER)}",
                ]
            )
    report.print_table(
        f"Labels: {BOXES} boxes, {BOXES} keypoints and a mask on {SIDE}x{SIDE} photographs, microseconds per image, "
        "one thread",
        ("through", "image alone", "with labels", "ratio", "target"),
        rows,
        ["The ratio is the median of the rounds' own ratios."],
    )


if __name__ == "__main__":
    report.print_machine()
    run()
