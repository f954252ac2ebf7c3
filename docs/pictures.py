"""What an operation does: the original and variations of it, at three strengths."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

HEIGHT, WIDTH = 120, 180
VARIATIONS = 4
STRENGTHS = (1 / 3, 2 / 3, 1.0)
GAP = 6

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
}

# The cat's face and one of its eyes, for operations that look at labels.
BOXES = [[70, 15, 130, 80], [80, 35, 92, 44]]


def photograph() -> NDArray[np.uint8]:
    from skimage import data

    return np.asarray(cv2.resize(data.cat(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def arguments(name: str, operation: type[Any]) -> dict[str, Any]:
    """What an operation is built with for its picture."""
    given = ARGUMENTS.get(name, {})
    if any(field.name == "references" for field in dataclasses.fields(operation)):
        from skimage import data

        given = {"references": (data.coffee(),), **given}
    return given


def draw(names: list[str], folder: Path) -> None:
    """Write `folder`/NAME.jpg for every named operation."""
    from covary.ops.base import registry

    folder.mkdir(parents=True, exist_ok=True)
    classes = registry()
    original = photograph()
    for name in names:
        operation = classes[name](**arguments(name, classes[name]))
        strip = variations(dataclasses.replace(operation, p=1.0), original)
        ok, data = cv2.imencode(".jpg", strip[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
        if not ok:
            raise OSError(f"no picture of {name} could be encoded")
        (folder / f"{name}.jpg").write_bytes(data.tobytes())


def variations(operation: Any, original: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The original and what the operation makes of it, a row for each strength."""
    from covary import Pipeline

    mask = np.zeros(original.shape[:2], np.uint8)
    for x0, y0, x1, y1 in BOXES:
        mask[y0:y1, x0:x1] = 1
    made = {}
    for strength in STRENGTHS:
        pipeline = Pipeline([operation], seed=3).with_strength(strength)
        made[pipeline] = [
            visible(pipeline(image=original, boxes=BOXES, mask=mask, key=key)["image"]) for key in range(VARIATIONS)
        ]
    # Sizes and formats are the same at every strength: one row says it all.
    return stacked([beside([original, *row]) for row in made.values()])


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
