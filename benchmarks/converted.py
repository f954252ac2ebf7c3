"""Converted operations beside the originals, pixel by pixel, where nothing is left to chance.

    .venv-bench/bin/python -m benchmarks.converted

Each operation of Albumentations and of torchvision gets fixed parameters, is converted, and both are applied to the
same photograph. What is compared is the middle of the picture (borders are sampled differently at the last pixel).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.photographs import photographs
from covary.interop.albumentations import convert_albumentations
from covary.interop.torchvision_v2 import convert_torchvision

HEIGHT, WIDTH = 160, 200
MARGIN = 6

# Name, operation, and the mean absolute difference in levels that is allowed.
Case = tuple[str, Callable[[Any], Any], float]

ALBUMENTATIONS: tuple[Case, ...] = (
    ("HorizontalFlip", lambda a: a.HorizontalFlip(p=1), 0),
    ("VerticalFlip", lambda a: a.VerticalFlip(p=1), 0),
    ("Transpose", lambda a: a.Transpose(p=1), 0),
    ("Rotate 20", lambda a: a.Rotate((20, 20), p=1), 1),
    ("Rotate -35, reflect_101", lambda a: a.Rotate((-35, -35), border_mode=4, p=1), 1),
    ("Rotate 35, reflect", lambda a: a.Rotate((35, 35), border_mode=2, p=1), 1),
    ("Rotate 35, replicate", lambda a: a.Rotate((35, 35), border_mode=1, p=1), 1),
    ("Rotate 35, fill", lambda a: a.Rotate((35, 35), fill=(10, 100, 200), p=1), 1),
    ("Affine scale", lambda a: a.Affine(scale=(1.2, 1.2), p=1), 1),
    ("Affine scales", lambda a: a.Affine(scale={"x": (1.3, 1.3), "y": (0.8, 0.8)}, p=1), 1),
    ("Affine shear x", lambda a: a.Affine(shear={"x": (12, 12), "y": (0, 0)}, p=1), 1),
    ("Affine shear y", lambda a: a.Affine(shear={"x": (0, 0), "y": (12, 12)}, p=1), 1),
    ("Affine shift", lambda a: a.Affine(translate_percent={"x": (0.1, 0.1), "y": (-0.05, -0.05)}, p=1), 1),
    ("Affine pixels", lambda a: a.Affine(translate_px={"x": (7, 7), "y": (-3, -3)}, p=1), 1),
    (
        "Affine all",
        lambda a: a.Affine(
            scale={"x": (1.2, 1.2), "y": (0.9, 0.9)},
            rotate=(15, 15),
            shear={"x": (8, 8), "y": (0, 0)},
            translate_px={"x": (7, 7), "y": (-3, -3)},
            p=1,
        ),
        1,
    ),
    (
        "ShiftScaleRotate",
        lambda a: a.ShiftScaleRotate(
            shift_limit_x=(0.1, 0.1), shift_limit_y=(0.05, 0.05), scale_limit=(0.2, 0.2), rotate_limit=(30, 30), p=1
        ),
        1,
    ),
    ("CenterCrop", lambda a: a.CenterCrop(96, 120), 0),
    ("CenterCrop, padded", lambda a: a.CenterCrop(200, 220, pad_if_needed=True, fill=77), 0),
    ("Crop", lambda a: a.Crop(10, 20, 110, 100), 0),
    ("Pad", lambda a: a.Pad((5, 9)), 0),
    ("Pad, four", lambda a: a.Pad((5, 9, 12, 3), border_mode=4), 0),
    ("PadIfNeeded", lambda a: a.PadIfNeeded(190, 231, fill=30), 0),
    (
        "PadIfNeeded, divisor",
        lambda a: a.PadIfNeeded(min_height=None, min_width=None, pad_height_divisor=32, pad_width_divisor=32),
        0,
    ),
    ("CropAndPad", lambda a: a.CropAndPad(px=(12, 13), keep_size=False), 0),
    ("Resize up", lambda a: a.Resize(240, 300), 1),
    ("Resize down", lambda a: a.Resize(80, 100, interpolation=3), 2),
    ("LongestMaxSize", lambda a: a.LongestMaxSize(300), 1),
    ("SmallestMaxSize", lambda a: a.SmallestMaxSize(300), 1),
    ("LongestMaxSize, hw", lambda a: a.LongestMaxSize(max_size_hw=(300, 300)), 1),
    ("RandomScale", lambda a: a.RandomScale((0.25, 0.25), p=1), 1),
    ("OpticalDistortion, fisheye", lambda a: a.OpticalDistortion((0.0, 0.0), mode="fisheye", p=1), 1),
    ("brightness", lambda a: a.RandomBrightnessContrast((0.1, 0.1), (0, 0), p=1), 1),
    ("contrast", lambda a: a.RandomBrightnessContrast((0, 0), (0.3, 0.3), p=1), 1),
    ("both", lambda a: a.RandomBrightnessContrast((-0.1, -0.1), (0.3, 0.3), p=1), 1),
    ("ColorJitter brightness", lambda a: a.ColorJitter((1.2, 1.2), (1, 1), (1, 1), (0, 0), p=1), 1),
    ("ColorJitter contrast", lambda a: a.ColorJitter((1, 1), (0.7, 0.7), (1, 1), (0, 0), p=1), 1),
    ("ColorJitter saturation", lambda a: a.ColorJitter((1, 1), (1, 1), (0.5, 0.5), (0, 0), p=1), 1),
    ("HueSaturationValue, hue", lambda a: a.HueSaturationValue((15, 15), (0, 0), (0, 0), p=1), 3),
    ("HueSaturationValue, sat", lambda a: a.HueSaturationValue((0, 0), (30, 30), (0, 0), p=1), 3),
    ("HueSaturationValue, val", lambda a: a.HueSaturationValue((0, 0), (0, 0), (20, 20), p=1), 3),
    ("RGBShift", lambda a: a.RGBShift((10, 10), (-20, -20), (5, 5), p=1), 1),
    ("RandomGamma", lambda a: a.RandomGamma((150, 150), p=1), 1),
    ("ToGray", lambda a: a.ToGray(p=1), 1),
    ("ToSepia", lambda a: a.ToSepia(p=1), 1),
    ("InvertImg", lambda a: a.InvertImg(p=1), 0),
    ("Posterize", lambda a: a.Posterize((3, 3), p=1), 0),
    ("Solarize", lambda a: a.Solarize((0.5, 0.5), p=1), 0),
    ("AutoContrast", lambda a: a.AutoContrast(method="pil", p=1), 1),
    ("Equalize", lambda a: a.Equalize(p=1), 2),
    ("CLAHE", lambda a: a.CLAHE((3, 3), p=1), 4),
    ("Sharpen", lambda a: a.Sharpen((0.4, 0.4), (0.8, 0.8), p=1), 1),
    ("GaussianBlur", lambda a: a.GaussianBlur(sigma_limit=(1.5, 1.5), p=1), 1),
    ("Blur", lambda a: a.Blur((5, 5), p=1), 1),
    ("MedianBlur", lambda a: a.MedianBlur((5, 5), p=1), 1),
    ("Morphological", lambda a: a.Morphological((3, 3), "erosion", p=1), 1),
    ("ImageCompression", lambda a: a.ImageCompression(quality_range=(40, 40), p=1), 4),
    ("UnsharpMask", lambda a: a.UnsharpMask((5, 5), (1.0, 1.0), (0.5, 0.5), 0, p=1), 2),
    ("Normalize", lambda a: a.Normalize(), 0.01),
)

TORCHVISION: tuple[Case, ...] = (
    ("RandomHorizontalFlip", lambda v: v.RandomHorizontalFlip(1.0), 0),
    ("RandomRotation", lambda v: v.RandomRotation((25, 25), _bilinear(v)), 1),
    ("RandomAffine turn", lambda v: v.RandomAffine((25, 25), interpolation=_bilinear(v)), 1),
    ("RandomAffine scale", lambda v: v.RandomAffine((0, 0), scale=(1.2, 1.2), interpolation=_bilinear(v)), 1),
    ("RandomAffine shear x", lambda v: v.RandomAffine((0, 0), shear=(12, 12), interpolation=_bilinear(v)), 1),
    ("RandomAffine shear y", lambda v: v.RandomAffine((0, 0), shear=(0, 0, 12, 12), interpolation=_bilinear(v)), 1),
    (
        "RandomAffine all",
        lambda v: v.RandomAffine((20, 20), scale=(0.9, 0.9), shear=(10, 10, -8, -8), interpolation=_bilinear(v)),
        1,
    ),
    ("Resize", lambda v: v.Resize((100, 120)), 3),
    ("Resize, shorter", lambda v: v.Resize(200), 1),
    ("Resize, limited", lambda v: v.Resize(200, max_size=220), 1),
    ("CenterCrop", lambda v: v.CenterCrop((100, 90)), 0),
    ("Pad", lambda v: v.Pad([3, 5, 9, 1], padding_mode="reflect"), 0),
    ("ColorJitter brightness", lambda v: v.ColorJitter(brightness=(1.2, 1.2)), 1),
    ("ColorJitter contrast", lambda v: v.ColorJitter(contrast=(0.6, 0.6)), 1),
    ("ColorJitter saturation", lambda v: v.ColorJitter(saturation=(0.5, 0.5)), 1),
    ("RandomGrayscale", lambda v: v.RandomGrayscale(1.0), 1),
    ("RandomInvert", lambda v: v.RandomInvert(1.0), 0),
    ("RandomPosterize", lambda v: v.RandomPosterize(3, 1.0), 0),
    ("RandomSolarize", lambda v: v.RandomSolarize(128, 1.0), 0),
    ("RandomAutocontrast", lambda v: v.RandomAutocontrast(1.0), 1),
    ("RandomEqualize", lambda v: v.RandomEqualize(1.0), 5),
    ("RandomAdjustSharpness", lambda v: v.RandomAdjustSharpness(2.0, 1.0), 1),
    ("GaussianBlur", lambda v: v.GaussianBlur(11, (1.5, 1.5)), 1),
)


def _bilinear(library: Any) -> Any:
    return library.InterpolationMode.BILINEAR


def middle(picture: Any) -> Any:
    """Without its margin, where there is enough of it."""
    return np.asarray(picture, dtype=np.float64)[MARGIN:-MARGIN, MARGIN:-MARGIN]


def judged(name: str, theirs: Any, ours: Any, allowed: float, differences: Any) -> bool:
    """Print a line; whether the operation is what it should be."""
    if theirs.shape != ours.shape:
        print(f"{name:32} shapes {theirs.shape} there, {ours.shape} here: NOT EQUAL")
        return False
    difference = float(np.abs(middle(theirs) - middle(ours)).mean())
    fine = difference <= allowed
    remarks = f"   (said: {'; '.join(each.what for each in differences)})" if differences else ""
    print(f"{name:32} {difference:8.3f}  at most {allowed:g}  {'equal' if fine else 'NOT EQUAL'}{remarks}")
    return fine


def albumentations_cases(picture: Any) -> list[str]:
    library = peers.albumentations()
    if library is None:
        return []
    failed = []
    for name, make, allowed in ALBUMENTATIONS:
        compose = library.Compose([make(library)])
        conversion = convert_albumentations(compose, missing="skip")
        if conversion.missing:
            print(f"{name:32} {conversion.missing[0].what}")
            continue
        theirs = compose(image=picture)["image"]
        if not judged(name, theirs, conversion.pipeline(picture), allowed, conversion.differences):
            failed.append(name)
    return failed


def torchvision_cases(picture: Any) -> list[str]:
    library = peers.torchvision_v2()
    if library is None:
        return []
    import torch

    failed = []
    planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
    for name, make, allowed in TORCHVISION:
        operation = make(library)
        conversion = convert_torchvision(library.Compose([operation]), missing="skip")
        if conversion.missing:
            print(f"{name:32} {conversion.missing[0].what}")
            continue
        theirs = operation(planes).numpy().transpose(1, 2, 0)
        if not judged(name, theirs, conversion.pipeline(picture), allowed, conversion.differences):
            failed.append(name)
    return failed


def main() -> None:
    picture = photographs(1, HEIGHT, WIDTH)[0]
    print("Albumentations: mean absolute difference, in levels")
    failed = albumentations_cases(picture)
    print("torchvision")
    failed += torchvision_cases(picture)
    print(f"Not equal: {', '.join(failed) if failed else 'none'}.")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
