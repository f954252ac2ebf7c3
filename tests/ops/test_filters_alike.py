"""What all filters and artefacts have in common: identities, strengths, sizes, types, and one result for one key."""

from __future__ import annotations

import pickle
import sys
from itertools import pairwise

import numpy as np
import pytest
from picturing import noise_picture
from scipy.ndimage import gaussian_filter

from covary import Pipeline, image, kernels
from covary.ops.base import Operation

ALL = [
    image.AdvancedBlur((0.5, 2.0), (0.5, 2.0), noise=0),
    image.Anisotropy(),
    image.BiasField(),
    image.Bilateral(),
    image.Blur(),
    image.ChromaticAberration((0.005, 0.02), (-0.02, -0.005)),
    image.Defocus(),
    image.Emboss(),
    image.Ghosting(),
    image.GlassBlur(),
    image.KSpaceSpike(),
    image.MedianBlur(),
    image.Morphological(),
    image.Morphological("erosion", shape="square"),
    image.MotionBlur(),
    image.RandConv(),
    image.RandomMotion((5, 10), (0.02, 0.05)),
    image.RingingOvershoot(),
    image.Sharpness((1.2, 2)),
    image.UnsharpMask(),
    image.ZoomBlur(),
]


def photograph(height: int, width: int, channels: int = 3) -> np.ndarray:
    noise = noise_picture(height, width, channels).astype(float)
    smooth = gaussian_filter(noise, (3, 3, 0))
    return np.clip(128 + (smooth - smooth.mean()) * 6 + 0.1 * (noise - 128), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_distortion_never_falls_as_strength_rises_and_is_0_at_0(operation: Operation) -> None:
    picture = photograph(64, 72)
    changes = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        pipeline = Pipeline([operation]).with_strength(strength)
        outs = [pipeline(image=picture, key=key)["image"].astype(float) for key in range(6)]
        changes.append(np.mean([np.abs(out - picture).mean() for out in outs]))
    assert changes[0] == 0 and changes[-1] > 0.3
    assert all(more >= less for less, more in pairwise(changes))


@pytest.mark.parametrize("operation", ALL, ids=repr)
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_strength_0_keeps_every_bit(operation: Operation, dtype: str) -> None:
    picture = noise_picture(17, 23, 3, dtype)
    np.testing.assert_array_equal(Pipeline([operation]).with_strength(0)(image=picture, key=5)["image"], picture)


@pytest.mark.parametrize("operation", ALL, ids=repr)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (31, 17)])
def test_all_sizes_types_and_channels_are_taken(operation: Operation, size: tuple[int, int]) -> None:
    pipeline = Pipeline([operation])
    for dtype in ("uint8", "uint16", "float32"):
        for channels in (1, 3) if isinstance(operation, image.ChromaticAberration) else (1, 2, 3, 4, 9):
            picture = noise_picture(*size, channels, dtype)
            given = picture.copy()
            out = pipeline(image=picture, key=3)["image"]
            assert out.shape == picture.shape and out.dtype == picture.dtype and np.isfinite(out).all()
            np.testing.assert_array_equal(picture, given)
            np.testing.assert_array_equal(pipeline(image=picture, key=3)["image"], out)


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_batches_and_pickled_copies_give_the_bytes_of_single_calls(operation: Operation) -> None:
    pictures = [photograph(20, 24), photograph(33, 18)]
    pipeline = Pipeline([operation], seed=9)
    singles = [pipeline(image=picture, key=key)["image"] for key, picture in enumerate(pictures)]
    copy = pickle.loads(pickle.dumps(pipeline))
    for single, key in zip(singles, range(2), strict=True):
        np.testing.assert_array_equal(copy(image=pictures[key], key=key)["image"], single)


@pytest.mark.skipif(kernels.native is None, reason="needs the compiled kernels")
@pytest.mark.parametrize(
    "operation",
    [
        image.Blur(2),
        image.Defocus(6, 0),
        image.GlassBlur(0, 3, 2),
        image.MedianBlur(1),
        image.MedianBlur(3),
        image.Morphological("opening", 2),
        image.Morphological("closing", 1, "square"),
        image.ZoomBlur(1.3),
    ],
    ids=repr,
)
def test_without_the_compiled_kernels_the_bytes_are_the_same(
    operation: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Means of float32 are OpenCV's either way.
    pictures = [noise_picture(21, 18, 3, dtype) for dtype in ("uint8", "uint16", "float32")]
    pipeline = Pipeline([operation])
    compiled = [pipeline(image=picture, key=2)["image"] for picture in pictures]

    class Without:
        native = None

    monkeypatch.setattr(sys.modules[type(operation).__module__], "kernels", Without)
    for picture, expected in zip(pictures, compiled, strict=True):
        np.testing.assert_array_equal(pipeline(image=picture, key=2)["image"], expected)


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_read_only_pictures_and_slices_of_larger_ones_give_the_same_bytes(operation: Operation) -> None:
    whole = photograph(40, 50)
    part = whole[3:30, 5:41]
    expected = Pipeline([operation])(image=np.ascontiguousarray(part), key=4)["image"]
    frozen = np.ascontiguousarray(part)
    frozen.flags.writeable = False
    for given in (part, frozen):
        np.testing.assert_array_equal(Pipeline([operation])(image=given, key=4)["image"], expected)
    np.testing.assert_array_equal(whole, photograph(40, 50))
