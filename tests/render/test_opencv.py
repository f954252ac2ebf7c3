"""The OpenCV renderer against outside truths; tests/render/test_renderers_agree.py compares it with the reference."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from covary.plan.changes import BORDERS, Colour, Displace, Filter, Warp
from covary.plan.stages import Stage, ValueStep
from covary.render.opencv import render
from covary.render.positions import exact_geometry


def picture(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def warped(image, matrix, size, **others):
    warp = Warp(np.array([matrix], float), np.array([size]))
    return render([Stage(np.array([size]), coordinates=(warp,), dtype="float32", **others)], [image])[0]


@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (2, 2), (5, 4)])
def test_every_border_equals_numpy_pad(border, size):
    image = picture(*size)
    out = (size[0] + 30, size[1] + 30)
    moved = warped(image, [[1, 0, -13], [0, 1, -17], [0, 0, 1]], out, border=border)
    np.testing.assert_array_equal(moved, np.pad(image, ((17, 13), (13, 17), (0, 0)), mode=border))


def test_quarter_turns_and_flips_equal_numpy():
    image = picture(5, 8)
    np.testing.assert_array_equal(warped(image, [[0, -1, 8], [1, 0, 0], [0, 0, 1]], (8, 5)), np.rot90(image))
    np.testing.assert_array_equal(warped(image, [[0, 1, 0], [-1, 0, 5], [0, 0, 1]], (8, 5)), np.rot90(image, -1))
    np.testing.assert_array_equal(warped(image, [[-1, 0, 8], [0, 1, 0], [0, 0, 1]], (5, 8)), image[:, ::-1])


def test_geometry_within_rounding_of_exact_is_exact():
    def stage(matrix):
        return Stage(np.array([[8, 5]]), coordinates=(Warp(np.array([matrix]), np.array([[8, 5]])),))

    tiny = np.cos(np.pi / 2)
    assert exact_geometry(stage([[tiny, -1, 8], [1, tiny, 1e-12], [0, 0, 1.0]]), 0).transposed
    for inexact in (
        [[1, 0, 0.5], [0, 1, 0], [0, 0, 1.0]],
        [[1, 1e-3, 0], [0, 1, 0], [0, 0, 1.0]],
        [[1, 0, 0], [0, 1, 0], [1e-9, 0, 1.0]],
        [[1, 0, 0], [0, 1, 0], [0, 0, 2.0]],
        [[1, 0, 0], [1, 0, 0], [0, 0, 1.0]],
        [[1, 0, 1e30], [0, 1, 0], [0, 0, 1.0]],
        [[1, 0, np.nan], [0, 1, 0], [0, 0, 1.0]],
        [[np.inf, 0, 0], [0, 1, 0], [0, 0, 1.0]],
    ):
        assert exact_geometry(stage(inexact), 0) is None
    displaced = Stage(np.array([[8, 5]]), coordinates=(Displace((np.zeros((1, 1, 2), np.float32),)),))
    assert exact_geometry(displaced, 0) is None


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
def test_linear_sampling_of_a_ramp_is_off_by_a_64th_of_a_pixel_at_most(channels):
    # In closed form: a ramp of 1 a pixel has the position itself as its value.
    image = np.repeat(np.arange(60, dtype=np.float32)[None, :, None], 5, axis=0) + np.arange(channels) * 10
    shift = np.linspace(0, 1, 23)
    for dx in shift:
        got = warped(image.astype(np.float32), [[1, 0, dx], [0, 1, 0], [0, 0, 1]], (5, 50))
        expected = image[:, :50] + dx
        assert np.abs(got - expected).max() <= 1 / 64 + 1e-4


def test_cubic_sampling_has_keys_kernel_and_not_opencvs():
    image = np.zeros((1, 9, 1), np.float32)
    image[0, 4] = 1
    for offset in np.linspace(-2.5, 2.5, 21) + 1e-3:
        got = warped(image, [[1, 0, 4 + offset], [0, 1, 0], [0, 0, 1]], (1, 1), interpolation="cubic")
        d = abs(offset)
        near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
        assert got.item() == pytest.approx(near if d <= 1 else far if d <= 2 else 0, abs=1e-6)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_pictures_longer_than_opencvs_limit_are_sampled_all_the_same(border, dtype):
    width = 40_000
    image = (np.arange(width, dtype=np.float32) % 100)[None, :, None].astype(dtype)
    got = warped(image, [[1, 0, 0.25], [0, 1, 0], [0, 0, 1]], (1, width - 1), border=border)
    values = image[0, :, 0].astype(float)
    np.testing.assert_allclose(got[0, :, 0], 0.75 * values[:-1] + 0.25 * values[1:], atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (30, 31)])
@pytest.mark.parametrize("kernel_shape", [(3, 3), (1, 7), (13, 13), (31, 5)])
@pytest.mark.parametrize("channels", [1, 3, 6])
def test_filters_equal_scipy_correlate(shape, kernel_shape, channels):
    image = picture(*shape, channels).astype(np.float32)
    generator = np.random.default_rng(3)
    down, across = (generator.normal(size=length) for length in kernel_shape)
    both = generator.normal(size=kernel_shape)

    def filtered(change):
        return render([Stage(np.array([shape]), filter=change)], [image])[0]

    for kernel, change in (
        (both, Filter(kernel=both[None])),
        (np.outer(down, across), Filter(kernel_y=down[None], kernel_x=across[None])),
    ):
        expected = ndimage.correlate(image.astype(float), kernel[..., None], mode="mirror")
        np.testing.assert_allclose(filtered(change), expected, atol=255e-6 * np.abs(kernel).sum())


def test_a_stage_without_any_change_copies():
    image = picture(4, 5)
    got = render([Stage(np.array([[4, 5]]))], [image])[0]
    np.testing.assert_array_equal(got, image)
    assert not np.shares_memory(got, image)
    strided = picture(8, 10)[::2, ::2]
    np.testing.assert_array_equal(render([], [strided])[0], strided)


def test_colour_equals_the_matrix_product():
    image = picture(6, 7)
    matrix = np.random.default_rng(0).normal(size=(1, 3, 4))
    stage = Stage(np.array([[6, 7]]), values=(ValueStep(Colour(matrix)),), dtype="float32", layout="CHW")
    expected = np.einsum("ij,hwj->ihw", matrix[0, :, :3], image.astype(float)) + matrix[0, :, 3][:, None, None]
    np.testing.assert_allclose(render([stage], [image])[0], expected, atol=1e-3)


def test_importing_the_renderers_does_not_import_opencv():
    code = "import sys, covary.render.opencv, covary.render.reference; assert not {'cv2', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
