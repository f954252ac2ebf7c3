"""Volumes and video: covary against Albumentations and SciPy, processor milliseconds of one thread.

python -m benchmarks.volumes
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary import Pipeline, image, volume

SIZE = (64, 128, 128)
ROUNDS = 7


def milliseconds(work: Callable[[], Any]) -> float:
    """The best of several rounds."""
    work()
    best = np.inf
    for _ in range(ROUNDS):
        start = time.thread_time()
        work()
        best = min(best, time.thread_time() - start)
    return best * 1e3


def rows() -> list[tuple[str, Callable[[], Any], Callable[[], Any]]]:
    """Name, ours, theirs."""
    import albumentations as other
    from scipy import ndimage

    rng = np.random.default_rng(0)
    body: NDArray[np.uint8] = rng.integers(0, 255, SIZE).astype(np.uint8)
    clip: NDArray[np.uint8] = rng.integers(0, 255, (16, 256, 256, 3)).astype(np.uint8)
    matrix = np.eye(3) + rng.normal(0, 0.05, (3, 3))
    places = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in SIZE), indexing="ij"))

    def ours(*operations: Any, **content: Any) -> Callable[[], Any]:
        pipeline = Pipeline(operations, threads=1)
        return lambda: pipeline(**(content or {"volume": body}))

    def theirs(*operations: Any, **content: Any) -> Callable[[], Any]:
        compose = other.Compose(list(operations))
        return lambda: compose(**(content or {"volume": body}))

    def elastic() -> Any:
        offsets = [ndimage.gaussian_filter(rng.standard_normal(SIZE), 10) * 100 for _ in range(3)]
        return ndimage.map_coordinates(body, places + np.stack(offsets), order=1)

    crop, pad = (32, 96, 96), (80, 140, 140)
    return [
        ("CenterCrop3D", ours(volume.CenterCrop3D(crop)), theirs(other.CenterCrop3D(crop, p=1))),
        ("RandomCrop3D", ours(volume.RandomCrop3D(crop)), theirs(other.RandomCrop3D(crop, p=1))),
        ("Pad3D", ours(volume.Pad3D(4)), theirs(other.Pad3D(padding=4, p=1))),
        ("PadIfNeeded3D", ours(volume.PadIfNeeded3D(*pad)), theirs(other.PadIfNeeded3D(min_zyx=pad, p=1))),
        ("CubicSymmetry", ours(volume.CubicSymmetry()), theirs(other.CubicSymmetry(p=1))),
        (
            "CoarseDropout3D",
            ours(volume.CoarseDropout3D(3)),
            theirs(other.CoarseDropout3D(num_holes_range=(3, 3), p=1)),
        ),
        (
            "Rotate, slice by slice",
            ours(image.Rotate((-30, 30), border="constant")),
            theirs(other.Rotate((-30, 30), p=1)),
        ),
        (
            "RandomAffine3D (SciPy)",
            ours(volume.RandomAffine3D()),
            lambda: ndimage.affine_transform(body, matrix, order=1),
        ),
        ("Elastic3D (SciPy)", ours(volume.Elastic3D()), elastic),
        (
            "16 frames: flip, affine, jitter, normalise",
            ours(
                image.HorizontalFlip(),
                image.Affine(rotate=15, scale=(0.8, 1.2), border="constant"),
                image.ColorJitter(0.2, 0.2, 0.2, 0.05),
                image.Normalize(),
                video=clip,
            ),
            theirs(
                other.HorizontalFlip(),
                other.Affine(rotate=(-15, 15), scale=(0.8, 1.2), p=1),
                other.ColorJitter(0.2, 0.2, 0.2, 0.05, p=1),
                other.Normalize(),
                images=clip,
            ),
        ),
    ]


def main() -> None:
    import cv2

    cv2.setNumThreads(1)
    print(f"{'':44s}{'covary':>9s}{'other':>9s}{'ratio':>8s}")
    for name, ours, theirs in rows():
        mine, other = milliseconds(ours), milliseconds(theirs)
        print(f"{name:44s}{mine:9.2f}{other:9.2f}{other / mine:7.1f}x")


if __name__ == "__main__":
    main()
