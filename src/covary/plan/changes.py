"""The kinds of change an image operation can describe.

A change is plain data with a leading batch axis: row b describes what happens to sample b. Coordinates are continuous:
pixel i covers [i, i + 1), so the centre of the first pixel is 0.5. Points are (x, y), sizes (height, width).
Values are in the image's own range: 0 to `white`, which is 255 for uint8, 65535 for uint16 and 1.0 for float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
Ints: TypeAlias = NDArray[np.signedinteger[Any]]
Bools: TypeAlias = NDArray[np.bool_]
Streams: TypeAlias = NDArray[np.uint64]
Image: TypeAlias = NDArray[Any]

Border: TypeAlias = Literal["constant", "edge", "reflect", "symmetric", "wrap"]
Interpolation: TypeAlias = Literal["nearest", "linear", "cubic"]

BORDERS: tuple[Border, ...] = ("constant", "edge", "reflect", "symmetric", "wrap")
INTERPOLATIONS: tuple[Interpolation, ...] = ("nearest", "linear", "cubic")


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """A projective map of the plane: output position -> input position.

    Attributes:
        matrix: (B, 3, 3) float64; maps homogeneous output coordinates to input coordinates.
        size: (B, 2) int64, height and width of the output.
        border: what lies outside the input; None where the map never looks there (crops, flips, resizes).
        fill: (B, C) colour outside the input when `border` is "constant".
        interpolation: how values between pixel centres are found; None leaves the choice to its neighbours in
            the same pass ("linear" when all are None).
    """

    matrix: Floats
    size: Ints
    border: Border | None = None
    fill: Floats | None = None
    interpolation: Interpolation | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Displace:
    """A smooth displacement: output position p -> input position p + d(p). The size stays as it is.

    Attributes:
        grids: one (gh, gw, 2) float32 array per sample: (dx, dy) in pixels at knots spread evenly over the canvas,
            the first on its left (top) edge, the last on its right (bottom) edge. Bilinear in between; beyond the
            canvas the nearest edge's value holds.
        border, fill, interpolation: as in Warp.
    """

    grids: tuple[Floats, ...]
    border: Border | None = None
    fill: Floats | None = None
    interpolation: Interpolation | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Colour:
    """An affine map of the channels at one pixel.

    Attributes:
        matrix: (B, C, C + 1) float64; out = matrix[:, :, :C] @ value + matrix[:, :, C].
        pivot: (B, C) or None. Where given, `pivot * mean` is added as well, `mean` being the picture's mean luma
            (Rec. 601 weights for three channels, the plain mean of the channels otherwise) just before this change.
    """

    matrix: Floats
    pivot: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A tone curve: each value is looked up in a table.

    Attributes:
        table: (B, 1 or C, N) float32 values in the image's own range, at N evenly spaced inputs from 0 to white. N is
            256 for uint8 and 65,536 for uint16 and float32. Inputs are clipped to the range; for integer images they
            are rounded to the nearest level, for float32 the table is interpolated linearly. Or a tuple of B such
            tables (1 or C, N), which samples may share.
    """

    table: Floats | tuple[Floats, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shade:
    """A change of brightness that differs from place to place: value * gain + offset.

    Attributes:
        grids: one (gh, gw, 2, K) float32 array per sample: gain and offset at knots spread evenly over the canvas, the
            first on its left (top) edge, the last on its right (bottom) edge; bilinear in between. K is the number of
            channels, or 1: the same for all of them. Offsets are in the image's own range.
    """

    grids: tuple[Floats, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """A linear filter: correlation with a small kernel, borders by NumPy's "reflect".

    Attributes:
        kernel_y, kernel_x: (B, ky) and (B, kx) float64 taps of a separable filter, odd lengths, centred; or
        kernel: (B, kh, kw) float64 taps of one that is not separable.
    """

    kernel_y: Floats | None = None
    kernel_x: Floats | None = None
    kernel: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class GaussianField:
    """Additive Gaussian noise.

    Attributes:
        scale: (B,) standard deviation in the image's own range.
        mean: (B,) added to every value.
        stream: (B,) uint64 keys of the noise streams.
        per_channel: whether channels get independent noise; otherwise one value serves all channels of a pixel.
    """

    scale: Floats
    mean: Floats
    stream: Streams
    per_channel: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class SignalNoise:
    """Noise whose deviation depends on the value that it falls on: s(v)**2 = variance + slope * max(v, 0) + (gain *
    v)**2.

    Attributes:
        model: what becomes of a value v. "additive": v + s(v) * z. "magnitude": sqrt((v + s(v) * z)**2 + (s(v) *
            z')**2), as of complex numbers. "counts": slope * Poisson(max(v, 0) / slope), its variance thus slope * v;
            nothing where slope is not above 0, and no other attribute counts. z and z' are independent, of mean 0 and
            variance 1.
        variance: (B,) in the square of the image's own range.
        slope: (B,) in the image's own range.
        gain: (B,) as a share of the value.
        stream: (B,) uint64 keys of the noise streams.
        per_channel: whether channels get independent noise; otherwise one z serves all channels of a pixel.
        law: (B, 6, 16) float32, the law of an additive z as `covary.draws.laws` makes it; None for the normal law.
    """

    model: Literal["additive", "magnitude", "counts"]
    variance: Floats
    slope: Floats
    gain: Floats
    stream: Streams
    per_channel: bool = True
    law: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Impulses:
    """Salt-and-pepper noise: some pixels become black or white, or something else.

    Attributes:
        amount: (B,) share of the pixels that change, in [0, 1].
        salt: (B,) share of the changed pixels that become white.
        stream: (B,) uint64 keys of the noise streams.
        per_channel: whether each channel of a pixel changes for itself; otherwise all of them together.
        colour: (B, C) what the changed pixels that are not white become; None: black.
        noise: whether they become independent uniform values in 0..white instead.
    """

    amount: Floats
    salt: Floats
    stream: Streams
    per_channel: bool = False
    colour: Floats | None = None
    noise: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Erase:
    """Rectangles are painted over.

    Attributes:
        rectangles: (B, K, 4) int32, x0, y0, x1, y1 in pixels of the canvas, ends exclusive; parts outside are ignored.
        count: (B,) int32, how many of the K rectangles are in use.
        fill: "constant" paints `colour`; "noise" paints, for each value, an independent uniform one in 0..white.
        colour: (B, C) for "constant".
        stream: (B,) uint64 keys of the noise streams for "noise".
    """

    rectangles: Ints
    count: Ints
    fill: Literal["constant", "noise"]
    colour: Floats | None = None
    stream: Streams | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fill:
    """Paint what lies outside the source: `value * coverage + colour * (1 - coverage)`.

    Operations do not describe this one: fusion puts it where a constant border's warp stood among the value changes.

    Attributes:
        colour: (B, C).
    """

    colour: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """What a function of pixels does that moves whole cells of the picture: labels move with their cell.

    Attributes:
        cells: one (K, 4) int64 array per sample: x0, y0, x1, y1 of the cells of the output, ends exclusive. Together
            they cover the canvas, and none lies on another.
        origins: one (K, 2) int64 array per sample: x0, y0 of the part of the input, as large as the cell, that each
            shows. These parts cover the input.
    """

    cells: tuple[Ints, ...]
    origins: tuple[Ints, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Vanish:
    """What a function of pixels does that takes whole objects out of the picture: their labels go as well.

    Attributes:
        gone: one (H, W) array per sample: the pixels of the objects that vanish.
        left: one (H, W) array per sample: the pixels of the objects that stay.
    """

    gone: tuple[Bools, ...]
    left: tuple[Bools, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Reshape:
    """What a function of pixels does that lets shapes grow or shrink where they are: masks follow, other labels stay.

    Attributes:
        function: called as function(mask, **parameters) with an (H, W, C) array of any dtype that a mask may have; it
            may work in place.
        parameters: one dict per sample.
    """

    function: Callable[..., Image]
    parameters: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """A function of one image and its drawn parameters, for what no other kind can say.

    Attributes:
        function: called as function(image, **parameters) with an (H, W, C) array; returns the same shape and dtype. It
            may work in place: it is given a copy, or, where it says so (see `into`), room for its result.
        parameters: one dict per sample.
        effect: what it means for labels; None where nothing moves or goes. With `Tiles` the function is called for
            masks as well, of any dtype and number of channels.
    """

    function: Callable[..., Image]
    parameters: tuple[dict[str, Any], ...]
    effect: Tiles | Vanish | Reshape | None = None


def into(function: Callable[..., Image]) -> Callable[..., Image]:
    """Say of a function of pixels that it takes `out`: an array of the image's shape and dtype, or the image itself,
    which it fills and returns; the image is then only read. Without `out` it works in place."""
    setattr(function, "into", True)  # noqa: B010 - a function has no such attribute by its type
    return function


@dataclass(frozen=True, slots=True, eq=False)
class Convert:
    """The form of the finished picture; the last change of a pipeline.

    Attributes:
        dtype: "float32", or None for the input's own.
        layout: "HWC" or "CHW".
    """

    dtype: Literal["float32"] | None
    layout: Literal["HWC", "CHW"]


Geometry: TypeAlias = Warp | Displace
Value: TypeAlias = Colour | Curve | Shade | GaussianField | SignalNoise | Impulses | Erase | Fill
Change: TypeAlias = (
    Warp
    | Displace
    | Colour
    | Curve
    | Shade
    | Filter
    | GaussianField
    | SignalNoise
    | Impulses
    | Erase
    | Pixels
    | Convert
)


def concerns_labels(change: Any) -> bool:
    """Whether a change moves or takes away what labels speak of."""
    return isinstance(change, (Warp, Displace)) or (isinstance(change, Pixels) and change.effect is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A change and the samples it touches (None: all of them)."""

    change: Change
    active: Bools | None
