"""Light and digits: brightness, contrast, saturation, elastic displacement, coarse pixels and JPEG."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.ops.image.corruptions.picture import Chance, Picture, by_plane, smoothed

_BRIGHTNESS = (0.1, 0.2, 0.3, 0.4, 0.5)
_CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)
# Factor and offset of the saturation: first paler, then more and more vivid.
_SATURATE = ((0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2))
_PIXELATE = (0.6, 0.5, 0.4, 0.3, 0.25)
_JPEG = (25, 18, 15, 10, 7)
# Of the longer side, which is 244 in the published code: strength and smoothness of the displacement, and how far the
# three points of an affine map move. First the affine map, then more and more of the fine displacement.
_ELASTIC = ((2.0, 0.7, 0.1), (2.0, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02), (0.12, 0.01, 0.02))


def brightness(picture: Picture, severity: int, chance: Chance) -> Picture:
    """The value of HSV is raised: all channels of a pixel by one factor; black becomes grey."""
    value = picture.max(axis=2, keepdims=True)
    raised = np.minimum(value + np.float32(_BRIGHTNESS[severity]), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(value > 0, picture * (raised / value), raised), dtype=np.float32)


def contrast(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Values are drawn towards the mean of their channel."""
    mean = picture.mean(axis=(0, 1), keepdims=True, dtype=np.float64).astype(np.float32)
    flat: Picture = (picture - mean) * np.float32(_CONTRAST[severity]) + mean
    return flat


def saturate(picture: Picture, severity: int, chance: Chance) -> Picture:
    """The saturation of HSV, scaled and shifted; its hue and value stay. Greys have the hue of red."""
    channels = picture.shape[2]
    if channels == 1:
        return picture
    if channels != 3:
        raise ValueError(f"saturate: the picture has {channels} channels; it needs one or three")
    factor, offset = _SATURATE[severity]
    value, darkest = picture.max(axis=2, keepdims=True), picture.min(axis=2, keepdims=True)
    span = value - darkest
    with np.errstate(divide="ignore", invalid="ignore"):
        saturation = np.where(value > 0, span / value, 0)
        # Of each channel, how far it is from the value: 0 to 1.
        depth = np.where(span > 0, (value - picture) / span, np.array([0, 1, 1], dtype=np.float32))
    made = value * (1 - depth * np.clip(saturation * np.float32(factor) + np.float32(offset), 0, 1))
    return np.asarray(made, dtype=np.float32)


def pixelate(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Shrunk by means of areas and enlarged by repetition."""
    import cv2

    height, width = picture.shape[:2]
    share = _PIXELATE[severity]
    small = (max(1, int(width * share)), max(1, int(height * share)))

    def one(part: NDArray[Any]) -> Any:
        shrunk = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
        return cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_NEAREST)

    return by_plane(one, picture)


def jpeg_compression(picture: Picture, severity: int, chance: Chance) -> Picture:
    """Through a JPEG of 8 bits; channels in threes, what is left over one by one."""
    import simplejpeg

    levels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    channels = picture.shape[2]
    starts = list(range(0, channels - channels % 3, 3))
    parts = [(levels[:, :, i : i + 3], "RGB") for i in starts]
    parts += [(levels[:, :, i : i + 1], "GRAY") for i in range(channels - channels % 3, channels)]
    decoded = []
    for part, space in parts:
        data = simplejpeg.encode_jpeg(
            np.ascontiguousarray(part),
            quality=_JPEG[severity],
            colorspace=space,
            colorsubsampling="Gray" if space == "GRAY" else "420",
        )
        decoded.append(simplejpeg.decode_jpeg(data, colorspace=space))
    return np.concatenate(decoded, axis=2).astype(np.float32) * np.float32(1 / 255)


def elastic_transform(picture: Picture, severity: int, chance: Chance) -> Picture:
    """An affine map by three points, and a smooth displacement."""
    import cv2

    strength, smoothness, reach = _ELASTIC[severity]
    height, width = picture.shape[:2]
    side = 244 / 224 * min(height, width)
    # Three points about the centre, moved by uniform steps.
    third = min(height, width) // 3
    centre = np.array([width // 2, height // 2], dtype=np.float32)
    points = centre + np.array([[third, third], [third, -third], [-third, -third]], dtype=np.float32)
    steps = _uniform(chance, (3, 2), 1) * np.float32(reach * side)
    matrix = cv2.getAffineTransform(points, points + steps) if third else np.eye(2, 3)

    shifts = _displacement(height, width, smoothness * side, chance) * np.float32(strength * side)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    border = cv2.BORDER_REFLECT_101 if min(height, width) > 1 else cv2.BORDER_REPLICATE

    def one(part: NDArray[Any]) -> Any:
        turned = cv2.warpAffine(part, matrix, (width, height), borderMode=border)
        return cv2.remap(turned, columns + shifts[..., 0], rows + shifts[..., 1], cv2.INTER_LINEAR, borderMode=border)

    return by_plane(one, picture)


def _displacement(height: int, width: int, sigma: float, chance: Chance) -> NDArray[np.float32]:
    """(H, W, 2) noise with the deviation of uniform numbers between -1 and 1, smoothed; coarse where it is smooth."""
    import cv2

    step = max(1, int(sigma / 4))
    points = (-(-height // step) + 1, -(-width // step) + 1, 2)
    # The sum of a cell's numbers deviates by its side, their mean by one over it.
    noise = chance.normals(points) * np.float32(1 / (np.sqrt(3) * step))
    field = smoothed(noise, sigma / step)
    return np.asarray(cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _uniform(chance: Chance, shape: tuple[int, ...], stream: int) -> NDArray[np.float32]:
    """A few numbers between -1 and 1."""
    from covary.draws.streams import stream_uniforms

    numbers = stream_uniforms(chance.streams[stream : stream + 1], int(np.prod(shape)))
    return (2 * numbers.reshape(shape) - 1).astype(np.float32)
