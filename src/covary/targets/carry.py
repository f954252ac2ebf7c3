"""Carry the labels of B samples through the stages of a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.plan.changes import Image, Ints
from covary.plan.stages import Stage
from covary.targets.affine import Carried, affine_moves, carry_boxes, carry_points
from covary.targets.boxes import Boxes, carry_corners, read_boxes, write_boxes
from covary.targets.displacement import Points, Size
from covary.targets.fields import chosen
from covary.targets.heatmaps import as_it_came, read_heatmaps, render_heatmaps
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
from covary.targets.oriented import OrientedBoxes, carry_oriented
from covary.targets.pairs import Pairs, swapped_labels, swapped_values
from covary.targets.path import Leg, Path, mirrors
from covary.targets.polygons import LineStrings, Polygons, carry_shapes

LABELS = {
    "boxes": "box_labels",
    "keypoints": "keypoint_labels",
    "oriented_boxes": "oriented_box_labels",
    "polygons": "polygon_labels",
    "line_strings": "line_string_labels",
}
"""Fields with one row for each object, and the fields with their labels."""
SHAPES = ("oriented_boxes", "polygons", "line_strings")
_SHAPES = frozenset(SHAPES)
RENDERED = ("mask", "masks", "heatmaps")
MOVED = frozenset({*LABELS, *RENDERED})

_ORIENTED, _POLYGONS, _LINE_STRINGS = OrientedBoxes(), Polygons(), LineStrings()
_NO_TARGETS: Mapping[str, str] = {}


def carry(
    samples: Sequence[Mapping[str, Any]],
    stages: Sequence[Stage],
    sizes: Ints,
    *,
    boxes: Boxes,
    keypoints: Keypoints,
    mask_fill: float = 0,
    oriented_boxes: OrientedBoxes = _ORIENTED,
    polygons: Polygons = _POLYGONS,
    line_strings: LineStrings = _LINE_STRINGS,
    mask_pairs: Pairs = (),
    heatmap_pairs: Sequence[tuple[int, int]] = (),
    targets: Mapping[str, str] = _NO_TARGETS,
    render: Render,
    threads: int = 1,
) -> list[dict[str, Any]]:
    """Move every label to where its pixels go; all other fields stay the same objects.

    Args:
        samples: B samples without their images. Moved are `mask` (H, W) or (H, W, C), `masks` (a list or array of
            them), `heatmaps` (H, W, K), `boxes` with `box_labels`, `keypoints` with `keypoint_labels`, `oriented_boxes`
            with `oriented_box_labels`, `polygons` with `polygon_labels`, `line_strings` with `line_string_labels`; a
            field that is None is left alone.
        stages: of the plan; row b of each belongs to sample b.
        sizes: (B, 2) heights and widths of the sources.
        boxes, oriented_boxes, polygons, line_strings: how these are written and which stay.
        keypoints: how keypoints are written and what becomes of those outside.
        mask_fill: value of masks outside the source where the border is "constant".
        mask_pairs: pairs of values, (left, right), that trade places in `mask` when the picture is mirrored.
        heatmap_pairs: pairs of channels that trade places in `heatmaps`.
        targets: further fields by name, and as which of these they are moved; those that are images are left alone.
            Labels of a field NAME are in NAME_labels.
        render: of a renderer module, for masks and heat maps.
        threads: for the renderer.

    Returns:
        B new dicts with the same fields in the same order.

    Raises:
        ValueError: a field has a wrong shape, dtype, length or value.
    """
    forms: dict[str, Any] = {
        "boxes": boxes,
        "keypoints": keypoints,
        "mask_fill": mask_fill,
        "oriented_boxes": oriented_boxes,
        "polygons": polygons,
        "line_strings": line_strings,
        "heatmap_pairs": heatmap_pairs,
        "render": render,
        "threads": threads,
    }
    carried = _carried(samples, stages, sizes, mask_pairs=mask_pairs, **forms)
    for name, kind in targets.items():
        if kind in MOVED and any(sample.get(name) is not None for sample in carried):
            own, labels = (name, f"{name}_labels"), (kind, LABELS.get(kind, ""))
            some = [{k: sample.get(o) for o, k in zip(own, labels, strict=True) if k} for sample in samples]
            moved = _carried(some, stages, sizes, mask_pairs=(), **forms)
            for sample, each in zip(carried, moved, strict=True):
                sample.update({o: each[k] for o, k in zip(own, labels, strict=True) if each.get(k) is not None})
    return carried


def _carried(
    samples: Sequence[Mapping[str, Any]],
    stages: Sequence[Stage],
    sizes: Ints,
    *,
    boxes: Boxes,
    keypoints: Keypoints,
    mask_fill: float,
    mask_pairs: Pairs,
    heatmap_pairs: Sequence[tuple[int, int]],
    render: Render,
    threads: int,
    **shapes: OrientedBoxes | Polygons | LineStrings,
) -> list[dict[str, Any]]:
    carried = [dict(sample) for sample in samples]
    if _nothing_moves(carried):
        return carried
    instances = boxes.source == "masks"
    moves = affine_moves(stages)
    made_boxes = carry_boxes(boxes, carried, None if instances else moves, sizes)
    made_points = carry_points(keypoints, carried, moves, sizes)
    path = Path(stages, sizes)
    _carry_masks(carried, path, stages, mask_fill, mask_pairs, instances, render, threads)
    _carry_heatmaps(carried, path, stages, heatmap_pairs, render, threads)
    tight = _tight_boxes(samples, carried, path, stages, render, threads) if instances else {}
    alone = len(carried) == 1
    for row, (sample, boxes_made, points_made) in enumerate(zip(carried, made_boxes, made_points, strict=True)):
        where = "" if alone else f" of sample {row}"
        kept = None
        if sample.get("boxes") is not None:
            if boxes_made is not None:
                kept = boxes_made[1]
                _put_boxes(sample, *boxes_made, where, _swapped(boxes, path, row))
            else:
                masks = samples[row]["masks"] if row in tight else None
                kept = _carry_boxes(sample, boxes, path, row, where, masks, tight.get(row))
        if sample.get("keypoints") is not None:
            if kept is not None and by_boxes(samples[row]):
                keep_by_boxes(sample, kept, len(samples[row]["boxes"]))
                points_made = None
            _carry_points(sample, keypoints, path, row, where, points_made)
        if not _SHAPES.isdisjoint(sample):
            for field in SHAPES:
                if sample.get(field) is not None:
                    _carry_shapes(sample, field, shapes[field], path, row, where)
    return carried


def _swapped(boxes: Boxes, path: Path, row: int) -> Pairs:
    """The pairs of labels that trade places in this sample."""
    return tuple(boxes.pairs) if boxes.pairs and mirrors(path.legs(row)) else ()


def by_boxes(sample: Mapping[str, Any]) -> bool:
    """Whether keypoints are (N, K, columns), one row for each box."""
    points, boxes = sample.get("keypoints"), sample.get("boxes")
    return points is not None and boxes is not None and len(points) == len(boxes) and np.ndim(points) == 3


def keep_by_boxes(sample: dict[str, Any], kept: Ints, count: int) -> None:
    """Leave the keypoints of the kept ones of `count` boxes, and their labels where each row has one."""
    sample["keypoints"] = np.asarray(sample["keypoints"])[kept]
    labels = sample.get("keypoint_labels")
    if labels is not None and len(labels) == count:
        sample["keypoint_labels"] = chosen(labels, kept, count, "keypoint_labels")


def _carry_shapes(sample: dict[str, Any], field: str, options: Any, path: Path, row: int, where: str) -> None:
    move: Any = carry_oriented if field == "oriented_boxes" else carry_shapes
    legs = path.legs(row)
    with np.errstate(all="ignore"):
        moved = move(options, sample[field], path.source(row), path.output(row), legs, f"{field}{where}")
    sample[field], rows, count = moved
    name = LABELS[field]
    if sample.get(name) is not None:
        kept = None if len(rows) == count and (rows == np.arange(count)).all() else rows
        labels = chosen(sample[name], kept, count, f"{name}{where}")
        sample[name] = swapped_labels(labels, options.pairs) if options.pairs and mirrors(legs) else labels


def _nothing_moves(samples: Sequence[Mapping[str, Any]]) -> bool:
    return all(MOVED.isdisjoint(sample) for sample in samples)


def _put_boxes(sample: dict[str, Any], moved: NDArray[Any], rows: Ints | None, where: str, pairs: Pairs) -> None:
    """Moved boxes, and the labels of those that stayed, in place of what the sample holds.

    `pairs` of labels trade places: none where the picture is not mirrored.
    """
    labels = sample.get("box_labels")
    if labels is not None:
        labels = chosen(labels, rows, len(sample["boxes"]), f"box_labels{where}")
        sample["box_labels"] = swapped_labels(labels, pairs) if pairs else labels
    sample["boxes"] = moved


def _carry_masks(
    carried: Sequence[dict[str, Any]],
    path: Path,
    stages: Sequence[Stage],
    fill: float,
    pairs: Pairs,
    instances: bool,
    render: Render,
    threads: int,
) -> None:
    """Render `mask` and `masks` of all samples together and put them back in the form in which they came."""
    jobs: list[Job] = []
    several = False
    for row, sample in enumerate(carried):
        mask, masks = sample.get("mask"), sample.get("masks")
        if mask is None and masks is None:
            continue
        where = "" if len(carried) == 1 else f" of sample {row}"
        if mask is not None:
            pixels = read_mask(mask, path.source(row), f"mask{where}")
            jobs.append(Job(row, pixels, check_fill(fill, pixels, "mask")))
        if masks is not None:
            several = True
            own_fill = 0 if instances else fill
            for number, each in enumerate(masks):
                pixels = read_mask(each, path.source(row), f"masks[{number}]{where}")
                jobs.append(Job(row, pixels, check_fill(own_fill, pixels, "masks")))
    if not jobs and not several:
        return
    with np.errstate(all="ignore"):
        rendered = iter(render_masks(jobs, stages, render, threads))
    for row, sample in enumerate(carried):
        mask, masks = sample.get("mask"), sample.get("masks")
        if mask is not None:
            moved = _as_it_came(next(rendered), mask)
            sample["mask"] = swapped_values(moved, pairs) if pairs and mirrors(path.legs(row)) else moved
        if masks is not None:
            sample["masks"] = contained([_as_it_came(next(rendered), each) for each in masks], masks, path.output(row))


def _carry_heatmaps(
    carried: Sequence[dict[str, Any]],
    path: Path,
    stages: Sequence[Stage],
    pairs: Sequence[tuple[int, int]],
    render: Render,
    threads: int,
) -> None:
    """Render `heatmaps` of all samples together."""
    rows = [row for row, sample in enumerate(carried) if sample.get("heatmaps") is not None]
    if not rows:
        return
    fields = {row: "heatmaps" if len(carried) == 1 else f"heatmaps of sample {row}" for row in rows}
    jobs = [Job(row, read_heatmaps(carried[row]["heatmaps"], path.source(row), fields[row]), 0) for row in rows]
    with np.errstate(all="ignore"):
        rendered = render_heatmaps(jobs, stages, render, threads)
    for row, moved in zip(rows, rendered, strict=True):
        mirrored = bool(pairs) and mirrors(path.legs(row))
        carried[row]["heatmaps"] = as_it_came(moved, carried[row]["heatmaps"], pairs, mirrored, fields[row])


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
    sample: dict[str, Any], options: Boxes, path: Path, row: int, where: str, masks: Any, tight: Points | None
) -> Ints | None:
    """Move boxes; returns the indices of those that stayed, None for all."""
    source, legs = path.source(row), path.legs(row)
    raw, corners, seen = read_boxes(options, sample["boxes"], source, f"boxes{where}")
    keep: NDArray[np.bool_] | None
    with np.errstate(all="ignore"):
        if tight is None:
            moved, keep = carry_corners(options, corners, seen, legs)
        else:
            if len(tight) != len(raw):
                raise ValueError(
                    f"masks{where} has {len(tight)} masks, there are {len(raw)} boxes; give one for each box"
                )
            moved, keep = _kept_tight(options, tight, masks, source, legs)
            sample["masks"] = chosen(sample["masks"], _rows(keep), len(raw), f"masks{where}")
        sample["boxes"] = raw
        rows = _rows(keep)
        written = write_boxes(options, raw, moved, path.output(row), keep)
    _put_boxes(sample, written, rows, where, _swapped(options, path, row))
    return rows


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


def _carry_points(
    sample: dict[str, Any], options: Keypoints, path: Path, row: int, where: str, made: Carried | None
) -> None:
    """Put moved keypoints in place of what the sample holds: those already `made`, if any."""
    if made is not None:
        (points, rows), count = made, len(sample["keypoints"])
    else:
        with np.errstate(all="ignore"):
            points, keep, count = carry_keypoints(
                options, sample["keypoints"], path.source(row), path.legs(row), f"keypoints{where}"
            )
        rows = _rows(keep)
    sample["keypoints"] = points
    if sample.get("keypoint_labels") is not None and (rows is not None or points.ndim == 2):
        sample["keypoint_labels"] = chosen(sample["keypoint_labels"], rows, count, f"keypoint_labels{where}")
