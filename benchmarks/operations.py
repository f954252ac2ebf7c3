"""Single operations: 512x512x3 uint8 photographs in and out.

    python -m benchmarks.operations [NAME ...]

Every operation that has a counterpart in Albumentations 2.0.8, with the same parameters, always applied; bilinear
sampling, black borders unless said, one thread. Where Albumentations has several ways, the fastest stands here. The
results of a batch are all held until it is complete, by either library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from benchmarks import peers, report
from benchmarks.photographs import photographs
from benchmarks.timing import Times, take_turns

BATCH = 32
SIDE = 512


@dataclass(frozen=True)
class Operation:
    """One operation as both libraries say it, and how many times as fast as Albumentations it has to be.

    `ours` is given `covary.image`, `theirs` is given `albumentations`.
    """

    name: str
    ours: Callable[[Any], Any]
    theirs: Callable[[Any], Any]
    at_least: float = 1 / 1.1
    planar: bool = False  # the result is CHW; theirs is brought to it


BLACK: dict[str, Any] = {"border": "constant", "fill": 0}
OFF = (0.0, 0.0)

GEOMETRY = (
    Operation("HorizontalFlip", lambda i: i.HorizontalFlip(p=1), lambda a: a.HorizontalFlip(p=1)),
    Operation("VerticalFlip", lambda i: i.VerticalFlip(p=1), lambda a: a.VerticalFlip(p=1)),
    Operation("Transpose", lambda i: i.Transpose(p=1), lambda a: a.Transpose(p=1)),
    Operation("RandomRotate90", lambda i: i.RandomRotate90(p=1), lambda a: a.RandomRotate90(p=1)),
    Operation("D4", lambda i: i.D4(p=1), lambda a: a.D4(p=1)),
    Operation("Rotate", lambda i: i.Rotate((-30, 30), **BLACK), lambda a: a.Rotate((-30, 30), p=1)),
    Operation(
        "Rotate, reflected",
        lambda i: i.Rotate((-30, 30), border="reflect"),
        lambda a: a.Rotate((-30, 30), border_mode=cv2.BORDER_REFLECT_101, p=1),
    ),
    Operation(
        "Affine",
        lambda i: i.Affine(rotate=(-15, 15), scale=(0.9, 1.1), shear=(-5, 5), translate=(-0.1, 0.1), **BLACK),
        lambda a: a.Affine(
            rotate=(-15, 15), scale=(0.9, 1.1), keep_ratio=True, shear=(-5, 5), translate_percent=(-0.1, 0.1), p=1
        ),
    ),
    Operation(
        "Scale", lambda i: i.Scale((0.8, 1.2), **BLACK), lambda a: a.Affine(scale=(0.8, 1.2), keep_ratio=True, p=1)
    ),
    Operation(
        "Stretch",
        lambda i: i.Stretch((0.8, 1.2), (0.8, 1.2), **BLACK),
        lambda a: a.Affine(scale={"x": (0.8, 1.2), "y": (0.8, 1.2)}, p=1),
    ),
    Operation(
        "Translate",
        lambda i: i.Translate((-0.1, 0.1), (-0.1, 0.1), **BLACK),
        lambda a: a.Affine(translate_percent=(-0.1, 0.1), p=1),
    ),
    Operation("Shear", lambda i: i.Shear((-10, 10), (-10, 10), **BLACK), lambda a: a.Affine(shear=(-10, 10), p=1)),
    Operation(
        "Perspective", lambda i: i.Perspective((0.05, 0.1), **BLACK), lambda a: a.Perspective(scale=(0.05, 0.1), p=1)
    ),
    Operation("Resize to 256", lambda i: i.Resize((256, 256)), lambda a: a.Resize(256, 256)),
    Operation("Resize to 384", lambda i: i.Resize((384, 384)), lambda a: a.Resize(384, 384)),
    Operation("Resize to 768", lambda i: i.Resize((768, 768)), lambda a: a.Resize(768, 768)),
    Operation("SmallestMaxSize", lambda i: i.SmallestMaxSize(256), lambda a: a.SmallestMaxSize(256)),
    Operation("LongestMaxSize", lambda i: i.LongestMaxSize(256), lambda a: a.LongestMaxSize(256)),
    Operation("CenterCrop", lambda i: i.CenterCrop((384, 384)), lambda a: a.CenterCrop(384, 384)),
    Operation("RandomCrop", lambda i: i.RandomCrop((384, 384)), lambda a: a.RandomCrop(384, 384)),
    Operation(
        "RandomResizedCrop",
        lambda i: i.RandomResizedCrop(256, scale=(0.08, 1.0)),
        lambda a: a.RandomResizedCrop((256, 256), scale=(0.08, 1.0)),
    ),
    Operation("Pad", lambda i: i.Pad(32, **BLACK), lambda a: a.Pad(32)),
    Operation(
        "Pad, reflected",
        lambda i: i.Pad(32, border="reflect"),
        lambda a: a.Pad(32, border_mode=cv2.BORDER_REFLECT_101),
    ),
    Operation("PadIfNeeded", lambda i: i.PadIfNeeded(576, 576, **BLACK), lambda a: a.PadIfNeeded(576, 576)),
    Operation(
        "ElasticTransform",
        lambda i: i.ElasticTransform(alpha=(100, 100), sigma=10, **BLACK),
        lambda a: a.ElasticTransform(alpha=100, sigma=10, p=1),
        at_least=4,
    ),
    Operation(
        "GridDistortion",
        lambda i: i.GridDistortion(num_steps=5, distort_limit=(-0.3, 0.3), **BLACK),
        lambda a: a.GridDistortion(num_steps=5, distort_limit=(-0.3, 0.3), p=1),
    ),
)

COLOUR = (
    Operation(
        "Brightness",
        lambda i: i.Brightness(0.2),
        lambda a: a.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=OFF, p=1),
    ),
    Operation(
        "Contrast",
        lambda i: i.Contrast(0.2),
        lambda a: a.RandomBrightnessContrast(brightness_limit=OFF, contrast_limit=0.2, p=1),
    ),
    Operation(
        "Saturation",
        lambda i: i.Saturation(0.2),
        lambda a: a.ColorJitter(brightness=(1, 1), contrast=(1, 1), saturation=(0.8, 1.2), hue=OFF, p=1),
    ),
    Operation(
        "Hue",
        lambda i: i.Hue(0.05),
        lambda a: a.HueSaturationValue(hue_shift_limit=9, sat_shift_limit=OFF, val_shift_limit=OFF, p=1),
    ),
    Operation(
        "ColorJitter",
        lambda i: i.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05),
        lambda a: a.ColorJitter(brightness=(0.8, 1.2), contrast=(0.8, 1.2), saturation=(0.8, 1.2), hue=0.05, p=1),
    ),
    Operation(
        "RGBShift",
        lambda i: i.RGBShift((-20 / 255, 20 / 255), (-20 / 255, 20 / 255), (-20 / 255, 20 / 255)),
        lambda a: a.RGBShift((-20, 20), (-20, 20), (-20, 20), p=1),
    ),
    Operation("ChannelShuffle", lambda i: i.ChannelShuffle(p=1), lambda a: a.ChannelShuffle(p=1)),
    Operation("ChannelDropout", lambda i: i.ChannelDropout(p=1), lambda a: a.ChannelDropout(p=1)),
    Operation("Grayscale", lambda i: i.Grayscale(p=1), lambda a: a.ToGray(p=1)),
    Operation("Gamma", lambda i: i.Gamma((0.8, 1.2)), lambda a: a.RandomGamma((80, 120), p=1)),
    Operation("Posterize", lambda i: i.Posterize(4, p=1), lambda a: a.Posterize(4, p=1)),
    Operation("Solarize", lambda i: i.Solarize(0.5, p=1), lambda a: a.Solarize((0.5, 0.5), p=1)),
    Operation("Invert", lambda i: i.Invert(p=1), lambda a: a.InvertImg(p=1)),
)

OTHERS = (
    Operation(
        "GaussianBlur", lambda i: i.GaussianBlur((0.5, 3.0)), lambda a: a.GaussianBlur(sigma_limit=(0.5, 3.0), p=1)
    ),
    Operation(
        "Sharpen",
        lambda i: i.Sharpen((0.2, 0.5), (0.5, 1.0)),
        lambda a: a.Sharpen(alpha=(0.2, 0.5), lightness=(0.5, 1), p=1),
    ),
    Operation(
        "GaussianNoise",
        lambda i: i.GaussianNoise((0.02, 0.1)),
        lambda a: a.GaussNoise(std_range=(0.02, 0.1), p=1),
        at_least=4,
    ),
    Operation(
        "SaltAndPepper",
        lambda i: i.SaltAndPepper((0.01, 0.06)),
        lambda a: a.SaltAndPepper(amount=(0.01, 0.06), p=1),
        at_least=4,
    ),
    Operation(
        "CoarseDropout",
        lambda i: i.CoarseDropout(holes=(1, 2), height=(0.1, 0.2), width=(0.1, 0.2), fill=0, p=1),
        lambda a: a.CoarseDropout(
            num_holes_range=(1, 2), hole_height_range=(0.1, 0.2), hole_width_range=(0.1, 0.2), p=1
        ),
    ),
    Operation(
        "RandomErasing",
        lambda i: i.RandomErasing(scale=(0.02, 0.33), p=1),
        lambda a: a.Erasing(scale=(0.02, 0.33), p=1),
    ),
    Operation("Normalize", lambda i: i.Normalize("imagenet"), lambda a: a.Normalize(), planar=True),
    Operation("ToTensor", lambda i: i.ToTensor(), lambda a: a.ToFloat(255), planar=True),
)

OPERATIONS = GEOMETRY + COLOUR + OTHERS


def their_call(operation: Operation) -> Callable[[Any], Any] | None:
    library = peers.albumentations()
    if library is None:
        return None
    compose = library.Compose([operation.theirs(library)], seed=1)
    if operation.planar:
        return lambda picture: np.ascontiguousarray(compose(image=picture)["image"].transpose(2, 0, 1))
    return lambda picture: compose(image=picture)["image"]


def time_operation(operation: Operation, pictures: list[Any]) -> Times:
    from covary import Pipeline, image

    pipeline = Pipeline([operation.ours(image)], seed=1, threads=1)
    jobs = {
        "batch": (lambda: pipeline.batch(pictures), len(pictures)),
        "single": (lambda: [pipeline(picture) for picture in pictures], len(pictures)),
    }
    theirs = their_call(operation)
    if theirs is not None:
        jobs["albumentations"] = (lambda: [theirs(picture) for picture in pictures], len(pictures))
    return take_turns(jobs, rounds=9)


def run(names: list[str]) -> None:
    pictures = photographs(BATCH, SIDE, SIDE)
    chosen = [operation for operation in OPERATIONS if not names or operation.name.split(",")[0] in names]
    rows = [
        report.comparison(operation.name, time_operation(operation, pictures), "albumentations", operation.at_least)
        for operation in chosen
    ]
    unmet = [cells[0] for cells in rows if cells[-1].endswith("not met")]
    report.print_table(
        f"Single operations: {SIDE}x{SIDE}x3 uint8, microseconds per image, one thread",
        ("operation", "covary batch", "covary single", "Albumentations", "batch/Alb.", "single/Alb.", "target (batch)"),
        rows,
        [f"Batches of {BATCH}. Not met: {', '.join(unmet) if unmet else 'none'}."],
    )


if __name__ == "__main__":
    report.print_machine()
    run(sys.argv[1:])
