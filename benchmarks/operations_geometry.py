"""Geometry, in covary and in Albumentations."""

from __future__ import annotations

import cv2

from benchmarks.operation import BLACK, Operation


def of_side(side: int) -> tuple[Operation, ...]:
    """Changes of size by parts of the pictures' own side."""
    half, less, more = side // 2, side * 3 // 4, side * 3 // 2

    def resize(part: str, to: int) -> Operation:
        return Operation(
            f"Resize, to {part}",
            lambda i: i.Resize((to, to)),
            lambda a: a.Resize(to, to),
            torchvision=lambda v: v.Resize((to, to)),
            sides=(side,),
        )

    return (
        resize("1/2", half),
        resize("3/4", less),
        resize("3/2", more),
        resize("its own size", side),
        Operation(
            "SmallestMaxSize",
            lambda i: i.SmallestMaxSize(less),
            lambda a: a.SmallestMaxSize(less),
            torchvision=lambda v: v.Resize(less),
            sides=(side,),
        ),
        Operation("LongestMaxSize", lambda i: i.LongestMaxSize(less), lambda a: a.LongestMaxSize(less), sides=(side,)),
        Operation(
            "CenterCrop",
            lambda i: i.CenterCrop((less, less)),
            lambda a: a.CenterCrop(less, less),
            torchvision=lambda v: v.CenterCrop((less, less)),
            sides=(side,),
        ),
        Operation(
            "RandomCrop",
            lambda i: i.RandomCrop((less, less)),
            lambda a: a.RandomCrop(less, less),
            torchvision=lambda v: v.RandomCrop((less, less)),
            sides=(side,),
        ),
        Operation(
            "PadIfNeeded",
            lambda i: i.PadIfNeeded(side + 64, side + 64, **BLACK),
            lambda a: a.PadIfNeeded(side + 64, side + 64),
            sides=(side,),
        ),
    )


OPERATIONS = (
    *(operation for side in (256, 512) for operation in of_side(side)),
    Operation(
        "HorizontalFlip",
        lambda i: i.HorizontalFlip(p=1),
        lambda a: a.HorizontalFlip(p=1),
        torchvision=lambda v: v.RandomHorizontalFlip(1.0),
    ),
    Operation(
        "VerticalFlip",
        lambda i: i.VerticalFlip(p=1),
        lambda a: a.VerticalFlip(p=1),
        torchvision=lambda v: v.RandomVerticalFlip(1.0),
    ),
    Operation("Transpose", lambda i: i.Transpose(p=1), lambda a: a.Transpose(p=1)),
    Operation("RandomRotate90", lambda i: i.RandomRotate90(p=1), lambda a: a.RandomRotate90(p=1)),
    Operation("D4", lambda i: i.D4(p=1), lambda a: a.D4(p=1)),
    Operation(
        "Rotate",
        lambda i: i.Rotate((-30, 30), **BLACK),
        lambda a: a.Rotate((-30, 30), p=1),
        torchvision=lambda v: v.RandomRotation(30, v.InterpolationMode.BILINEAR),
    ),
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
        torchvision=lambda v: v.RandomAffine(
            15, (0.1, 0.1), (0.9, 1.1), (-5, 5, -5, 5), interpolation=v.InterpolationMode.BILINEAR
        ),
    ),
    Operation(
        "Scale",
        lambda i: i.Scale((0.8, 1.2), **BLACK),
        lambda a: a.Affine(scale=(0.8, 1.2), keep_ratio=True, p=1),
        torchvision=lambda v: v.RandomAffine(0, scale=(0.8, 1.2), interpolation=v.InterpolationMode.BILINEAR),
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
        torchvision=lambda v: v.RandomAffine(0, (0.1, 0.1), interpolation=v.InterpolationMode.BILINEAR),
    ),
    Operation(
        "Shear",
        lambda i: i.Shear((-10, 10), (-10, 10), **BLACK),
        lambda a: a.Affine(shear=(-10, 10), p=1),
        torchvision=lambda v: v.RandomAffine(0, shear=(-10, 10, -10, 10), interpolation=v.InterpolationMode.BILINEAR),
    ),
    Operation(
        "Perspective",
        lambda i: i.Perspective((0.05, 0.1), **BLACK),
        lambda a: a.Perspective(scale=(0.05, 0.1), p=1),
        torchvision=lambda v: v.RandomPerspective(0.15, 1.0),
    ),
    Operation(
        "RandomResizedCrop",
        lambda i: i.RandomResizedCrop(256, scale=(0.08, 1.0)),
        lambda a: a.RandomResizedCrop((256, 256), scale=(0.08, 1.0)),
        torchvision=lambda v: v.RandomResizedCrop(256, scale=(0.08, 1.0)),
    ),
    Operation(
        "Pad",
        lambda i: i.Pad(32, **BLACK),
        lambda a: a.Pad(32),
        torchvision=lambda v: v.Pad(32),
    ),
    Operation(
        "Pad, reflected",
        lambda i: i.Pad(32, border="reflect"),
        lambda a: a.Pad(32, border_mode=cv2.BORDER_REFLECT_101),
        torchvision=lambda v: v.Pad(32, padding_mode="reflect"),
    ),
    Operation(
        "ElasticTransform",
        lambda i: i.ElasticTransform(alpha=(100, 100), sigma=10, **BLACK),
        lambda a: a.ElasticTransform(alpha=100, sigma=10, p=1),
        at_least=5,
        torchvision=lambda v: v.ElasticTransform(350.0, 10.0),
    ),
    Operation(
        "GridDistortion",
        lambda i: i.GridDistortion(num_steps=5, distort_limit=(-0.3, 0.3), **BLACK),
        lambda a: a.GridDistortion(num_steps=5, distort_limit=(-0.3, 0.3), p=1),
    ),
    Operation(
        "GridElasticDeform",
        lambda i: i.GridElasticDeform((4, 4), (10 / 512, 10 / 512)),
        lambda a: a.GridElasticDeform(num_grid_xy=(4, 4), magnitude=10, p=1),
        at_least=5,
    ),
    Operation(
        "PiecewiseAffine",
        lambda i: i.PiecewiseAffine((0.03, 0.05), **BLACK),
        lambda a: a.PiecewiseAffine((0.03, 0.05), p=1),
        at_least=5,
    ),
    Operation(
        "ThinPlateSpline",
        lambda i: i.ThinPlateSpline((0.02, 0.06), **BLACK),
        lambda a: a.ThinPlateSpline((0.02, 0.06), p=1),
        at_least=5,
    ),
    Operation(
        "OpticalDistortion",
        lambda i: i.OpticalDistortion((-0.2, 0.2), **BLACK),
        lambda a: a.OpticalDistortion((-0.05, 0.05), p=1),
    ),
    Operation(
        "OpticalDistortion, fisheye",
        lambda i: i.OpticalDistortion((-0.2, 0.2), "fisheye", **BLACK),
        lambda a: a.OpticalDistortion((-0.05, 0.05), mode="fisheye", p=1),
    ),
    Operation("SafeRotate", lambda i: i.SafeRotate((-30, 30), keep_size=True), lambda a: a.SafeRotate((-30, 30), p=1)),
    Operation(
        "ShiftScaleRotate",
        lambda i: i.ShiftScaleRotate(rotate=(-45, 45), **BLACK),
        lambda a: a.ShiftScaleRotate(p=1),
    ),
    Operation(
        "CropAndPad", lambda i: i.CropAndPad((-0.1, 0.1), **BLACK), lambda a: a.CropAndPad(percent=(-0.1, 0.1), p=1)
    ),
    Operation("RandomScale", lambda i: i.RandomScale((0.9, 1.1)), lambda a: a.RandomScale((-0.1, 0.1), p=1)),
    Operation("RandomCropFromBorders", lambda i: i.RandomCropFromBorders(), lambda a: a.RandomCropFromBorders(p=1)),
    Operation(
        "LetterBox",
        lambda i: i.LetterBox((384, 512)),
        lambda a: a.Compose([a.LongestMaxSize(384), a.PadIfNeeded(384, 512)]),
    ),
)
