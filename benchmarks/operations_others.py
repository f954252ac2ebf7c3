"""Filters, noise, parts painted over and forms of the output, in covary and in Albumentations."""

from __future__ import annotations

from typing import Any

from benchmarks.operation import Operation


def _float32() -> Any:
    import torch

    return torch.float32


OPERATIONS = (
    Operation(
        "GaussianBlur",
        lambda i: i.GaussianBlur((0.5, 3.0)),
        lambda a: a.GaussianBlur(sigma_limit=(0.5, 3.0), p=1),
        torchvision=lambda v: v.GaussianBlur(19, (0.5, 3.0)),
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
        at_least=5,
        torchvision=lambda v: v.GaussianNoise(sigma=0.06),
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
        torchvision=lambda v: v.RandomErasing(1.0, scale=(0.02, 0.33)),
    ),
    Operation(
        "GridDropout",
        lambda i: i.GridDropout(0.5, (4, 8)),
        lambda a: a.GridDropout(ratio=0.5, unit_size_range=(64, 128), p=1),
    ),
    Operation(
        "XYMasking",
        lambda i: i.XYMasking(2, 2, (0, 0.1), (0, 0.1)),
        lambda a: a.XYMasking(num_masks_x=2, num_masks_y=2, mask_x_length=(0, 51), mask_y_length=(0, 51), p=1),
    ),
    Operation(
        "MaskDropout",
        lambda i: i.MaskDropout(3),
        lambda a: a.MaskDropout((3, 3), p=1),
        labels="mask",
    ),
    Operation(
        "ConstrainedCoarseDropout, boxes",
        lambda i: i.ConstrainedCoarseDropout(2, (0.1, 0.3), (0.1, 0.3)),
        lambda a: a.ConstrainedCoarseDropout((2, 2), (0.1, 0.3), (0.1, 0.3), bbox_labels=list(range(8)), p=1),
        labels="boxes",
    ),
    Operation(
        "ConstrainedCoarseDropout, mask",
        lambda i: i.ConstrainedCoarseDropout(2, (0.1, 0.3), (0.1, 0.3), "mask"),
        lambda a: a.ConstrainedCoarseDropout((2, 2), (0.1, 0.3), (0.1, 0.3), mask_indices=[1], p=1),
        labels="mask",
    ),
    Operation(
        "Normalize",
        lambda i: i.Normalize("imagenet"),
        lambda a: a.Normalize(),
        planar=True,
        torchvision=lambda v: v.Compose(
            [v.ToDtype(_float32(), scale=True), v.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]
        ),
    ),
    Operation(
        "ToTensor",
        lambda i: i.ToTensor(),
        lambda a: a.ToFloat(255),
        planar=True,
        torchvision=lambda v: v.ToDtype(_float32(), scale=True),
    ),
)
