"""Volumes and their labels, through the operations of a pipeline: those on volumes, and those on images slice by slice.

The operations run in the pipeline's order. Neighbours for volumes share one walk and fuse; neighbours for images take
all slices as pictures that share one draw. A combinator with operations of both kinds is walked through for each, those
on volumes first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.courses import Courses
from covary.images import Images
from covary.ops.base import Node
from covary.ops.image.finish import Finish, Normalize
from covary.ops.volume.view import VolumeView
from covary.plan.volume import Volume, plan_volume
from covary.render.volume import draw_volume, sampled
from covary.samples import modalities_of
from covary.stacks import Fields, FrameNoise, vary_stacks
from covary.targets.carry import MOVED
from covary.targets.keypoints import Keypoints
from covary.targets.volume import carry_volume, read_mask3d

Size3D: TypeAlias = tuple[int, int, int]

DTYPES = ("uint8", "uint16", "int16", "float32")


@dataclass(slots=True, eq=False)
class _Held:
    """One volume on its way.

    Attributes:
        voxels: (D, H, W, C); (C, D, H, W) where `finished`.
        spacing: of its axes.
        fields: its labels and all else.
        where: of the sample in messages.
        finished: whether it has its final layout, channels first.
    """

    voxels: Volume
    spacing: NDArray[np.float64]
    fields: Fields
    where: str
    finished: bool = False

    @property
    def size(self) -> Size3D:
        depth, height, width = self.voxels.shape[:3]
        return depth, height, width


def vary_volumes(
    images: Images,
    samples: Sequence[Mapping[str, Any]],
    courses: Courses,
    threads: int,
    noise: FrameNoise,
) -> list[Fields]:
    """Vary B samples with a volume.

    Args:
        images: how pictures are treated; its layout has the operations on volumes too.
        samples: with `volume` (D, H, W) or (D, H, W, C) in uint8, uint16, int16 or float32 (int16 for operations on
            volumes only), perhaps its voxel `spacing` along (D, H, W), and `mask3d`, `masks3d`, `keypoints3d` with
            `keypoints3d_labels`; all other fields come back as they are.
        courses: where the numbers come from.
        threads: cores to use.
        noise: whether operations on images give each slice noise of its "own" or the "same".

    Raises:
        TypeError, ValueError: a volume or a label of a wrong form.
    """
    held = [_held(sample, f" of sample {row}" if len(samples) > 1 else "") for row, sample in enumerate(samples)]
    for of_volumes, nodes in _runs(images.layout.nodes):
        for rows in _alike(held):
            some = [held[row] for row in rows]
            chosen = np.array(rows)

            def own(part: Any, chosen: NDArray[np.intp] = chosen) -> Any:
                return courses(chosen[part])

            if of_volumes:
                _through_volumes(images, nodes, some, own, threads)
            else:
                _through_slices(images, nodes, some, own, threads, noise)
    return [_given_back(sample, one) for sample, one in zip(samples, held, strict=True)]


def as_volume(value: Any, field: str) -> Volume:
    """A user's volume as a contiguous (D, H, W, C) array.

    Raises:
        TypeError: not an array, or of another dtype.
        ValueError: another number of axes, or an axis of length zero.
    """
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{field} is a {type(value).__name__}; a NumPy array (depth, height, width) is needed")
    if value.dtype.name not in DTYPES or not value.dtype.isnative:
        raise TypeError(f"{field} has dtype {value.dtype}; allowed are {', '.join(DTYPES)}")
    if value.ndim not in (3, 4) or 0 in value.shape:
        raise ValueError(
            f"{field} has shape {value.shape}; allowed are (depth, height, width) and "
            "(depth, height, width, channels), no axis empty"
        )
    return np.ascontiguousarray(value if value.ndim == 4 else value[..., None])


def _held(sample: Mapping[str, Any], where: str) -> _Held:
    voxels = as_volume(sample["volume"], f"volume{where}")
    for name in MOVED:
        if sample.get(name) is not None:
            raise ValueError(
                f"{name}{where} goes with an image or a video; with a volume give mask3d, masks3d, keypoints3d"
            )
    spacing = sample.get("spacing")
    sides = np.ones(3) if spacing is None else np.asarray(spacing, dtype=np.float64)
    if sides.shape != (3,) or not (np.isfinite(sides) & (sides > 0)).all():
        raise ValueError(f"spacing{where} is {spacing!r}; three distances above 0, along depth, height and width")
    return _Held(voxels, sides, {name: value for name, value in sample.items() if name != "volume"}, where)


def _given_back(sample: Mapping[str, Any], one: _Held) -> Fields:
    voxels, came = one.voxels, sample["volume"]
    if came.ndim == 3 and not one.finished and voxels.shape[3] == 1:
        voxels = voxels[..., 0]
    fields = dict(one.fields)
    if sample.get("spacing") is not None:
        given = sample["spacing"]
        made = one.spacing.tolist()
        fields["spacing"] = np.array(made, dtype=given.dtype) if isinstance(given, np.ndarray) else type(given)(made)
    return {"volume": voxels.copy() if np.shares_memory(voxels, came) else voxels, **fields}


@lru_cache(maxsize=64)
def _runs(nodes: tuple[Node, ...]) -> tuple[tuple[bool, list[Node]], ...]:
    """Neighbouring operations of one kind: whether they are on volumes, else on images."""
    runs: list[tuple[bool, list[Node]]] = []
    for node in nodes:
        modalities = modalities_of([node.operation])
        for of_volumes, modality in ((True, "volume"), (False, "image")):
            if modality not in modalities:
                continue
            if not runs or runs[-1][0] != of_volumes:
                runs.append((of_volumes, []))
            runs[-1][1].append(node)
    return tuple(runs)


def _alike(held: Sequence[_Held]) -> list[list[int]]:
    """The numbers of the volumes of each dtype and channel count that are not finished."""
    kinds: dict[Any, list[int]] = {}
    for row, one in enumerate(held):
        if not one.finished:
            kinds.setdefault((one.voxels.dtype, one.voxels.shape[3]), []).append(row)
    return list(kinds.values())


def _through_volumes(
    images: Images, nodes: Sequence[Node], held: Sequence[_Held], courses: Courses, threads: int
) -> None:
    sizes = np.array([one.size for one in held], dtype=np.int64)
    first = held[0].voxels
    view: Any = VolumeView(sizes, np.array([one.spacing for one in held]), first.shape[3], first.dtype.name)
    course = courses(np.arange(len(held)))
    for node in nodes:
        view = node.operation.apply(node, course, view, None)
    reference = images.renderer == "reference"
    converts = isinstance(nodes[-1].operation, Finish)

    def render(one: Any, source: Volume, cores: int) -> Volume:
        return sampled(one, source, cores, reference)

    labels = images.labels
    for row, one in enumerate(held):
        passes = plan_volume(course.steps, row, one.size, fuse=images.fuse)
        one.fields = carry_volume(
            one.fields, passes, one.size, labels.keypoints, labels.mask_fill, render, threads, one.where
        )
        one.voxels = draw_volume(passes, one.voxels, threads=threads, reference=reference)
        one.spacing = view.spacing[row]
        one.finished = converts


def _through_slices(
    images: Images,
    nodes: Sequence[Node],
    held: Sequence[_Held],
    courses: Courses,
    threads: int,
    noise: FrameNoise,
) -> None:
    if held[0].voxels.dtype == np.int16:
        raise TypeError(
            f"volume{held[0].where} has dtype int16; operations on images take uint8, uint16 and float32 "
            "(those on volumes take int16 too): scale it first"
        )
    points = images.labels.keypoints
    flat = replace(images.labels, keypoints=Keypoints("xy", points.outside or "drop", points.pairs))
    part = replace(images, layout=replace(images.layout, nodes=tuple(nodes)), labels=flat)
    slices = [_slice_fields(one) for one in held]
    made, moved = vary_stacks(part, [one.voxels for one in held], slices, courses, threads, noise)
    channels_first = any(_channels_first(node) for node in nodes)
    for one, voxels, labels in zip(held, made, moved, strict=True):
        one.voxels = np.ascontiguousarray(np.moveaxis(voxels, 1, 0)) if channels_first else voxels
        one.finished = channels_first
        _put_slices(one, labels)


def _channels_first(node: Node) -> bool:
    operation = node.operation
    return operation.layout == "CHW" if isinstance(operation, Normalize) else isinstance(operation, Finish)


def _slice_fields(one: _Held) -> list[Fields]:
    """The labels of each slice; keypoints, whose x and y move alike in all of them, go with the first."""
    made: list[Fields] = [{} for _ in range(one.size[0])]
    fields = one.fields
    if fields.get("mask3d") is not None:
        read_mask3d(fields["mask3d"], one.size, f"mask3d{one.where}")
        for index, entry in enumerate(made):
            entry["mask"] = np.asarray(fields["mask3d"])[index]
    if fields.get("masks3d") is not None:
        for number, mask in enumerate(fields["masks3d"]):
            read_mask3d(mask, one.size, f"masks3d[{number}]{one.where}")
        for index, entry in enumerate(made):
            entry["masks"] = [np.asarray(mask)[index] for mask in fields["masks3d"]]
    if fields.get("keypoints3d") is not None:
        made[0]["keypoints"] = fields["keypoints3d"]
        if fields.get("keypoints3d_labels") is not None:
            made[0]["keypoint_labels"] = fields["keypoints3d_labels"]
    return made


def _put_slices(one: _Held, slices: Sequence[Fields]) -> None:
    first = slices[0]
    if "mask" in first:
        one.fields["mask3d"] = np.stack([entry["mask"] for entry in slices])
    if "masks" in first:
        came = one.fields["masks3d"]
        masks = [np.stack([entry["masks"][number] for entry in slices]) for number in range(len(first["masks"]))]
        if not isinstance(came, np.ndarray):
            one.fields["masks3d"] = type(came)(masks)
        elif masks:
            one.fields["masks3d"] = np.stack(masks)
    if "keypoints" in first:
        one.fields["keypoints3d"] = first["keypoints"]
    if "keypoint_labels" in first:
        one.fields["keypoints3d_labels"] = first["keypoint_labels"]
