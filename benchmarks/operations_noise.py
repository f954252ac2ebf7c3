"""Noise and quality, in covary and in Albumentations."""

from __future__ import annotations

from benchmarks.operation import Operation

NORMAL = {"mean_range": (0, 0), "std_range": (0.05, 0.05)}
LAPLACE = {"mean_range": (0, 0), "scale_range": (0.05, 0.05)}
EVEN = {"ranges": [(-0.1, 0.1)]}


OPERATIONS = (
    Operation("ShotNoise", lambda i: i.ShotNoise(0.1), lambda a: a.ShotNoise((0.1, 0.1), p=1), at_least=5),
    Operation("ISONoise", lambda i: i.ISONoise(0.05, 0.05), lambda a: a.ISONoise(p=1), at_least=5),
    Operation(
        "MultiplicativeNoise",
        lambda i: i.MultiplicativeNoise(),
        lambda a: a.MultiplicativeNoise(p=1),
    ),
    Operation(
        "MultiplicativeNoise, each value",
        lambda i: i.MultiplicativeNoise(elementwise=True, per_channel=True),
        lambda a: a.MultiplicativeNoise(elementwise=True, per_channel=True, p=1),
    ),
    Operation(
        "AdditiveNoise, one a channel",
        lambda i: i.AdditiveNoise(elementwise=False),
        lambda a: a.AdditiveNoise(p=1),
    ),
    Operation(
        "AdditiveNoise, uniform",
        lambda i: i.AdditiveNoise("uniform", 0.06),
        lambda a: a.AdditiveNoise("uniform", "per_pixel", EVEN, p=1),
    ),
    Operation(
        "AdditiveNoise, gaussian",
        lambda i: i.AdditiveNoise("gaussian", 0.05),
        lambda a: a.AdditiveNoise("gaussian", "per_pixel", NORMAL, p=1),
    ),
    Operation(
        "AdditiveNoise, laplace",
        lambda i: i.AdditiveNoise("laplace", 0.05),
        lambda a: a.AdditiveNoise("laplace", "per_pixel", LAPLACE, p=1),
    ),
    Operation("PixelDropout", lambda i: i.PixelDropout(0.01), lambda a: a.PixelDropout(0.01, p=1)),
    Operation(
        "PixelDropout, per channel",
        lambda i: i.PixelDropout(0.01, per_channel=True),
        lambda a: a.PixelDropout(0.01, per_channel=True, p=1),
    ),
    Operation(
        "JPEG",
        lambda i: i.ImageCompression("jpeg", 50.0),
        lambda a: a.ImageCompression("jpeg", (50, 50), p=1),
        torchvision=lambda v: v.JPEG(50),
    ),
    Operation("WebP", lambda i: i.ImageCompression("webp", 50.0), lambda a: a.ImageCompression("webp", (50, 50), p=1)),
    Operation(
        "Downscale, nearest",
        lambda i: i.Downscale((0.25, 0.25), "nearest", "nearest"),
        lambda a: a.Downscale((0.25, 0.25), p=1),
    ),
    Operation(
        "Downscale, area and linear",
        lambda i: i.Downscale((0.5, 0.5)),
        lambda a: a.Downscale((0.5, 0.5), interpolation_pair={"downscale": 3, "upscale": 1}, p=1),
    ),
    Operation(
        "Superpixels",
        lambda i: i.Superpixels(0.1),
        lambda a: a.Superpixels((0.1, 0.1), (100, 100), p=1),
        at_least=5,
    ),
)
