"""Presets for pictures. With `size` all come out as squares of so many px; without, sizes stay."""

from __future__ import annotations

from covary.ops import image
from covary.ops.base import Operation
from covary.ops.combine import OneOf
from covary.pipeline import Pipeline


def photos(size: int | None = None, *, seed: int = 0) -> Pipeline:
    """Photographs of things, animals and scenes.

    Leaves out vertical flips and large turns (nobody meets photographs upside down), strong hues (leaves are not
    violet) and crops below a quarter of the area (they miss the object, and the label lies).

    Args:
        size: of the squares that come out, px; None leaves sizes as they are.
        seed: of the pipeline.
    """
    return Pipeline(
        [
            *_framed(size, scale=(0.25, 1.0)),
            image.HorizontalFlip(),
            image.Affine(rotate=10, scale=(0.9, 1.1), translate=0.05, p=0.5),
            image.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.02, p=0.8),
            OneOf([image.GaussianBlur((0.1, 1.5)), image.GaussianNoise((0.01, 0.04))], p=0.2),
            image.CoarseDropout(holes=1, p=0.3),
        ],
        seed=seed,
    )


def satellite(size: int | None = None, *, seed: int = 0) -> Pipeline:
    """Pictures from above: satellites, aeroplanes, drones that look straight down.

    There is no upright, so all eight symmetries of the square are used. Leaves out perspective (the camera looks down),
    strong zoom (the ground resolution tells houses from sheds) and strong hues (they tell crops and water).

    Args:
        size: of the squares that come out, px; None leaves sizes as they are.
        seed: of the pipeline.
    """
    return Pipeline(
        [
            *_framed(size, scale=(0.6, 1.0), ratio=(0.9, 1.1)),
            image.D4(),
            image.Affine(rotate=45, scale=(0.9, 1.1), p=0.3),
            image.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.01, p=0.7),
            image.GaussianBlur((0.1, 1.0), p=0.2),
            image.GaussianNoise((0.005, 0.02), p=0.2),
        ],
        seed=seed,
    )


def xray(size: int | None = None, *, seed: int = 0) -> Pipeline:
    """Radiographs of chest, bones and teeth.

    Leaves out flips and large turns (the heart is on the left, and films are hung in one way), inversion (bones are
    bright), hues (there are none), elastic changes (they bend bones, and make or mend fractures) and erasing (it may
    hide the finding).

    Args:
        size: of the squares that come out, px; None leaves sizes as they are.
        seed: of the pipeline.
    """
    return Pipeline(
        [
            *_framed(size, scale=(0.8, 1.0), ratio=(0.95, 1.05)),
            image.Affine(rotate=7, scale=(0.9, 1.1), translate=0.05, border="constant", p=0.8),
            image.Brightness((0.85, 1.15), p=0.5),
            image.Contrast((0.8, 1.2), p=0.5),
            image.Gamma((0.8, 1.25), p=0.3),
            image.GaussianNoise((0.002, 0.015), p=0.3),
        ],
        seed=seed,
    )


def histology(size: int | None = None, *, seed: int = 0) -> Pipeline:
    """Stained tissue and cells under the microscope.

    There is no upright: all eight symmetries, and gentle elastic changes, as tissue is soft. Leaves out strong zoom
    (the size of nuclei is a finding) and hues that make one stain the other; stains differ between laboratories, so
    small changes of colour are wanted.

    Args:
        size: of the squares that come out, px; None leaves sizes as they are.
        seed: of the pipeline.
    """
    return Pipeline(
        [
            *_framed(size, scale=(0.7, 1.0), ratio=(0.95, 1.05)),
            image.D4(),
            image.ElasticTransform(alpha=(5, 20), sigma=12, p=0.2),
            image.ColorJitter(brightness=0.15, contrast=0.2, saturation=0.25, hue=0.03, p=0.8),
            image.GaussianBlur((0.1, 1.0), p=0.2),
        ],
        seed=seed,
    )


def documents(size: int | None = None, *, seed: int = 0) -> Pipeline:
    """Scanned and photographed pages.

    Leaves out flips and large turns (no page is read mirrored; upright pages are a step of their own), crops (the
    layout tells a letter from an invoice) and strong blur (what cannot be read has no label).

    Args:
        size: of the squares that come out, px, pages being fitted in whole; None leaves sizes as they are.
        seed: of the pipeline.
    """
    return Pipeline(
        [
            *_whole(size),
            image.Perspective((0.01, 0.04), border="edge", p=0.5),
            image.Rotate(3, border="edge", p=0.7),
            image.Brightness((0.8, 1.15), p=0.5),
            image.Contrast((0.8, 1.2), p=0.5),
            OneOf(
                [
                    image.GaussianBlur((0.1, 0.8)),
                    image.GaussianNoise((0.005, 0.03)),
                    image.SaltAndPepper((0.001, 0.005)),
                ],
                p=0.3,
            ),
            image.Grayscale(p=0.1),
        ],
        seed=seed,
    )


def driving(size: int | None = None, *, seed: int = 0) -> Pipeline:
    """What cameras in cars see.

    Leaves out turns and vertical flips (the road is below), hues (they tell red lights from green ones) and horizontal
    flips: they put traffic on the wrong side and mirror signs. Where neither matters, add `image.HorizontalFlip()`.

    Args:
        size: of the squares that come out, px; None leaves sizes as they are.
        seed: of the pipeline.
    """
    return Pipeline(
        [
            *_framed(size, scale=(0.5, 1.0)),
            image.Affine(rotate=3, scale=(0.9, 1.15), translate=0.05, p=0.5),
            image.Brightness((0.5, 1.4), p=0.6),
            image.Contrast((0.7, 1.3), p=0.5),
            image.Saturation((0.7, 1.2), p=0.3),
            OneOf([image.GaussianBlur((0.1, 1.5)), image.GaussianNoise((0.01, 0.05))], p=0.3),
            image.CoarseDropout(holes=1, p=0.2),
        ],
        seed=seed,
    )


def faces(size: int | None = None, *, seed: int = 0) -> Pipeline:
    """Aligned faces: who it is, or with what expression.

    Leaves out vertical flips and large turns (faces are met upright), stretching and elastic changes (proportions say
    who it is) and hues (skin keeps its colour).

    Args:
        size: of the squares that come out, px; None leaves sizes as they are.
        seed: of the pipeline.
    """
    return Pipeline(
        [
            *_framed(size, scale=(0.7, 1.0), ratio=(0.97, 1.03)),
            image.HorizontalFlip(),
            image.Affine(rotate=10, scale=(0.92, 1.08), translate=0.04, p=0.6),
            image.Brightness((0.7, 1.3), p=0.5),
            image.Contrast((0.7, 1.3), p=0.4),
            OneOf([image.GaussianBlur((0.1, 1.2)), image.GaussianNoise((0.01, 0.03)), image.Grayscale()], p=0.2),
            image.CoarseDropout(holes=1, p=0.2),
        ],
        seed=seed,
    )


def industrial(size: int | None = None, *, seed: int = 0) -> Pipeline:
    """Parts and surfaces before a fixed camera, defects among them.

    Leaves out crops, erasing, strong noise and blur: a defect is small, and what hides it or looks like one makes the
    label lie. Elastic changes are left out, as they bend what must be straight. Small turns and shifts allow for the
    mounting.

    Args:
        size: of the squares that come out, px, pictures being fitted in whole; None leaves sizes as they are.
        seed: of the pipeline.
    """
    return Pipeline(
        [
            *_whole(size),
            image.Affine(rotate=5, scale=(0.95, 1.05), translate=0.03, border="edge", p=0.7),
            image.Brightness((0.85, 1.15), p=0.5),
            image.Contrast((0.85, 1.15), p=0.5),
            image.Gamma((0.85, 1.2), p=0.3),
            image.GaussianNoise((0.002, 0.01), p=0.2),
        ],
        seed=seed,
    )


def digits(size: int | None = None, *, seed: int = 0) -> Pipeline:
    """Handwritten or printed digits and letters.

    Leaves out flips and turns beyond 10 degrees (6 and 9, 2 and 5, a slanting 1 and a 7) and erasing (a gap makes a 3
    of an 8).

    Args:
        size: of the squares that come out, px, pictures being fitted in whole; None leaves sizes as they are.
        seed: of the pipeline.
    """
    return Pipeline(
        [
            *_whole(size),
            image.Affine(rotate=10, scale=(0.9, 1.1), shear=7, translate=0.06, border="edge", p=0.8),
            image.Contrast((0.8, 1.2), p=0.3),
            image.GaussianNoise((0.005, 0.03), p=0.3),
        ],
        seed=seed,
    )


def _framed(
    size: int | None, scale: tuple[float, float], ratio: tuple[float, float] = (3 / 4, 4 / 3)
) -> list[Operation]:
    """A random frame of a share of the area, where a size is asked for."""
    return [] if size is None else [image.RandomResizedCrop(size, scale=scale, ratio=ratio)]


def _whole(size: int | None) -> list[Operation]:
    """The whole picture, where a size is asked for."""
    return [] if size is None else [image.Resize(size)]
