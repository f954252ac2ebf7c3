"""Labels of volumes: masks and points carried through the same maps as the voxels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.volume import Affine, Grid, Pass, Positions, Sampling, Volume, displacement
from covary.targets.fields import chosen, float_dtype, numbers
from covary.targets.keypoints import Keypoints
from covary.targets.masks import check_fill

Render: TypeAlias = Callable[[Sampling, Volume, int], Volume]

ROUNDS = 100
ENOUGH = 1e-6  # voxels


def carry_volume(
    sample: Mapping[str, Any],
    passes: Sequence[Pass],
    size: tuple[int, int, int],
    keypoints: Keypoints,
    mask_fill: float,
    render: Render,
    threads: int,
    where: str,
) -> dict[str, Any]:
    """Move the labels of one volume to where its voxels go; all other fields stay the same objects.

    Args:
        sample: its fields: `mask3d` (D, H, W) or (D, H, W, C), `masks3d` a list or array of them, `keypoints3d` (N, 3
            or more), x, y, z as voxel indices, with `keypoints3d_labels`.
        passes: of the volume.
        size: of its source.
        keypoints: what becomes of points outside, and which trade places when the volume is mirrored.
        mask_fill: value of masks outside the source where a border is "constant".
        render: draws one sampling.
        threads: cores to use.
        where: of the sample in messages.

    Raises:
        ValueError: a field of a wrong shape, dtype or length.
    """
    carried = dict(sample)
    moving = [one for one in passes if isinstance(one, Sampling)]
    if sample.get("mask3d") is not None:
        carried["mask3d"] = _mask(sample["mask3d"], moving, size, mask_fill, render, threads, f"mask3d{where}")
    if sample.get("masks3d") is not None:
        masks = [
            _mask(mask, moving, size, mask_fill, render, threads, f"masks3d[{number}]{where}")
            for number, mask in enumerate(sample["masks3d"])
        ]
        carried["masks3d"] = _contained(masks, sample["masks3d"], moving[-1].size if moving else size)
    if sample.get("keypoints3d") is not None:
        _carry_points(carried, moving, size, keypoints, where)
    return carried


def _contained(moved: list[Volume], came: Any, size: tuple[int, int, int]) -> Any:
    """Masks in a container of the type they came in."""
    if isinstance(came, np.ndarray):
        return np.stack(moved) if moved else np.zeros((0, *size, *came.shape[4:]), dtype=came.dtype)
    return tuple(moved) if isinstance(came, tuple) else moved


def _mask(
    mask: Any,
    moving: Sequence[Sampling],
    size: tuple[int, int, int],
    fill: float,
    render: Render,
    threads: int,
    field: str,
) -> Volume:
    voxels = read_mask3d(mask, size, field)
    check_fill(fill, voxels, field.partition("[")[0])
    moved = voxels
    outside = np.array([fill])
    for one in moving:
        nearest = replace(one, interpolation="nearest", fill=outside if one.border == "constant" else None)
        moved = render(nearest, moved, threads)
    moved = moved.copy() if moved is voxels else moved
    return moved[..., 0] if np.ndim(mask) == 3 else moved


def read_mask3d(mask: Any, size: tuple[int, int, int], field: str) -> Volume:
    """A user's mask as a contiguous (D, H, W, C) array.

    Raises:
        ValueError: the dtype is not boolean, integer or float of at most 8 bytes, or the shape is not the volume's.
    """
    array = np.asarray(mask)
    if array.dtype.kind not in "biuf" or array.dtype.itemsize not in (1, 2, 4, 8):
        raise ValueError(f"{field}: dtype {array.dtype}; allowed: bool, integers and floats of 1, 2, 4 or 8 bytes")
    if array.ndim not in (3, 4) or array.shape[:3] != tuple(size) or 0 in array.shape:
        sides = " x ".join(map(str, size))
        raise ValueError(f"{field}: shape {array.shape} does not match the volume's {sides}")
    native = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    return native if native.ndim == 4 else native[..., None]


def _carry_points(
    sample: dict[str, Any], moving: Sequence[Sampling], size: tuple[int, int, int], options: Keypoints, where: str
) -> None:
    raw = numbers(sample["keypoints3d"], f"keypoints3d{where}", 3)
    if raw.ndim != 2 or raw.shape[1] < 3:
        raise ValueError(f"keypoints3d{where}: shape {raw.shape} is not (N, 3 or more): x, y, z and further columns")
    rows = raw.astype(float_dtype(raw), order="C")
    moved, seen = travelled(rows[:, 2::-1].astype(np.float64) + 0.5, size, moving)
    if moving:
        rows[:, :3] = moved[:, ::-1] - 0.5
    order = np.arange(len(rows))
    if mirrored(moving):
        for left, right in options.pairs:
            if max(left, right) >= len(rows):
                raise ValueError(f"keypoints3d{where}: the pair ({left}, {right}) names a point beyond the {len(rows)}")
            order[[left, right]] = order[[right, left]]
    rows, seen = rows[order], seen[order]
    policy = options.outside or "drop"
    kept = np.flatnonzero(seen) if policy == "drop" and not seen.all() else None
    if policy == "hide":
        rows[~seen, :3] = np.nan
    sample["keypoints3d"] = rows if kept is None else rows[kept]
    if sample.get("keypoints3d_labels") is not None:
        sample["keypoints3d_labels"] = chosen(
            sample["keypoints3d_labels"], kept, len(raw), f"keypoints3d_labels{where}"
        )


def travelled(
    points: Positions, size: tuple[int, int, int], moving: Sequence[Sampling]
) -> tuple[Positions, NDArray[np.bool_]]:
    """Where positions of the source go, and whether they can be seen there: inside the source and on every canvas.

    Args:
        points: (N, 3) continuous positions (z, y, x).
        size: of the source.
        moving: the samplings in order.
    """
    seen = _within(points, size)
    for one in moving:
        for step in one.maps:
            points = _behind(step, points)
        seen = seen & _within(points, one.size)
    return points, seen


def _within(points: Positions, size: tuple[int, int, int]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = np.logical_and.reduce((points >= 0) & (points < np.array(size)), axis=1)
    return inside


def _behind(step: Affine | Grid, points: Positions) -> Positions:
    """Where input positions are shown: the inverse of a map."""
    if isinstance(step, Affine):
        return np.asarray(np.linalg.solve(step.matrix[:, :3], (points - step.matrix[:, 3]).T).T, dtype=np.float64)
    # The displacement is a contraction, so that repeated substitution finds the position.
    found: Positions = np.subtract(points, displacement(step, points))
    for _ in range(ROUNDS):
        better: Positions = np.subtract(points, displacement(step, found))
        change = np.abs(better - found).max(initial=0.0)
        found = better
        if change < ENOUGH:
            break
    return found


def mirrored(moving: Sequence[Sampling]) -> bool:
    """Whether left and right have traded places."""
    maps = [step for one in moving for step in one.maps if isinstance(step, Affine)]
    turns = sum(np.linalg.det(step.matrix[:, :3]) < 0 for step in maps)
    return bool(turns % 2)
