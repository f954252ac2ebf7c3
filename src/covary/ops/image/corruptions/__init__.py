"""Corruptions: what goes wrong with pictures in the field, at five severities, for testing how robust a model is.

The 15 of ImageNet-C and its 4 extra ones, with the published constants of their severities. For testing, never for
training: a model that was trained on them, or on near relations, is no longer tested by them.

    from covary.image.corruptions import CORRUPTIONS, corrupt
    worse = [corrupt(picture, name, 3, key=path) for name in CORRUPTIONS]

Lengths (radii, reaches) are those of pictures of 224 px on their shorter side, and scale with it. All of them are made
here from their formulas; the noise is counter-based, a function of seed, key and name alone, and the same at all
severities. Two differ from the published ones by more than the noise: frost is made, as no picture files are shipped
(ridges of ice over a fractal film, denser at the rim; published: photographs of frost), and the fog's fractal has
65 x 65 points. What `covary.prove` tests models on is made in another way, see `covary.prove.corruptions`.

Hendrycks and Dietterich, "Benchmarking neural network robustness to common corruptions and perturbations", ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.draws.keys import Key, key_numbers, slot_numbers
from covary.draws.rows import checked_seed, draw_rows
from covary.ops.image.corruptions.blurs import defocus_blur, gaussian_blur, glass_blur, motion_blur, zoom_blur
from covary.ops.image.corruptions.digital import (
    brightness,
    contrast,
    elastic_transform,
    jpeg_compression,
    pixelate,
    saturate,
)
from covary.ops.image.corruptions.noises import gaussian_noise, impulse_noise, shot_noise, speckle_noise
from covary.ops.image.corruptions.picture import Chance, Picture, finished, prepared
from covary.ops.image.corruptions.weather import fog, frost, snow, spatter
from covary.pictures import as_picture

__all__ = ["CORRUPTIONS", "EXTRA", "SEVERITIES", "corrupt", "corrupted"]

SEVERITIES = (1, 2, 3, 4, 5)

_FUNCTIONS: Mapping[str, Callable[[Picture, int, Chance], Picture]] = {
    "gaussian_noise": gaussian_noise,
    "shot_noise": shot_noise,
    "impulse_noise": impulse_noise,
    "defocus_blur": defocus_blur,
    "glass_blur": glass_blur,
    "motion_blur": motion_blur,
    "zoom_blur": zoom_blur,
    "snow": snow,
    "frost": frost,
    "fog": fog,
    "brightness": brightness,
    "contrast": contrast,
    "elastic_transform": elastic_transform,
    "pixelate": pixelate,
    "jpeg_compression": jpeg_compression,
    "speckle_noise": speckle_noise,
    "gaussian_blur": gaussian_blur,
    "spatter": spatter,
    "saturate": saturate,
}
# The 15 of the benchmark's mean, and the 4 that it keeps for choosing settings.
CORRUPTIONS: tuple[str, ...] = tuple(_FUNCTIONS)[:15]
EXTRA: tuple[str, ...] = tuple(_FUNCTIONS)[15:]

_SLOTS = slot_numbers([(name, part) for name in _FUNCTIONS for part in ("first", "second")])


def corrupt(image: NDArray[Any], name: str, severity: int = 3, *, key: Key = 0, seed: int = 0) -> NDArray[Any]:
    """A picture with something gone wrong.

    Args:
        image: (height, width) or (height, width, channels), uint8, uint16 or float32 (0 to 1), any number of channels.
        name: one of `CORRUPTIONS` (the 15 of ImageNet-C) or `EXTRA` (its 4 others).
        severity: 1 to 5.
        key: the picture's identity, as of a pipeline: an integer or a string. Another key, another noise.
        seed: of all noise, in [0, 2**64).

    Returns:
        A new picture of the same shape and dtype.

    Raises:
        ValueError, TypeError: an argument is none of those allowed; "saturate" for pictures with neither one nor three
            channels.
    """
    if name not in _FUNCTIONS:
        raise ValueError(f"corrupt: name is {name!r}; allowed: {', '.join(_FUNCTIONS)}")
    if isinstance(severity, bool) or severity not in SEVERITIES:
        raise ValueError(f"corrupt: severity is {severity!r}; allowed: 1, 2, 3, 4, 5")
    number = checked_seed(seed, "corrupt")
    picture = as_picture(image, "image")
    place = 2 * tuple(_FUNCTIONS).index(name)
    rows = draw_rows(number, np.zeros(1, np.uint32), key_numbers((key,)), _SLOTS[place : place + 2])
    chance = Chance(rows.uniforms[0], rows.streams[0])
    made = _FUNCTIONS[name](prepared(picture), severity - 1, chance)
    return finished(made, picture).reshape(image.shape)


def corrupted(
    images: Iterable[NDArray[Any]], name: str, severity: int = 3, *, keys: Iterable[Key] | None = None, seed: int = 0
) -> Iterator[NDArray[Any]]:
    """Pictures of a data set, one after the other, each with something gone wrong; see `corrupt`.

    Args:
        images: pictures; sizes and dtypes may differ.
        name, severity, seed: as in `corrupt`.
        keys: identities of the pictures. Default: 0, 1, 2 ...
    """
    if keys is None:
        for index, image in enumerate(images):
            yield corrupt(image, name, severity, key=index, seed=seed)
    else:
        for image, key in zip(images, keys, strict=True):
            yield corrupt(image, name, severity, key=key, seed=seed)
