"""Tone, tints and stains, in covary and in the others."""

from __future__ import annotations

from benchmarks.operation import Operation

OPERATIONS = (
    Operation(
        "HueSaturationValue",
        lambda i: i.HueSaturationValue((-1 / 9, 1 / 9), (-30 / 255, 30 / 255), (-20 / 255, 20 / 255)),
        lambda a: a.HueSaturationValue(20, 30, 20, p=1),
    ),
    Operation("RandomToneCurve", lambda i: i.RandomToneCurve(0.1), lambda a: a.RandomToneCurve(0.1, p=1)),
    Operation(
        "RandomToneCurve, per channel",
        lambda i: i.RandomToneCurve(0.1, per_channel=True),
        lambda a: a.RandomToneCurve(0.1, per_channel=True, p=1),
    ),
    Operation("CLAHE", lambda i: i.CLAHE((1, 4)), lambda a: a.CLAHE((1, 4), (8, 8), p=1)),
    Operation(
        "Equalize",
        lambda i: i.Equalize(p=1),
        lambda a: a.Equalize(p=1),
        torchvision=lambda v: v.RandomEqualize(1.0),
    ),
    Operation(
        "AutoContrast",
        lambda i: i.AutoContrast(p=1),
        lambda a: a.AutoContrast(p=1),
        torchvision=lambda v: v.RandomAutocontrast(1.0),
    ),
    Operation(
        "AutoContrast, cut off",
        lambda i: i.AutoContrast(0.05, p=1),
        lambda a: a.AutoContrast(5, p=1),
    ),
    Operation(
        "PlanckianJitter",
        lambda i: i.PlanckianJitter((3000, 15000)),
        lambda a: a.PlanckianJitter("blackbody", (3000, 15000), p=1),
    ),
    Operation("FancyPCA", lambda i: i.FancyPCA(0.1), lambda a: a.FancyPCA(0.1, p=1), at_least=5),
    Operation("Sepia", lambda i: i.Sepia(p=1), lambda a: a.ToSepia(p=1)),
    Operation(
        "HEStain",
        lambda i: i.HEStain((0.7, 1.3), (-0.2, 0.2)),
        lambda a: a.HEStain("random_preset", None, (0.7, 1.3), (-0.2, 0.2), p=1),
    ),
    Operation(
        "PhotoMetricDistort",
        lambda i: i.PhotoMetricDistort(pivot="mean"),
        torchvision=lambda v: v.RandomPhotometricDistort(),
    ),
)
