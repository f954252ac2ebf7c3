"""Colour and tone, in covary and in Albumentations."""

from __future__ import annotations

from benchmarks.operation import OFF, Operation

OPERATIONS = (
    Operation(
        "Brightness",
        lambda i: i.Brightness(0.2),
        lambda a: a.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=OFF, p=1),
        torchvision=lambda v: v.ColorJitter(brightness=0.2),
    ),
    Operation(
        "Contrast",
        lambda i: i.Contrast(0.2),
        lambda a: a.RandomBrightnessContrast(brightness_limit=OFF, contrast_limit=0.2, p=1),
        torchvision=lambda v: v.ColorJitter(contrast=0.2),
    ),
    Operation(
        "Saturation",
        lambda i: i.Saturation(0.2),
        lambda a: a.ColorJitter(brightness=(1, 1), contrast=(1, 1), saturation=(0.8, 1.2), hue=OFF, p=1),
        torchvision=lambda v: v.ColorJitter(saturation=0.2),
    ),
    Operation(
        "Hue",
        lambda i: i.Hue(0.05),
        lambda a: a.HueSaturationValue(hue_shift_limit=9, sat_shift_limit=OFF, val_shift_limit=OFF, p=1),
        torchvision=lambda v: v.ColorJitter(hue=0.05),
    ),
    Operation(
        "ColorJitter",
        lambda i: i.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05),
        lambda a: a.ColorJitter(brightness=(0.8, 1.2), contrast=(0.8, 1.2), saturation=(0.8, 1.2), hue=0.05, p=1),
        torchvision=lambda v: v.ColorJitter(0.2, 0.2, 0.2, 0.05),
    ),
    Operation(
        "RGBShift",
        lambda i: i.RGBShift((-20 / 255, 20 / 255), (-20 / 255, 20 / 255), (-20 / 255, 20 / 255)),
        lambda a: a.RGBShift((-20, 20), (-20, 20), (-20, 20), p=1),
    ),
    Operation(
        "ChannelShuffle",
        lambda i: i.ChannelShuffle(p=1),
        lambda a: a.ChannelShuffle(p=1),
        torchvision=lambda v: v.RandomChannelPermutation(),
    ),
    Operation("ChannelDropout", lambda i: i.ChannelDropout(p=1), lambda a: a.ChannelDropout(p=1)),
    Operation(
        "Grayscale",
        lambda i: i.Grayscale(p=1),
        lambda a: a.ToGray(p=1),
        torchvision=lambda v: v.Grayscale(3),
    ),
    Operation("Gamma", lambda i: i.Gamma((0.8, 1.2)), lambda a: a.RandomGamma((80, 120), p=1)),
    Operation(
        "Posterize",
        lambda i: i.Posterize(4, p=1),
        lambda a: a.Posterize(4, p=1),
        torchvision=lambda v: v.RandomPosterize(4, 1.0),
    ),
    Operation(
        "Solarize",
        lambda i: i.Solarize(0.5, p=1),
        lambda a: a.Solarize((0.5, 0.5), p=1),
        torchvision=lambda v: v.RandomSolarize(128, 1.0),
    ),
    Operation(
        "Invert",
        lambda i: i.Invert(p=1),
        lambda a: a.InvertImg(p=1),
        torchvision=lambda v: v.RandomInvert(1.0),
    ),
)
