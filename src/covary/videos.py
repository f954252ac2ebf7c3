"""Videos and the labels of their frames, through the operations on images of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.courses import Courses
from covary.images import Images
from covary.pictures import as_picture
from covary.plan.changes import Image
from covary.stacks import Fields, FrameNoise, vary_stacks
from covary.targets.carry import MOVED


def vary_videos(
    images: Images,
    samples: Sequence[Mapping[str, Any]],
    courses: Courses,
    threads: int,
    noise: FrameNoise,
) -> list[Fields]:
    """Vary B samples with a video, all frames of one alike.

    Args:
        images: how pictures are treated.
        samples: with `video`, (T, H, W) or (T, H, W, C) in uint8, uint16 or float32, and the labels that pictures have,
            each with one entry for every frame; all other fields come back as they are.
        courses: where the numbers come from.
        threads: cores to use.
        noise: whether each frame has noise of its "own" or the "same".

    Returns:
        The fields of each sample. A label that came as one array is one array again if the frames' parts agree.

    Raises:
        TypeError, ValueError: a video or a label of a wrong form.
    """
    several = len(samples) > 1
    places = [f" of sample {row}" if several else "" for row in range(len(samples))]
    videos = [as_video(sample["video"], f"video{where}") for sample, where in zip(samples, places, strict=True)]
    fields = [
        frame_fields(sample, len(video), where) for sample, video, where in zip(samples, videos, places, strict=True)
    ]
    made, moved = vary_stacks(images, videos, fields, courses, threads, noise)
    varied = []
    for sample, video, labels in zip(samples, made, moved, strict=True):
        flat = sample["video"].ndim == 3 and video.shape[-1] == 1
        varied.append({**sample, "video": video[..., 0] if flat else video, **_together(labels, sample)})
    return varied


def as_video(value: Any, field: str) -> Image:
    """A user's video as a contiguous (T, H, W, C) array.

    Raises:
        TypeError: not an array, or of another dtype.
        ValueError: another number of axes, or an axis of length zero.
    """
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"{field} is a {type(value).__name__}; a NumPy array (frames, height, width, channels) is needed"
        )
    if value.ndim not in (3, 4):
        raise ValueError(
            f"{field} has shape {value.shape}; "
            "allowed are (frames, height, width) and (frames, height, width, channels)"
        )
    if 0 in value.shape:
        raise ValueError(f"{field} has shape {value.shape}; no axis may be empty")
    as_picture(value[0], field)
    return np.ascontiguousarray(value if value.ndim == 4 else value[..., None])


def frame_fields(sample: Mapping[str, Any], frames: int, where: str) -> list[Fields]:
    """The labels of each frame, from fields that hold one entry for each.

    Raises:
        ValueError: a field has not one entry for every frame.
    """
    made: list[Fields] = [{} for _ in range(frames)]
    for name, value in sample.items():
        if value is None or not _is_label(name):
            continue
        if not hasattr(value, "__len__") or len(value) != frames:
            got = f"{len(value)} entries" if hasattr(value, "__len__") else f"a {type(value).__name__}"
            raise ValueError(f"{name}{where} has {got}, the video has {frames} frames; give one entry for each frame")
        for frame, entry in zip(made, value, strict=True):
            frame[name] = [entry] if name == "masks" and np.ndim(entry) == 2 else entry
    return made


def _is_label(name: str) -> bool:
    return name in MOVED or name.endswith("_labels")


def _together(frames: Sequence[Fields], sample: Mapping[str, Any]) -> Fields:
    """The moved labels of all frames, as they came."""
    made: Fields = {}
    for name in frames[0]:
        came = sample[name]
        parts = [
            frame[name][0] if name == "masks" and np.ndim(entry) == 2 else frame[name]
            for frame, entry in zip(frames, came, strict=True)
        ]
        made[name] = _stacked(parts) if isinstance(came, np.ndarray) else type(came)(parts)
    return made


def _stacked(parts: list[Any]) -> NDArray[Any] | list[Any]:
    alike = len({np.shape(part) for part in parts}) == 1
    return np.stack(parts) if alike else parts
