"""Published policies, in covary and in torchvision."""

from __future__ import annotations

from benchmarks.operation import Operation

OPERATIONS = (
    Operation(
        "RandAugment",
        lambda i: i.RandAugment(2, 9),
        torchvision=lambda v: v.RandAugment(2, 9, interpolation=v.InterpolationMode.BILINEAR),
    ),
    Operation(
        "TrivialAugmentWide",
        lambda i: i.TrivialAugmentWide(),
        torchvision=lambda v: v.TrivialAugmentWide(interpolation=v.InterpolationMode.BILINEAR),
    ),
    Operation(
        "AutoAugment",
        lambda i: i.AutoAugment(),
        torchvision=lambda v: v.AutoAugment(interpolation=v.InterpolationMode.BILINEAR),
    ),
    Operation("AugMix", lambda i: i.AugMix(), torchvision=lambda v: v.AugMix(all_ops=False)),
)
