"""Objects that vanish from the picture, and from its labels with it."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.distributions import Integers, Range
from covary.draws.streams import stream_uniforms
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.image.levels import level_counts
from covary.ops.image.luma import Fill, check_fill
from covary.ops.view import View
from covary.plan.changes import Bools, Change, Floats, Image, Ints, Pixels, Streams, Vanish

Paint: TypeAlias = Fill | Literal["inpaint"]

_RADIUS = 3.0  # px around a pixel that inpainting looks at


def painted_over(image: Image, gone: Bools, colour: Floats) -> Image:
    """The picture with a colour, one value for each channel, where something is gone; worked on in place."""
    shown = colour if image.dtype.kind == "f" else np.clip(np.rint(colour), 0, np.iinfo(image.dtype).max)
    if kernels.native is not None and image.dtype.kind != "f":
        kernels.native.cover(image, gone.view(np.uint8) * np.uint8(255), None, shown.astype(np.float32))
    else:
        image.reshape(gone.size, -1)[np.flatnonzero(gone)] = shown.astype(image.dtype)
    return image


def inpainted(image: Image, gone: Bools) -> Image:
    """The picture continued from all sides where something is gone; worked on in place."""
    import cv2

    if not gone.any() or gone.all():
        return image
    # Only what is gone and what is near it takes part.
    rows, columns = np.flatnonzero(gone.any(axis=1)), np.flatnonzero(gone.any(axis=0))
    margin = int(_RADIUS) + 2
    down, across = (slice(max(0, int(at[0]) - margin), int(at[-1]) + margin + 1) for at in (rows, columns))
    where = gone[down, across].astype(np.uint8)
    for channel in range(image.shape[2]):
        plane = np.ascontiguousarray(image[down, across, channel])
        image[down, across, channel] = cv2.inpaint(plane, where, _RADIUS, cv2.INPAINT_NS)
    return image


@operation
class MaskDropout(Amount):
    """Let some objects of the mask vanish: from the picture, from the mask, and from the other labels.

    An object is a connected piece (corners count) of one value of the mask other than 0; of a mask with several
    channels, of what any of them sets. Image (H, W, C), uint8, uint16 or float32; needs the field `mask`, and leaves
    images without one as they are.

    Args:
        max_objects: how many objects vanish at most: a whole number or an inclusive range (low, high). Default 1. There
            may be fewer in the mask. Identity: 0.
        fill: a constant in the image's own range, one number or one for each channel; or "inpaint", which continues the
            picture from all sides (Bertalmio et al. 2001). Default 0.

    `mask` and `masks` become 0 there. Keypoints on these pixels are outside. A box, oriented box or polygon is dropped
    where more than half of what the mask sets in it (in the frame around it) has vanished.

    Raises:
        ValueError: at the call, when `fill` has neither one value nor as many as the image has channels.

    Helps: segmentation and detection where every object alone has to be found, and none by its company.
    Hurts: pictures with a single object, of which nothing is left; scenes where things are never missing.
    """

    looks: ClassVar[bool] = True

    max_objects: Range = ranged(default=Integers(1, 1, identity=0), low=0, high=10_000)
    fill: Paint = 0

    streams = ("objects",)

    def check(self) -> None:
        check_fill(self, "fill", self.fill, "inpaint")

    def describe(self, draw: Draw, view: View) -> Change:
        wanted, streams = np.rint(draw("max_objects")).astype(np.int64), draw.stream("objects")
        masks = [None] * view.count if view.labels is None else view.labels.masks()
        found = []
        for row, (mask, (height, width)) in enumerate(zip(masks, view.size.tolist(), strict=True)):
            objects = np.zeros((height, width), np.int32) if mask is None else objects_of(mask)
            found.append(_parted(objects, int(wanted[row]), streams[row : row + 1]))
        gone, left = tuple(each[0] for each in found), tuple(each[1] for each in found)
        if isinstance(self.fill, str):
            return Pixels(inpainted, tuple({"gone": each} for each in gone), Vanish(gone, left))
        colours = view.colour(self.fill)
        parameters = tuple({"gone": each, "colour": colour} for each, colour in zip(gone, colours, strict=True))
        return Pixels(painted_over, parameters, Vanish(gone, left))


def objects_of(mask: NDArray[np.generic]) -> Ints:
    """(H, W) numbers of the connected objects of a mask, from 1 on; 0 where it sets nothing."""
    import cv2

    flat = mask if mask.ndim == 2 else (mask != 0).any(axis=2)
    numbers = np.zeros(flat.shape, np.int32)
    count = 0
    for value in _values(flat):
        found, pieces = cv2.connectedComponents((flat == value).view(np.uint8), connectivity=8)
        numbers += pieces if count == 0 else np.where(pieces > 0, pieces + count, 0)
        count += found - 1
    return numbers


def _values(flat: NDArray[np.generic]) -> list[float]:
    """The values other than 0, in their order."""
    if flat.dtype in (np.uint8, np.bool_):
        present = np.flatnonzero(level_counts(flat.view(np.uint8)[..., None])[0]).tolist()
    else:
        present = np.unique(flat).tolist()
    return [value for value in present if value]


def _parted(objects: Ints, wanted: int, stream: Streams) -> tuple[Bools, Bools]:
    """Which pixels are of the objects that vanish, and which of those that stay."""
    count = int(objects.max(initial=0))
    vanishes = np.zeros(count + 1, dtype=bool)
    if count and wanted:
        chance = stream_uniforms(stream, count).ravel()
        vanishes[1 + np.argsort(chance, kind="stable")[:wanted]] = True
    gone: Bools = vanishes.take(objects)
    return gone, (objects > 0) & ~gone
