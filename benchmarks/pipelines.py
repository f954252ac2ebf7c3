"""Whole pipelines: 500x375 uint8 photographs to 224x224 normalised CHW float32.

    python -m benchmarks.pipelines

Every library gets the same operations with the same ranges: flips with probability 0.5, all else always; bilinear
sampling, black borders, one thread. Albumentations' result is copied to contiguous CHW, the form that the other two
deliver. torchvision gets its pictures as CHW tensors beforehand, and erases one rectangle where the others drop
one or two. Shrinking is anti-aliased by covary and torchvision, not by Albumentations. The results of a batch are all
held until it is complete, by whatever library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from benchmarks import peers, report
from benchmarks.photographs import photographs
from benchmarks.timing import Job, Times, take_turns

BATCH = 32
HEIGHT, WIDTH, SIZE = 375, 500, 224


@dataclass(frozen=True)
class Suite:
    """A pipeline and how many times faster than Albumentations it has to be, by batch and by single calls."""

    name: str
    description: str
    batch_target: float
    single_target: float


SUITES = (
    Suite("A", "RandomResizedCrop + HorizontalFlip + Normalize", 3, 2),
    Suite("B", "A + ColorJitter", 5, 3),
    Suite("C", "B + Affine", 7, 4),
    Suite("D", "C + GaussianNoise + CoarseDropout", 12, 7),
)


def covary_pipeline(suite: str) -> Any:
    from covary import Pipeline, image

    operations = [image.RandomResizedCrop(SIZE, scale=(0.08, 1.0)), image.HorizontalFlip(p=0.5)]
    if suite >= "B":
        operations.append(image.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05))
    if suite >= "C":
        operations.append(
            image.Affine(
                rotate=(-15, 15), scale=(0.9, 1.1), shear=(-5, 5), translate=(-0.1, 0.1), border="constant", fill=0
            )
        )
    if suite >= "D":
        operations.append(image.GaussianNoise((0.02, 0.1)))
        operations.append(image.CoarseDropout(holes=(1, 2), height=(0.1, 0.2), width=(0.1, 0.2), fill=0))
    return Pipeline([*operations, image.Normalize("imagenet")], seed=1, threads=1)


def albumentations_operations(suite: str) -> list[Any]:
    A = peers.albumentations()  # noqa: N806 (the name that its users know)
    operations = [
        A.RandomResizedCrop((SIZE, SIZE), scale=(0.08, 1.0), interpolation=cv2.INTER_LINEAR),
        A.HorizontalFlip(p=0.5),
    ]
    if suite >= "B":
        operations.append(
            A.ColorJitter(brightness=(0.8, 1.2), contrast=(0.8, 1.2), saturation=(0.8, 1.2), hue=(-0.05, 0.05), p=1.0)
        )
    if suite >= "C":
        operations.append(
            A.Affine(
                rotate=(-15, 15),
                scale=(0.9, 1.1),
                keep_ratio=True,
                shear=(-5, 5),
                translate_percent=(-0.1, 0.1),
                fill=0,
                p=1.0,
            )
        )
    if suite >= "D":
        operations.append(A.GaussNoise(std_range=(0.02, 0.1), p=1.0))
        operations.append(
            A.CoarseDropout(
                num_holes_range=(1, 2), hole_height_range=(0.1, 0.2), hole_width_range=(0.1, 0.2), fill=0, p=1.0
            )
        )
    return [*operations, A.Normalize()]


def albumentations_pipeline(suite: str) -> Callable[[Any], Any] | None:
    library = peers.albumentations()
    if library is None:
        return None
    compose = library.Compose(albumentations_operations(suite), seed=1)
    return lambda picture: np.ascontiguousarray(compose(image=picture)["image"].transpose(2, 0, 1))


def torchvision_pipeline(suite: str) -> Callable[[Any], Any] | None:
    v2 = peers.torchvision_v2()
    if v2 is None:
        return None
    import torch

    operations = [v2.RandomResizedCrop(SIZE, scale=(0.08, 1.0)), v2.RandomHorizontalFlip(0.5)]
    if suite >= "B":
        operations.append(v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05))
    if suite >= "C":
        operations.append(
            v2.RandomAffine(
                degrees=15,
                translate=(0.1, 0.1),
                scale=(0.9, 1.1),
                shear=(-5, 5, -5, 5),
                interpolation=v2.InterpolationMode.BILINEAR,
            )
        )
    operations.append(v2.ToDtype(torch.float32, scale=True))
    if suite >= "D":
        operations.append(v2.GaussianNoise(sigma=0.06))
        operations.append(v2.RandomErasing(p=1.0, scale=(0.01, 0.04)))
    operations.append(v2.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]))
    torch.manual_seed(1)
    return v2.Compose(operations)  # type: ignore[no-any-return]


def peer_jobs(suite: str, pictures: list[Any]) -> dict[str, tuple[Job, int]]:
    """The jobs of the peers that are installed."""
    jobs: dict[str, tuple[Job, int]] = {}
    albumentations = albumentations_pipeline(suite)
    if albumentations is not None:
        jobs["albumentations"] = (lambda: [albumentations(picture) for picture in pictures], len(pictures))
    torchvision = torchvision_pipeline(suite)
    if torchvision is not None:
        import torch

        tensors = [torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))) for picture in pictures]
        jobs["torchvision"] = (lambda: [torchvision(tensor) for tensor in tensors], len(pictures))
    return jobs


def covary_jobs(suite: str, pictures: list[Any]) -> dict[str, tuple[Job, int]]:
    pipeline = covary_pipeline(suite)
    return {
        "batch": (lambda: pipeline.batch(pictures), len(pictures)),
        "single": (lambda: [pipeline(picture) for picture in pictures], len(pictures)),
        # What a key will draw is not known before the call: no calls are planned together.
        "keyed": (lambda: [pipeline(image=picture, key=key) for key, picture in enumerate(pictures)], len(pictures)),
    }


def time_suite(suite: str) -> Times:
    pictures = photographs(BATCH, HEIGHT, WIDTH)
    return take_turns({**covary_jobs(suite, pictures), **peer_jobs(suite, pictures)})


def time_threads() -> Times:
    """Pipeline C over a batch of 64, by one thread and by two."""
    pictures = photographs(2 * BATCH, HEIGHT, WIDTH)
    pipeline = covary_pipeline("C")
    jobs = {
        "one": (lambda: pipeline.batch(pictures, threads=1), len(pictures)),
        "two": (lambda: pipeline.batch(pictures, threads=2), len(pictures)),
    }
    return take_turns(jobs, rounds=25, wall=True)


def row(suite: Suite, times: Times) -> list[str]:
    def against(peer: str, ours: str) -> float | None:
        return times.ratio(peer, ours) if peer in times.rounds else None

    def target(ours: str, wanted: float) -> str:
        ratio = against("albumentations", ours)
        return "-" if ratio is None else f"{wanted:.0f}x {report.verdict(ratio >= wanted)}"

    return [
        f"{suite.name}: {suite.description}",
        *(
            report.microseconds(times.median(name) if name in times.rounds else None)
            for name in ("batch", "single", "keyed", "albumentations", "torchvision")
        ),
        report.times(against("albumentations", "batch")),
        target("batch", suite.batch_target),
        report.times(against("albumentations", "single")),
        target("single", suite.single_target),
        report.times(against("torchvision", "batch")),
        report.times(against("torchvision", "single")),
    ]


HEADS = (
    "pipeline",
    "covary batch",
    "covary single",
    "with keys",
    "Albumentations",
    "torchvision",
    "batch/Alb.",
    "target",
    "single/Alb.",
    "target",
    "batch/tv",
    "single/tv",
)


def run() -> None:
    rows = [row(suite, time_suite(suite.name)) for suite in SUITES]
    report.print_table(
        f"Pipelines: {WIDTH}x{HEIGHT} uint8 to {SIZE}x{SIZE} normalised CHW float32, us per image, one thread",
        HEADS,
        rows,
        [f"Batches of {BATCH}. Medians of rounds taken in turn; a ratio is the median of the rounds' own ratios."],
    )
    threads = time_threads()
    ratio = threads.ratio("one", "two")
    print(
        f"Pipeline C, a batch of {2 * BATCH}: one thread {threads.median('one'):.0f} us per image, two threads "
        f"{threads.median('two'):.0f} us: {ratio:.2f}x, target 1.8x: {report.verdict(ratio >= 1.8)}"
    )


if __name__ == "__main__":
    report.print_machine()
    run()
