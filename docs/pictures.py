"""What an operation does: the original and variations of it, at three strengths."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from covary import Pipeline

HEIGHT, WIDTH = 120, 180
DRAWS = 2
STRENGTHS = (1 / 3, 2 / 3, 1.0)
GAP = 6
QUALITY = 60  # of WebP: all pictures together stay small enough to be kept with the pages

# What an operation needs to be built, or to be seen at the size of a strip.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "image.Affine": {"rotate": (-20, 20), "scale": (0.8, 1.2), "shear": (-10, 10), "translate": (-0.1, 0.1)},
    "image.AtLeastOneBBoxRandomCrop": {"size": 72},
    "image.CenterCrop": {"size": 96},
    "image.Crop": {"size": 72, "left": 60, "top": 10},
    "image.CropNonEmptyMaskIfExists": {"size": 72},
    "image.FiveCrop": {"size": 80},
    "image.LetterBox": {"size": (120, 120)},
    "image.CoarseDropout": {"holes": (1, 4)},
    "image.GaussianNoise": {"std": (0.05, 0.2)},
    "image.LongestMaxSize": {"max_size": 96},
    "image.Normalize": {"statistics": "imagenet"},
    "image.Pad": {"padding": 16},
    "image.PadIfNeeded": {"min_height": 160, "min_width": 180},
    "image.RandomCrop": {"size": 96},
    "image.RandomResizedCrop": {"size": 120},
    "image.RandomShortestSize": {"min_size": (60, 90, 120)},
    "image.RandomSizedBBoxSafeCrop": {"size": 120},
    "image.Resize": {"size": (96, 120)},
    "image.ScaleJitter": {"size": (120, 180), "scale": (0.4, 1)},
    "image.SmallestMaxSize": {"max_size": 96},
    "image.TenCrop": {"size": 80},
    "image.ZoomOut": {"ratio": (1, 2)},
    "volume.CenterCrop3D": {"size": (48, 72, 90)},
    "volume.Pad3D": {"padding": 12},
    "volume.PadIfNeeded3D": {"min_height": 120, "min_width": 160},
    "volume.RandomAffine3D": {"rotate": 25, "scale": (0.7, 1.3)},
    "volume.RandomCrop3D": {"size": (32, 72, 90)},
    "volume.RandomRotation3D": {"x": 30, "y": 30, "z": 30},
    "volume.Elastic3D": {"magnitude": (2, 4)},
}

# The cat's face and one of its eyes, for operations that look at labels.
BOXES = [[70, 15, 130, 80], [80, 35, 92, 44]]


def photograph() -> NDArray[np.uint8]:
    from skimage import data

    return np.asarray(cv2.resize(data.cat(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def phantom() -> NDArray[np.uint8]:
    """A volume like a scan of a body: nested ellipsoids and a grain, none of it symmetric; (48, 96, 128)."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (48, 96, 128)), indexing="ij")
    made = np.zeros(z.shape)
    for centre, radii, value in (
        ((0, 0, 0), (0.95, 0.85, 0.9), 90),
        ((0, 0, 0), (0.88, 0.76, 0.82), -40),
        ((0, -0.1, -0.4), (0.6, 0.45, 0.25), -35),
        ((0, -0.05, 0.4), (0.7, 0.5, 0.28), -35),
        ((0.2, 0.55, 0.05), (0.9, 0.14, 0.1), 150),
        ((-0.2, -0.2, 0.1), (0.4, 0.25, 0.2), 70),
        ((0.1, -0.25, 0.5), (0.12, 0.1, 0.07), 110),
    ):
        inside = sum(((axis - c) / r) ** 2 for axis, c, r in zip((z, y, x), centre, radii, strict=True)) < 1
        made += value * inside
    grain = np.random.default_rng(0).normal(0, 6, made.shape)
    return np.clip(made + grain * (made > 0), 0, 255).astype(np.uint8)


def arguments(name: str, operation: type[Any]) -> dict[str, Any]:
    """What an operation is built with for its picture."""
    given = ARGUMENTS.get(name, {})
    if any(field.name == "references" for field in dataclasses.fields(operation)):
        from skimage import data

        given = {"references": (data.coffee(),), **given}
    return given


def draw(names: list[str], folder: Path) -> None:
    """Write `folder`/NAME.webp for every named operation."""
    from covary.ops.base import registry

    folder.mkdir(parents=True, exist_ok=True)
    classes = registry()
    original, body = photograph(), phantom()
    for name in names:
        operation = dataclasses.replace(classes[name](**arguments(name, classes[name])), p=1.0)
        strip = slices(operation, body) if name.startswith("volume.") else variations(operation, original)
        ok, data = cv2.imencode(".webp", strip[:, :, ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
        if not ok:
            raise OSError(f"no picture of {name} could be encoded")
        (folder / f"{name}.webp").write_bytes(data.tobytes())


def variations(operation: Any, original: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A photograph and what the operation makes of it."""
    mask = np.zeros(original.shape[:2], np.uint8)
    for x0, y0, x1, y1 in BOXES:
        mask[y0:y1, x0:x1] = 1
    return sheet(
        original,
        operation,
        lambda pipeline, key: visible(pipeline(image=original, boxes=BOXES, mask=mask, key=key)["image"]),
    )


def slices(operation: Any, original: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle slice of a volume and of what the operation makes of it."""
    return sheet(
        middle(original), operation, lambda pipeline, key: middle(pipeline(volume=original, key=key)["volume"])
    )


def sheet(
    original: NDArray[np.uint8], operation: Any, made: Callable[[Pipeline, int], NDArray[np.uint8]]
) -> NDArray[np.uint8]:
    """From left to right the original and the three strengths; from top to bottom two draws.

    Sizes and formats are the same at every strength: there, draws stand side by side instead.
    """
    pipelines = list(dict.fromkeys(Pipeline([operation], seed=3).with_strength(strength) for strength in STRENGTHS))
    if len(pipelines) == 1:
        return beside([original, *(made(pipelines[0], key) for key in range(len(STRENGTHS)))])
    return stacked([beside([original, *(made(each, key) for each in pipelines)]) for key in range(DRAWS)])


def middle(body: NDArray[Any]) -> NDArray[np.uint8]:
    """The middle slice of a volume in grey; of a finished one, channels first, that of its first channel."""
    grey = body[0] * 255 if body.ndim == 4 else body
    return np.repeat(grey[len(grey) // 2, :, :, None], 3, axis=2).round().astype(np.uint8)


def beside(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of any sizes from left to right, on white."""
    height = max(picture.shape[0] for picture in pictures)
    columns: list[NDArray[np.uint8]] = []
    for picture in pictures:
        column = np.full((height, picture.shape[1] + GAP, 3), 255, dtype=np.uint8)
        column[: picture.shape[0], : picture.shape[1]] = picture
        columns.append(column)
    return np.concatenate(columns, axis=1)[:, :-GAP]


def stacked(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of any sizes from top to bottom, on white."""
    turned = [np.ascontiguousarray(picture.transpose(1, 0, 2)) for picture in pictures]
    return np.ascontiguousarray(beside(turned).transpose(1, 0, 2))


def visible(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """A result as bytes for the eye; floats in planes are spread over the whole range."""
    if picture.dtype == np.uint8:
        return picture
    planes = picture.transpose(1, 2, 0)
    lowest, highest = float(planes.min()), float(planes.max())
    return np.round((planes - lowest) * (255 / max(highest - lowest, 1e-6))).astype(np.uint8)
