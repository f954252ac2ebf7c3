"""Carry the labels of B samples through the stages of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Image, Ints
from covary.plan.stages import Stage
from covary.targets.boxes import Boxes, carry_affine, carry_corners, read_boxes, write_boxes
from covary.targets.displacement import Points, Size
from covary.targets.fields import chosen
from covary.targets.keypoints import Keypoints, carry_keypoints
from covary.targets.masks import (
    Job,
    Render,
    check_fill,
    constant_borders,
    read_mask,
    render_masks,
    tight_box,
    visible_share,
)
from covary.targets.path import Leg, Path

Carried: TypeAlias = tuple[NDArray[Any], Ints | None]  # moved boxes, and the indices of those that stayed or None

BESIDE_BOXES = frozenset({"mask", "masks", "keypoints"})
MOVED = BESIDE_BOXES | {"boxes"}


def carry(
    samples: Sequence[Mapping[str, Any]],
    stages: Sequence[Stage],
    sizes: Ints,
    *,
    boxes: Boxes,
    keypoints: Keypoints,
    mask_fill: float = 0,
    render: Render,
    threads: int = 1,
) -> list[dict[str, Any]]:
    """Move every label to where its pixels go; all other fields stay the same objects.

    Args:
        samples: B samples without their images. Moved are `mask` (H, W) or (H, W, C), `masks` (a list or array of
            them), `boxes` with `box_labels`, and `keypoints` with `keypoint_labels`; a field that is None is left
            alone.
        stages: of the plan; row b of each belongs to sample b.
        sizes: (B, 2) heights and widths of the sources.
        boxes: how boxes are written and which stay.
        keypoints: how keypoints are written and what becomes of those outside.
        mask_fill: value of masks outside the source where the border is "constant".
        render: of a renderer module, for the masks.
        threads: for the renderer.

    Returns:
        B new dicts with the same fields in the same order.

    Raises:
        ValueError: a field has a wrong shape, dtype, length or value.
    """
    carried = [dict(sample) for sample in samples]
    if _nothing_moves(carried):
        return carried
    instances = boxes.source == "masks"
    made: Sequence[Carried | None]
    if instances:
        made = [None] * len(carried)
    else:
        made = carry_affine(boxes, [sample.get("boxes") for sample in carried], stages, sizes)
        if _all_made(made, carried):
            for row, (sample, (moved, kept)) in enumerate(zip(carried, made, strict=True)):
                _put_boxes(sample, moved, kept, "" if len(carried) == 1 else f" of sample {row}")
            return carried
    path = Path(stages, sizes)
    with np.errstate(all="ignore"):
        _carry_masks(carried, path, stages, mask_fill, instances, render, threads)
        tight = _tight_boxes(samples, carried, path, stages, render, threads) if instances else {}
        for row, sample in enumerate(carried):
            has_boxes, has_points = sample.get("boxes") is not None, sample.get("keypoints") is not None
            if not (has_boxes or has_points):
                continue
            source, legs = path.source(row), path.legs(row)
            where = "" if len(carried) == 1 else f" of sample {row}"
            if has_boxes and (already := made[row]) is not None:
                _put_boxes(sample, *already, where)
            elif has_boxes:
                masks = samples[row]["masks"] if row in tight else None
                _carry_boxes(sample, boxes, source, path.output(row), legs, where, masks, tight.get(row))
            if has_points:
                _carry_points(sample, keypoints, source, legs, where)
    return carried


def _nothing_moves(samples: Sequence[Mapping[str, Any]]) -> bool:
    return all(MOVED.isdisjoint(sample) for sample in samples)


def _all_made(made: Sequence[Carried | None], samples: Sequence[Mapping[str, Any]]) -> TypeGuard[Sequence[Carried]]:
    """Whether there is nothing but boxes, and they are moved."""
    return None not in made and all(BESIDE_BOXES.isdisjoint(sample) for sample in samples)


def _put_boxes(sample: dict[str, Any], moved: NDArray[Any], rows: Ints | None, where: str) -> None:
    """Moved boxes, and the labels of those that stayed, in place of what the sample holds."""
    labels = sample.get("box_labels")
    if labels is not None:
        sample["box_labels"] = chosen(labels, rows, len(sample["boxes"]), f"box_labels{where}")
    sample["boxes"] = moved


def _carry_masks(
    carried: Sequence[dict[str, Any]],
    path: Path,
    stages: Sequence[Stage],
    fill: float,
    instances: bool,
    render: Render,
    threads: int,
) -> None:
    """Render `mask` and `masks` of all samples together and put them back in the form in which they came."""
    jobs: list[Job] = []
    for row, sample in enumerate(carried):
        where = "" if len(carried) == 1 else f" of sample {row}"
        if sample.get("mask") is not None:
            pixels = read_mask(sample["mask"], path.source(row), f"mask{where}")
            jobs.append(Job(row, pixels, check_fill(fill, pixels, "mask")))
        if sample.get("masks") is not None:
            own_fill = 0 if instances else fill
            for number, mask in enumerate(sample["masks"]):
                pixels = read_mask(mask, path.source(row), f"masks[{number}]{where}")
                jobs.append(Job(row, pixels, check_fill(own_fill, pixels, "masks")))
    if not jobs and all(sample.get("masks") is None for sample in carried):
        return
    rendered = iter(render_masks(jobs, stages, render, threads))
    for row, sample in enumerate(carried):
        if sample.get("mask") is not None:
            sample["mask"] = _as_it_came(next(rendered), sample["mask"])
        if sample.get("masks") is not None:
            came = sample["masks"]
            moved = [_as_it_came(next(rendered), mask) for mask in came]
            sample["masks"] = contained(moved, came, path.output(row))


def _as_it_came(pixels: Image, mask: Any) -> Image:
    return pixels[:, :, 0] if np.ndim(mask) == 2 else pixels


def contained(moved: Sequence[Image], came: Any, size: Size) -> Any:
    """Masks in a container of the type they came in: an array for an array, else a list or tuple."""
    if isinstance(came, np.ndarray):
        return np.stack(moved) if moved else np.zeros((0, *size, *came.shape[3:]), dtype=came.dtype)
    return tuple(moved) if isinstance(came, tuple) else list(moved)


def _tight_boxes(
    samples: Sequence[Mapping[str, Any]],
    carried: Sequence[dict[str, Any]],
    path: Path,
    stages: Sequence[Stage],
    render: Render,
    threads: int,
) -> dict[int, Points]:
    """The boxes around the moved instance masks, by sample.

    A border that repeats the picture clones no instance: what it shows is taken out of the masks as well.
    """
    rows = [
        row for row, sample in enumerate(samples) if sample.get("boxes") is not None and sample.get("masks") is not None
    ]
    cloning = any(stage.coordinates and stage.border != "constant" for stage in stages)
    if cloning and rows:
        jobs = [Job(row, np.ones((*path.source(row), 1), dtype=np.uint8), 0) for row in rows]
        covers = render_masks(jobs, constant_borders(stages), render, threads)
        for row, cover in zip(rows, covers, strict=True):
            masks = carried[row]["masks"]
            shown = [np.where(_like(cover[:, :, 0] > 0, mask), mask, mask.dtype.type(0)) for mask in masks]
            carried[row]["masks"] = contained(shown, masks, path.output(row))
    tight = {}
    for row in rows:
        boxes = [tight_box(_flat(mask)) for mask in carried[row]["masks"]]
        tight[row] = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    return tight


def _like(cover: NDArray[np.bool_], mask: Image) -> NDArray[np.bool_]:
    """A cover with as many axes as a mask."""
    return cover if mask.ndim == 2 else cover[:, :, None]


def _flat(mask: Any) -> NDArray[np.bool_]:
    """Where an (H, W) or (H, W, C) mask is set."""
    is_set: NDArray[np.bool_] = np.asarray(mask) != 0
    return is_set if is_set.ndim == 2 else np.logical_or.reduce(is_set, axis=2)


def _carry_boxes(
    sample: dict[str, Any],
    options: Boxes,
    source: Size,
    output: Size,
    legs: Sequence[Leg],
    where: str,
    masks: Any,
    tight: Points | None,
) -> None:
    raw, corners, seen = read_boxes(options, sample["boxes"], source, f"boxes{where}")
    keep: NDArray[np.bool_] | None
    if tight is None:
        moved, keep = carry_corners(options, corners, seen, legs)
    else:
        if len(tight) != len(raw):
            raise ValueError(f"masks{where} has {len(tight)} masks, there are {len(raw)} boxes; give one for each box")
        moved, keep = _kept_tight(options, tight, masks, source, legs)
        sample["masks"] = chosen(sample["masks"], _rows(keep), len(raw), f"masks{where}")
    sample["boxes"] = raw
    _put_boxes(sample, write_boxes(options, raw, moved, output, keep), _rows(keep), where)


def _rows(keep: NDArray[np.bool_] | None) -> Ints | None:
    return None if keep is None else np.flatnonzero(keep)


def _kept_tight(
    options: Boxes, tight: Points, masks: Any, source: Size, legs: Sequence[Leg]
) -> tuple[Points, NDArray[np.bool_] | None]:
    area = (tight[:, 2] - tight[:, 0]) * (tight[:, 3] - tight[:, 1])
    keep: NDArray[np.bool_] = (area > 0) & (area >= options.min_area)
    if options.min_visibility > 0:
        shares = np.array([visible_share(_flat(mask), source, legs) for mask in masks])
        keep &= shares >= options.min_visibility - 1e-9
    return (tight, None) if keep.all() else (tight[keep], keep)


def _carry_points(sample: dict[str, Any], options: Keypoints, source: Size, legs: Sequence[Leg], where: str) -> None:
    points, keep, count = carry_keypoints(options, sample["keypoints"], source, legs, f"keypoints{where}")
    sample["keypoints"] = points
    if sample.get("keypoint_labels") is not None and (keep is not None or points.ndim == 2):
        sample["keypoint_labels"] = chosen(sample["keypoint_labels"], _rows(keep), count, f"keypoint_labels{where}")
