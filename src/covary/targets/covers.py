"""What is left of labels where something covers the picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Bools, Image, Ints
from covary.targets.boxes import Boxes, read_boxes, write_boxes
from covary.targets.carry import LABELS, by_boxes, contained, keep_by_boxes
from covary.targets.displacement import Points, Size
from covary.targets.fields import chosen
from covary.targets.hiding import open_lines, open_polygons
from covary.targets.keypoints import Keypoints, hide_keypoints
from covary.targets.masks import read_mask, tight_box
from covary.targets.moving import Shapes
from covary.targets.oriented import OrientedBoxes, uncover_oriented
from covary.targets.polygons import LineStrings, Polygons, uncover_shapes

_ORIENTED, _POLYGONS, _LINE_STRINGS = OrientedBoxes(), Polygons(), LineStrings()


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """The part of a picture that something covers.

    Attributes:
        pixels: (H, W) whether a pixel is covered.
        rectangle: x0, y0, x1, y1 where the part is one rectangle, ends exclusive; None where it is not.
    """

    pixels: Bools
    rectangle: tuple[int, int, int, int] | None = None

    @classmethod
    def of_rectangle(cls, rectangle: tuple[int, int, int, int], size: Size) -> Cover:
        """The cover of one rectangle in a picture of this height and width."""
        x0, y0, x1, y1 = rectangle
        pixels = np.zeros(size, dtype=bool)
        pixels[y0:y1, x0:x1] = True
        return cls(pixels, rectangle)

    @property
    def size(self) -> Size:
        """Height and width of the picture."""
        height, width = self.pixels.shape
        return height, width

    def polygons(self, shapes: Shapes) -> Shapes:
        """What of polygons is not covered."""
        return open_polygons(shapes, self.pixels, self.rectangle)

    def lines(self, shapes: Shapes) -> Shapes:
        """What of line strings is not covered."""
        return open_lines(shapes, self.pixels)


def uncovered(
    sample: Mapping[str, Any],
    cover: Cover,
    *,
    boxes: Boxes,
    keypoints: Keypoints,
    oriented_boxes: OrientedBoxes = _ORIENTED,
    polygons: Polygons = _POLYGONS,
    line_strings: LineStrings = _LINE_STRINGS,
) -> dict[str, Any]:
    """The labels of what is still to be seen of one picture.

    Instance masks lose the covered pixels, and a box becomes the one around what is left of its mask. A box without a
    mask loses what a rectangle cuts off from one side; a cover of any other shape leaves it, unless nothing of it is to
    be seen. Boxes are dropped by the rules of `boxes`, their visible area counted in pixels, and with them the
    keypoints (N, K, columns) that are theirs; keypoints follow the rules of `keypoints` for points outside.

    Polygons and line strings become what is seen of them; oriented boxes shrink, at their own angle, to what is seen.

    Args:
        sample: `boxes` with `box_labels`, `masks` (one per box), `keypoints` with `keypoint_labels`, `oriented_boxes`,
            `polygons` and `line_strings` with theirs; None and all other fields come back as they are.
        cover: what is covered.
        boxes, oriented_boxes, polygons, line_strings: how these are written and which stay.
        keypoints: how keypoints are written and what becomes of those outside.

    Raises:
        ValueError: a field has a wrong shape, dtype, length or value.
    """
    left = dict(sample)
    masks = sample.get("masks")
    if masks is not None:
        shown = [_unmasked(mask, cover, f"masks[{number}]") for number, mask in enumerate(masks)]
        left["masks"] = contained(shown, masks, cover.size)
    if sample.get("boxes") is not None:
        raw, corners, seen = read_boxes(boxes, sample["boxes"], cover.size)
        if masks is not None and len(masks) != len(raw):
            raise ValueError(f"masks has {len(masks)} masks, there are {len(raw)} boxes; give one for each box")
        cut, share = _boxes_by_pixels(seen, cover) if masks is None else _boxes_by_masks(seen, masks, left["masks"])
        extent = cut[:, 2:] - cut[:, :2]
        area = extent[:, 0] * extent[:, 1]
        with np.errstate(invalid="ignore"):
            keep = (share > 0) & (share >= boxes.min_visibility - 1e-9) & (area > 0) & (area >= boxes.min_area)
        rows = None if keep.all() else np.flatnonzero(keep)
        left["boxes"] = write_boxes(boxes, raw, (cut if boxes.clip else corners)[keep], cover.size, keep)
        for field in ("box_labels", "masks"):
            if left.get(field) is not None:
                left[field] = chosen(left[field], rows, len(raw), field)
        if rows is not None and by_boxes(sample):
            keep_by_boxes(left, rows, len(raw))
    if sample.get("keypoints") is not None:
        left["keypoints"], kept, count = hide_keypoints(keypoints, left["keypoints"], cover.pixels)
        if sample.get("keypoint_labels") is not None and kept is not None:
            left["keypoint_labels"] = chosen(sample["keypoint_labels"], np.flatnonzero(kept), count, "keypoint_labels")
    if sample.get("oriented_boxes") is not None:
        slack = 0.0 if cover.rectangle is not None else 1.0  # outlines of pixels are right to a pixel
        _put_shapes(
            left,
            "oriented_boxes",
            uncover_oriented(
                oriented_boxes, sample["oriented_boxes"], cover.size, cover.polygons, slack, "oriented_boxes"
            ),
        )
    if sample.get("polygons") is not None:
        made = uncover_shapes(polygons, sample["polygons"], cover.size, cover.polygons, "polygons")
        _put_shapes(left, "polygons", made)
    if sample.get("line_strings") is not None:
        made = uncover_shapes(line_strings, sample["line_strings"], cover.size, cover.lines, "line_strings")
        _put_shapes(left, "line_strings", made)
    return left


def _put_shapes(left: dict[str, Any], field: str, made: tuple[Any, Ints, int]) -> None:
    """Shapes that are left, and their labels, in place of what the sample holds."""
    left[field], rows, count = made
    labels = LABELS[field]
    if left.get(labels) is not None:
        left[labels] = chosen(left[labels], rows, count, labels)


def _unmasked(mask: Any, cover: Cover, field: str) -> Image:
    pixels = read_mask(mask, cover.size, field)
    left = np.where(cover.pixels[:, :, None], pixels.dtype.type(0), pixels)
    return left if np.ndim(mask) == 3 else left[:, :, 0]


def _boxes_by_masks(seen: Points, before: Any, after: Any) -> tuple[Points, NDArray[np.float64]]:
    """The boxes of what is left of their masks (untouched ones stay as they are), and the share of each that is."""
    cut, share = seen.copy(), np.ones(len(seen))
    for row, (mask, left) in enumerate(zip(before, after, strict=True)):
        count, remaining = int(np.count_nonzero(mask)), int(np.count_nonzero(left))
        if remaining < count or not count:
            share[row] = remaining / max(count, 1)
            cut[row] = tight_box(left != 0 if left.ndim == 2 else (left != 0).any(axis=2))
    return cut, share


def _boxes_by_pixels(seen: Points, cover: Cover) -> tuple[Points, NDArray[np.float64]]:
    """Boxes cut where a rectangle takes a whole side of them, and the share of each that is not covered."""
    if cover.rectangle is None:
        return seen, _open_shares(seen, cover.pixels)
    cut = seen.copy()
    near, far = np.array(cover.rectangle[:2], dtype=np.float64), np.array(cover.rectangle[2:], dtype=np.float64)
    start, end = np.maximum(seen[:, :2], near), np.minimum(seen[:, 2:], far)
    with np.errstate(invalid="ignore"):
        extent, common = seen[:, 2:] - seen[:, :2], np.maximum(end - start, 0)
        share = 1 - common.prod(axis=1) / extent.prod(axis=1)
        spans = (near <= seen[:, :2]) & (far >= seen[:, 2:])
        for axis in (0, 1):
            # Covered over its whole other side, the box ends where the cover begins, or begins where it ends.
            cuts = spans[:, 1 - axis] & (common.prod(axis=1) > 0)
            from_start = cuts & (near[axis] <= seen[:, axis])
            to_end = cuts & (far[axis] >= seen[:, 2 + axis]) & ~from_start
            cut[from_start, axis] = np.minimum(far[axis], seen[from_start, 2 + axis])
            cut[to_end, 2 + axis] = near[axis]
    return cut, np.nan_to_num(share)


def _open_shares(seen: Points, covered: Bools) -> NDArray[np.float64]:
    """The share of the pixels of each box that are not covered."""
    shares = np.zeros(len(seen))
    for row, (x0, y0, x1, y1) in enumerate(seen.tolist()):
        if x0 == x0:
            inside = covered[int(y0) : max(int(y0) + 1, int(np.ceil(y1))), int(x0) : max(int(x0) + 1, int(np.ceil(x1)))]
            shares[row] = 1 - np.count_nonzero(inside) / inside.size
    return shares
