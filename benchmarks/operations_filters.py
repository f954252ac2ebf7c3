"""Blurs, sharpening and their kin, in covary and in Albumentations."""

from __future__ import annotations

from math import pi

from benchmarks.operation import Operation

OPERATIONS = (
    Operation("Blur", lambda i: i.Blur((1, 3)), lambda a: a.Blur((3, 7), p=1)),
    Operation("MedianBlur, 3 pixels", lambda i: i.MedianBlur(1), lambda a: a.MedianBlur((3, 3), p=1)),
    Operation("MedianBlur, 7 pixels", lambda i: i.MedianBlur(3), lambda a: a.MedianBlur((7, 7), p=1)),
    Operation("MotionBlur", lambda i: i.MotionBlur((3, 7)), lambda a: a.MotionBlur((3, 7), p=1)),
    Operation("MotionBlur, 31 pixels", lambda i: i.MotionBlur(31), lambda a: a.MotionBlur((31, 31), p=1)),
    Operation(
        "Defocus",
        lambda i: i.Defocus((3, 10), (0.1, 0.5)),
        lambda a: a.Defocus(radius=(3, 10), alias_blur=(0.1, 0.5), p=1),
        at_least=5,
    ),
    Operation("ZoomBlur", lambda i: i.ZoomBlur((1.1, 1.31)), lambda a: a.ZoomBlur((1.1, 1.31), p=1)),
    Operation(
        "GlassBlur",
        lambda i: i.GlassBlur(0.7, 4, 2),
        lambda a: a.GlassBlur(sigma=0.7, max_delta=4, iterations=2, p=1),
        at_least=5,
    ),
    Operation("AdvancedBlur", lambda i: i.AdvancedBlur(), lambda a: a.AdvancedBlur(blur_limit=(7, 7), p=1)),
    Operation(
        "UnsharpMask",
        lambda i: i.UnsharpMask((0.8, 1.4), (0.2, 0.5), 10 / 255),
        lambda a: a.UnsharpMask(blur_limit=(3, 7), alpha=(0.2, 0.5), threshold=10, p=1),
    ),
    Operation(
        "Sharpness",
        lambda i: i.Sharpness((0, 2)),
        lambda a: a.Sharpen(alpha=(0.2, 0.5), p=1),
        torchvision=lambda v: v.RandomAdjustSharpness(1.5, 1.0),
    ),
    Operation("Emboss", lambda i: i.Emboss((0.2, 0.5), (0.2, 0.7)), lambda a: a.Emboss((0.2, 0.5), (0.2, 0.7), p=1)),
    Operation(
        "RingingOvershoot",
        lambda i: i.RingingOvershoot((pi / 4, pi / 2), size=11),
        lambda a: a.RingingOvershoot(blur_limit=(11, 11), cutoff=(pi / 4, pi / 2), p=1),
    ),
    Operation("Morphological", lambda i: i.Morphological(radius=1), lambda a: a.Morphological(scale=(3, 3), p=1)),
    Operation("ChromaticAberration", lambda i: i.ChromaticAberration(0.01, 0.01), lambda a: a.ChromaticAberration(p=1)),
)
