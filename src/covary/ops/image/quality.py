"""What storing and showing costs: compression, few pixels, few levels."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.distributions import Integers, Range, Uniform
from covary.ops.amounts import Amount
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.view import WHITE, View
from covary.plan.changes import Change, Image, Interpolation, Pixels, Warp, into
from covary.plan.fusion import reduction_levels
from covary.plan.stages import Stage
from covary.render import find_renderer


@operation
class ImageCompression(Amount):
    """Compress and decompress: blocks, ringing and washed-out colour.

    Any (H, W, C) image. From three channels on, the first three are compressed as colour, all others one by one; uint16
    and float32 are brought to 8 bits first, which is part of the loss.

    Args:
        format: "jpeg" or "webp". Default "jpeg".
        quality: 1 to 100, as the codecs mean it (libjpeg-turbo's and libwebp's scales). Default 40 to 95;
            Albumentations' 99 to 100 is not to be seen. Identity: 100, which leaves the picture as it is.

    JPEG halves the colour's resolution (4:2:0) below a quality of 90.

    Helps: pictures from the web, from messengers, from cameras with small cards.
    Hurts: where fine texture decides, below a quality of 20.
    """

    format: str = "jpeg"
    quality: Range = ranged(default=Uniform(40, 95, identity=100), low=1, high=100)

    def check(self) -> None:
        self.one_of("format", ("jpeg", "webp"))

    def describe(self, draw: Draw, view: View) -> Change:
        qualities = np.rint(draw("quality")).astype(int).tolist()
        parameters = tuple({"format": self.format, "quality": quality} for quality in qualities)
        return Pixels(compressed, parameters)


@into
def compressed(image: Image, format: str, quality: int, out: Image | None = None) -> Image:
    """The picture after a round trip through a codec."""
    room = np.empty_like(image) if out is None else out
    if quality >= 100 or image.size == 0:
        room[...] = image
        return room
    round_trip = _jpeg if format == "jpeg" else _webp
    pixels = image if image.dtype == np.uint8 else _to_bytes(image)
    shown = room if image.dtype == np.uint8 else np.empty_like(pixels)
    if image.shape[2] in (1, 3):
        round_trip(np.ascontiguousarray(pixels), shown, quality)
    else:
        for channels in _coded_together(image.shape[2]):
            some = np.ascontiguousarray(pixels[:, :, channels])
            part = np.empty_like(some)
            round_trip(some, part, quality)
            shown[:, :, channels] = part
    if image.dtype == np.uint16:
        np.multiply(shown, np.uint16(257), out=room, dtype=np.uint16)
    elif image.dtype != np.uint8:
        room[...] = shown.astype(np.float64) * (WHITE[image.dtype.name] / 255)
    return room


def _coded_together(channels: int) -> list[slice]:
    """The colours, where there are such, and one by one what comes with them: opacity, depth, infrared."""
    colours = [slice(0, 3)] if channels >= 3 else []
    return colours + [slice(channel, channel + 1) for channel in range(3 * len(colours), channels)]


def _to_bytes(image: Image) -> Image:
    """The nearest of 256 levels."""
    if image.dtype == np.uint16:
        import cv2

        # 257 is odd: no value lies halfway between two levels.
        return np.asarray(cv2.convertScaleAbs(image, alpha=1 / 257)).reshape(image.shape)
    levels: Image = np.rint(np.clip(np.nan_to_num(image), 0, 1) * 255).astype(np.uint8)
    return levels


def _jpeg(pixels: Image, room: Image, quality: int) -> None:
    import simplejpeg

    # The exact transform, and chroma made smooth, as viewers and training code decode.
    options = {"quality": quality, "fastdct": False}
    if pixels.shape[2] == 1:
        data = simplejpeg.encode_jpeg(pixels, colorspace="GRAY", colorsubsampling="Gray", **options)
        simplejpeg.decode_jpeg(data, "GRAY", fastdct=False, buffer=room)
        return
    data = simplejpeg.encode_jpeg(pixels, colorsubsampling="444" if quality >= 90 else "420", **options)
    simplejpeg.decode_jpeg(data, fastdct=False, fastupsample=False, buffer=room)


def _webp(pixels: Image, room: Image, quality: int) -> None:
    import cv2

    # The codec knows no grey, and takes blue first.
    given = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR if pixels.shape[2] == 1 else cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".webp", given, [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise ValueError(f"webp: a picture of {pixels.shape[1]} x {pixels.shape[0]} pixels could not be encoded")
    shown = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    if pixels.shape[2] == 1:
        room[...] = shown[:, :, 1:2]
    else:
        cv2.cvtColor(shown, cv2.COLOR_BGR2RGB, dst=room)


@operation
class Downscale(Operation):
    """Make the picture smaller and large again; its size and its labels stay.

    Any (H, W, C) image.

    Args:
        scale: of both sides in between, 0.01 to 1. Default 0.25 to 0.75 (Albumentations: 0.25). Identity: 1.
        down: how values are found on the way down: "nearest" (as Albumentations does it), "linear" (that skips pixels
            below a half), "area" (means), or "cubic" (without means). Default "area".
        up: the same on the way up: "nearest", "linear" or "cubic". Default "linear".

    Helps: distant objects, thumbnails, cheap cameras, digital zoom.
    Hurts: small objects; fine texture.
    """

    scale: Range = ranged(default=Uniform(0.25, 0.75, identity=1), low=0.01, high=1)
    down: str = "area"
    up: str = "linear"

    def check(self) -> None:
        self.one_of("down", ("nearest", "linear", "area", "cubic"))
        self.one_of("up", ("nearest", "linear", "cubic"))

    def describe(self, draw: Draw, view: View) -> Change:
        sides = np.maximum(np.rint(view.size * draw("scale")[:, None]), 1).astype(int).tolist()
        parameters = tuple({"size": tuple(size), "down": self.down, "up": self.up} for size in sides)
        return Pixels(downscaled, parameters)


@into
def downscaled(image: Image, size: tuple[int, int], down: str, up: Interpolation, out: Image | None = None) -> Image:
    """The picture after resizing to `size` (height, width) and back."""
    room = np.empty_like(image) if out is None else out
    if size == image.shape[:2] or image.size == 0:
        room[...] = image
        return room
    if down == up == "nearest":
        places = [_nearest(side, own) for side, own in zip(image.shape, size, strict=False)]
        if kernels.native is None:
            room[...] = image[places[0]][:, places[1]]
        else:
            kernels.native.repeat_places(image.copy() if room is image else image, *places, room)
        return room
    stages = [_resize(image.shape[:2], size, down), _resize(size, image.shape[:2], up)]
    return find_renderer()(stages, [image], outputs=[room])[0]


def _nearest(side: int, own: int) -> NDArray[np.int32]:
    """(side,) where each pixel's value stands that comes back from a picture of `own` pixels."""
    kept = ((np.arange(own) + 0.5) * (side / own)).astype(np.int32)
    found: NDArray[np.int32] = kept[((np.arange(side) + 0.5) * (own / side)).astype(np.int32)]
    return found


@lru_cache(maxsize=1024)
def _resize(before: tuple[int, ...], after: tuple[int, ...], how: str) -> Stage:
    matrix = np.diag([before[1] / after[1], before[0] / after[0], 1.0])[None]
    size = np.array([after], dtype=np.int64)
    interpolation: Any = "linear" if how == "area" else how
    levels = reduction_levels([matrix], size) if how == "area" else None
    return Stage(size=size, coordinates=(Warp(matrix, size),), interpolation=interpolation, levels=levels)


@operation
class Dithering(Amount):
    """Leave only a few levels and scatter what is lost.

    Any (H, W, C) image, each channel by itself.

    Args:
        bits: of each channel that stay, 1 to 8: a whole number or an inclusive range (low, high). Levels are spread
            evenly from black to white. Default 1 to 4. Identity: 8, which leaves pictures of any dtype as they are.
        method: "floyd-steinberg" (errors go to the neighbours) or "bayer" (a fixed pattern of 8 x 8 thresholds).
            Default "floyd-steinberg".

    Floyd and Steinberg, "An adaptive algorithm for spatial grey scale", 1976. Bayer, "An optimum method for two-level
    rendition of continuous-tone pictures", 1973.

    Helps: printed pictures, old screens, GIFs, e-paper.
    Hurts: fine texture.
    """

    bits: Range = ranged(default=Integers(1, 4, identity=8), low=1, high=8)
    method: str = "floyd-steinberg"

    def check(self) -> None:
        self.one_of("method", ("floyd-steinberg", "bayer"))

    def describe(self, draw: Draw, view: View) -> Change:
        function = diffused if self.method == "floyd-steinberg" else ordered
        bits = np.rint(draw("bits")).astype(int).tolist()
        return Pixels(function, tuple({"levels": 2**own if own < 8 else 0} for own in bits))


def diffused(image: Image, levels: int) -> Image:
    """The picture in so many levels (0: as it is), errors diffused by Floyd and Steinberg; works in place."""
    if not levels or image.size == 0:
        return image
    if kernels.native is not None:
        kernels.native.diffuse_errors(image, levels)
        return image
    return diffused_by_fronts(image, levels)


def diffused_by_fronts(image: Image, levels: int) -> Image:
    """The same bytes without the kernel: pixels with equal x + 2 y do not depend on each other and are done at once."""
    height, width, channels = image.shape
    last = np.float32(levels - 1)
    step = np.float32(WHITE[image.dtype.name]) / last
    errors = np.zeros((height + 1, width + 2, channels), np.float32)
    for front in range(width + 2 * height - 2):
        y = np.arange(max(0, -((width - 1 - front) // 2)), min(height - 1, front // 2) + 1)
        x = front - 2 * y
        wanted = image[y, x].astype(np.float32) + errors[y, x + 1]
        made = np.rint(np.clip(np.nan_to_num(wanted / step), 0, last)) * step
        if image.dtype.kind == "u":
            made = np.rint(made)
        image[y, x] = made
        error = wanted - made
        # Below first: the same knot gets its share from the left afterwards, as row by row.
        errors[y + 1, x] += error * np.float32(0.1875)
        errors[y + 1, x + 1] += error * np.float32(0.3125)
        errors[y + 1, x + 2] += error * np.float32(0.0625)
        errors[y, x + 2] += error * np.float32(0.4375)
    return image


def ordered(image: Image, levels: int) -> Image:
    """The picture in so many levels (0: as it is), rounded up or down by Bayer's matrix."""
    if not levels or image.size == 0:
        return image
    height, width, _ = image.shape
    white, last = WHITE[image.dtype.name], np.float32(levels - 1)
    tiles = (math.ceil(height / 8), math.ceil(width / 8))
    threshold = np.tile(bayer_matrix(3), tiles)[:height, :width, None].astype(np.float32)
    place = np.clip(image.astype(np.float32) / np.float32(white), 0, 1) * last
    level = np.minimum(np.floor(place + threshold), last)
    made = level * (np.float32(white) / last)
    finished: Image = (np.rint(made) if image.dtype.kind == "u" else made).astype(image.dtype)
    return finished


def bayer_matrix(order: int) -> Image:
    """(2**order, 2**order) thresholds in (0, 1), every one of them different."""
    matrix = np.zeros((1, 1))
    for _ in range(order):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    return (matrix + 0.5) / matrix.size
