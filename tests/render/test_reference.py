"""The reference renderer against outside truths: NumPy slicing and padding, SciPy, scikit-image, closed forms."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats
from scipy.interpolate import RegularGridInterpolator
from skimage.color import rgb2gray
from skimage.measure import block_reduce

from covary.draws.laws import law_table
from covary.plan.changes import (
    BORDERS,
    Colour,
    Curve,
    Displace,
    Erase,
    Fill,
    Filter,
    GaussianField,
    Impulses,
    Pixels,
    Shade,
    SignalNoise,
    Warp,
)
from covary.plan.stages import Stage, ValueStep
from covary.render.reference import render

SCIPY_MODES = {
    "reflect": "mirror",
    "symmetric": "reflect",
    "edge": "nearest",
    "wrap": "grid-wrap",
    "constant": "grid-constant",
}
DTYPES = (np.uint8, np.uint16, np.float32)


def picture(height, width, channels=3, dtype=np.uint8, seed=0):
    generator = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return generator.random((height, width, channels)).astype(dtype)
    if np.dtype(dtype).kind == "b":
        return generator.random((height, width, channels)) < 0.5
    info = np.iinfo(dtype)
    return generator.integers(info.min, info.max, (height, width, channels), dtype, endpoint=True)


def stage_of(size, *coordinates, values=(), **others):
    steps = tuple(value if isinstance(value, ValueStep) else ValueStep(value) for value in values)
    return Stage(size=np.array([size]), coordinates=coordinates, values=steps, **others)


def warp(matrix, size):
    return Warp(matrix=np.array([matrix], float), size=np.array([size]))


def shift(dx, dy, size):
    return warp([[1, 0, dx], [0, 1, dy], [0, 0, 1]], size)


def rendered(stage, image, **others):
    return render([stage], [image], **others)[0]


# Exact geometry


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("interpolation", ["nearest", "linear", "cubic"])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_border_equals_numpy_pad(border, interpolation, data):
    height, width = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    left, right, top, bottom = data.draw(st.tuples(*[st.integers(0, 25)] * 4))
    image = picture(height, width, 2, data.draw(st.sampled_from(DTYPES)))
    size = (height + top + bottom, width + left + right)
    colour = np.array([[3.0, 200.0]]) if image.dtype.kind == "u" else np.array([[0.25, 2.0]])
    stage = stage_of(
        size,
        shift(-left, -top, size),
        border=border,
        interpolation=interpolation,
        values=[Fill(colour)] if border == "constant" else [],
    )
    padding = ((top, bottom), (left, right))
    for channel in range(2):
        extra = {"constant_values": image.dtype.type(colour[0, channel])} if border == "constant" else {}
        expected = np.pad(image[..., channel], padding, mode=border, **extra)
        np.testing.assert_array_equal(rendered(stage, image)[..., channel], expected)


@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap"])
def test_border_many_periods_away_equals_a_window_of_numpy_pad(border):
    image = picture(3, 4)
    far = np.pad(image, ((60, 60), (60, 60), (0, 0)), mode=border)
    for dx, dy in [(-53, -40), (31, -59), (50, 44), (-60, 55)]:
        moved = rendered(stage_of((5, 5), shift(dx, dy, (5, 5)), border=border), image)
        np.testing.assert_array_equal(moved, far[60 + dy : 65 + dy, 60 + dx : 65 + dx])


@pytest.mark.parametrize("interpolation", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_flips_turns_and_crops_equal_numpy_slicing(interpolation, dtype):
    image = picture(5, 8, 3, dtype)
    cases = [
        ([[-1, 0, 8], [0, 1, 0], [0, 0, 1]], image[:, ::-1]),
        ([[1, 0, 0], [0, -1, 5], [0, 0, 1]], image[::-1]),
        ([[0, 1, 0], [1, 0, 0], [0, 0, 1]], image.transpose(1, 0, 2)),
        # A quarter turn anticlockwise: the output's left column is the source's top row, read from the right.
        ([[0, -1, 8], [1, 0, 0], [0, 0, 1]], np.rot90(image, 1)),
        ([[0, 1, 0], [-1, 0, 5], [0, 0, 1]], np.rot90(image, 3)),
        ([[-1, 0, 8], [0, -1, 5], [0, 0, 1]], np.rot90(image, 2)),
        ([[1, 0, 2], [0, 1, 1], [0, 0, 1]], image[1:4, 2:7]),
    ]
    for matrix, expected in cases:
        size = expected.shape[:2]
        stage = stage_of(size, warp(matrix, size), interpolation=interpolation)
        np.testing.assert_array_equal(rendered(stage, image), expected)


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "int64", "uint32", "uint64", "float16", "float64"])
def test_labels_of_any_dtype_move_whole_like_numpy_pad(dtype):
    image = picture(4, 5, 1, np.dtype(dtype))
    size = (8, 9)
    stage = stage_of(
        size, shift(-2, -2, size), border="constant", interpolation="nearest", values=[Fill(np.array([[1.0]]))]
    )
    moved = rendered(stage, image)
    assert moved.dtype == image.dtype
    np.testing.assert_array_equal(moved[..., 0], np.pad(image[..., 0], 2, constant_values=image.dtype.type(1)))


def test_64_bit_labels_are_exact_and_their_fill_is_kept_in_range():
    image = np.array([[[2**63 - 1], [-(2**63) + 1]]], np.int64)
    stage = stage_of(
        (1, 3),
        shift(0, 0, (1, 3)),
        border="constant",
        interpolation="nearest",
        values=[Fill(np.array([[1e30]]))],
    )
    np.testing.assert_array_equal(rendered(stage, image).ravel(), [2**63 - 1, -(2**63) + 1, 2**63 - 1])


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint32"])
def test_fill_of_labels_is_rounded_to_even_and_kept_in_range(dtype):
    image = np.zeros((1, 1, 1), dtype)
    for value in (0.5, 1.5, 2.5, -3.0, 1e30, -1e30, np.nan):
        stage = stage_of(
            (1, 1),
            shift(9, 0, (1, 1)),
            border="constant",
            interpolation="nearest",
            values=[Fill(np.array([[value]]))],
        )
        if np.isnan(value):
            expected = 0
        elif dtype == "bool":
            expected = bool(value)
        else:
            expected = min(max(round(value), np.iinfo(dtype).min), np.iinfo(dtype).max)
        assert rendered(stage, image).item() == expected


# Sampling


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("seed", range(4))
def test_linear_sampling_equals_scipy_map_coordinates(border, seed):
    image = picture(7, 9, 1, np.float32, seed)
    angle = seed + 0.3
    matrix = [[np.cos(angle), 1.3 * np.sin(angle), -4.2], [-np.sin(angle), np.cos(angle), 2.7], [0, 0, 1]]
    size = (12, 14)
    values = [Fill(np.array([[0.7]]))] if border == "constant" else []
    got = rendered(stage_of(size, warp(matrix, size), border=border, values=values), image)
    ys, xs = np.mgrid[: size[0], : size[1]] + 0.5
    places = np.tensordot(np.array(matrix)[:2], np.stack([xs, ys, np.ones(size)]), 1) - 0.5
    expected = ndimage.map_coordinates(
        image[..., 0].astype(float), places[::-1], order=1, mode=SCIPY_MODES[border], cval=0.7
    )
    np.testing.assert_allclose(got[..., 0], expected, atol=1e-6)


def test_projective_warp_equals_scipy_map_coordinates():
    image = picture(20, 30, 1, np.float32)
    matrix = np.array([[1.1, 0.2, -2], [0.1, 0.9, 1], [0.004, -0.003, 1]])
    got = rendered(stage_of((18, 25), warp(matrix, (18, 25)), border="reflect"), image)
    ys, xs = np.mgrid[:18, :25] + 0.5
    across, down, w = np.tensordot(matrix, np.stack([xs, ys, np.ones((18, 25))]), 1)
    expected = ndimage.map_coordinates(
        image[..., 0].astype(float), [down / w - 0.5, across / w - 0.5], order=1, mode="mirror"
    )
    np.testing.assert_allclose(got[..., 0], expected, atol=1e-6)


def test_cubic_sampling_reproduces_quadratics_inside():
    ys, xs = np.mgrid[:12, :12]
    image = (0.01 * xs**2 - 0.02 * xs * ys + 0.005 * ys**2 + 0.1 * xs + 0.3)[..., None].astype(np.float32)
    matrix = np.array([[0.55, 0.1, 2.3], [-0.08, 0.6, 3.1], [0, 0, 1]])
    got = rendered(stage_of((9, 9), warp(matrix, (9, 9)), interpolation="cubic"), image)
    oy, ox = np.mgrid[:9, :9] + 0.5
    x, y, _ = np.tensordot(matrix, np.stack([ox, oy, np.ones((9, 9))]), 1) - 0.5
    np.testing.assert_allclose(got[..., 0], 0.01 * x**2 - 0.02 * x * y + 0.005 * y**2 + 0.1 * x + 0.3, atol=2e-6)


def test_cubic_sampling_of_an_impulse_equals_keys_kernel():
    image = np.zeros((1, 9, 1), np.float32)
    image[0, 4] = 1
    offsets = np.linspace(-2.5, 2.5, 41)
    for offset in offsets:
        got = rendered(stage_of((1, 1), shift(4 + offset, 0, (1, 1)), interpolation="cubic"), image)
        d = abs(offset)
        near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
        assert got.item() == pytest.approx(near if d <= 1 else far if d <= 2 else 0, abs=1e-6)


def test_nearest_sampling_takes_the_pixel_under_the_position():
    image = picture(6, 7)
    matrix = [[0.37, 0.11, -0.4], [-0.09, 0.41, 0.7], [0, 0, 1]]
    got = rendered(stage_of((11, 13), warp(matrix, (11, 13)), interpolation="nearest"), image)
    for y in range(11):
        for x in range(13):
            sx = int(np.floor(0.37 * (x + 0.5) + 0.11 * (y + 0.5) - 0.4))
            sy = int(np.floor(-0.09 * (x + 0.5) + 0.41 * (y + 0.5) + 0.7))
            np.testing.assert_array_equal(got[y, x], image[min(max(sy, 0), 5), min(max(sx, 0), 6)])


def test_lost_samples_read_the_first_pixel_and_are_painted():
    image = picture(3, 3, 1)
    inf, nan = np.inf, np.nan
    for matrix in [
        [[nan, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[inf, 0, 0], [0, 1, 0], [0, 0, 1]],
        [[1, 0, 0], [0, 1, 0], [0, 0, 0]],
        [[1, 0, 0], [0, 1, 0], [0, 0, -1]],
        [[1, 0, 1e30], [0, 1, 0], [0, 0, 1]],
    ]:
        for interpolation in ("nearest", "linear", "cubic"):
            for border in BORDERS:
                stage = stage_of((2, 2), warp(matrix, (2, 2)), border=border, interpolation=interpolation)
                assert (rendered(stage, image) == image[0, 0]).all()
            stage = stage_of(
                (2, 2),
                warp(matrix, (2, 2)),
                border="constant",
                interpolation=interpolation,
                values=[Fill(np.array([[77.0]]))],
            )
            assert (rendered(stage, image) == 77).all()


def test_infinite_neighbours_of_weight_0_do_not_leak():
    image = np.array([[[np.inf], [1.0], [np.nan]]], np.float32)
    for interpolation in ("nearest", "linear", "cubic"):
        stage = stage_of((1, 3), shift(0, 0, (1, 3)), interpolation=interpolation)
        np.testing.assert_array_equal(rendered(stage, image), image)


# Displacement


def test_displacement_equals_scipy_resampled_grid():
    image = picture(10, 16, 1, np.float32)
    grid = np.random.default_rng(1).normal(0, 1.5, (4, 5, 2)).astype(np.float32)
    got = rendered(stage_of((10, 16), Displace(grids=(grid,)), border="symmetric"), image)
    ys, xs = np.mgrid[:10, :16] + 0.5
    knots = [ys * 3 / 10, xs * 4 / 16]
    dx, dy = (ndimage.map_coordinates(grid[..., i].astype(float), knots, order=1) for i in (0, 1))
    expected = ndimage.map_coordinates(
        image[..., 0].astype(float), [ys + dy - 0.5, xs + dx - 0.5], order=1, mode="reflect"
    )
    np.testing.assert_allclose(got[..., 0], expected, atol=1e-6)


def test_displacement_of_one_knot_is_a_translation_by_slicing():
    image = picture(8, 9)
    grid = np.array([[[2.0, -1.0]]], np.float32)
    got = rendered(stage_of((8, 9), Displace(grids=(grid,)), border="edge"), image)
    np.testing.assert_array_equal(got[1:, :-2], image[:-1, 2:])


def test_displacement_after_a_warp_acts_on_the_warps_canvas():
    # Crop, then a displacement that grows linearly over the crop's width, then a flip: in closed form.
    image = np.arange(40, dtype=np.float32).reshape(1, 40, 1)
    grid = np.array([[[0.0, 0.0], [5.0, 0.0]]], np.float32)
    stage = stage_of(
        (1, 10),
        shift(7, 0, (1, 10)),
        Displace(grids=(grid,)),
        warp([[-1, 0, 10], [0, 1, 0], [0, 0, 1]], (1, 10)),
    )
    position = 10 - (np.arange(10) + 0.5)
    np.testing.assert_allclose(rendered(stage, image)[0, :, 0], position * 1.5 + 7 - 0.5, rtol=1e-6)


# Levels


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("levels", [(1, 0), (0, 1), (1, 1), (2, 1), (2, 3)])
def test_levels_equal_skimage_block_reduce(levels, dtype):
    image = picture(16, 8, 2, dtype)
    along_x, along_y = levels
    size = (16 >> along_y, 8 >> along_x)
    matrix = np.diag([2.0**along_x, 2.0**along_y, 1])
    stage = stage_of(size, warp(matrix, size), levels=np.array([levels]), dtype="float32")
    means = block_reduce(image.astype(float), (2**along_y, 2**along_x, 1), np.mean)
    expected = means if image.dtype.kind == "f" else np.rint(means)
    np.testing.assert_array_equal(rendered(stage, image), expected.astype(np.float32))


def test_last_odd_pixel_of_a_level_stands_alone():
    image = np.array([[[0], [2], [4], [8], [10]]], np.uint8)
    one = stage_of((1, 3), warp(np.diag([2.0, 1, 1]), (1, 3)), levels=np.array([[1, 0]]))
    np.testing.assert_array_equal(rendered(one, image).ravel(), [1, 6, 10])
    two = stage_of((1, 2), warp(np.diag([4.0, 1, 1]), (1, 2)), levels=np.array([[2, 0]]))
    np.testing.assert_array_equal(rendered(two, image).ravel(), [4, 10])


# Filters


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3, 2), (9, 11)])
@pytest.mark.parametrize("kernel_shape", [(1, 1), (3, 3), (5, 1), (3, 7)])
def test_filters_equal_scipy_correlate(shape, kernel_shape):
    generator = np.random.default_rng(2)
    image = picture(*shape, 2, np.float32)
    kernel = generator.normal(size=kernel_shape)
    got = rendered(stage_of(shape, filter=Filter(kernel=kernel[None])), image)
    expected = ndimage.correlate(image.astype(float), kernel[..., None], mode="mirror")
    np.testing.assert_allclose(got, expected, atol=1e-5)
    down, across = kernel[:, 0], kernel[0]
    got = rendered(stage_of(shape, filter=Filter(kernel_y=down[None], kernel_x=across[None])), image)
    expected = ndimage.correlate(image.astype(float), np.outer(down, across)[..., None], mode="mirror")
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_filter_refuses_another_size_and_kernels_missing_or_even():
    image = picture(4, 4)
    with pytest.raises(ValueError, match=r"stage.size: sample 0 is \(4, 4\)"):
        rendered(stage_of((3, 4), filter=Filter(kernel=np.ones((1, 3, 3)))), image)
    with pytest.raises(ValueError, match="expected kernel_y and kernel_x"):
        rendered(stage_of((4, 4), filter=Filter(kernel_x=np.ones((1, 3)))), image)
    with pytest.raises(ValueError, match="kernel_x has odd lengths"):
        rendered(stage_of((4, 4), filter=Filter(kernel_x=np.ones((1, 2)))), image)


# Values


def values_of(image, *changes):
    """Unclipped float32 values after the changes."""
    return rendered(stage_of(image.shape[:2], values=changes, dtype="float32"), image)


def test_colour_equals_the_matrix_product():
    image = picture(4, 5, 3, np.uint8)
    matrix = np.random.default_rng(0).normal(size=(1, 3, 4))
    expected = np.einsum("ij,hwj->hwi", matrix[0, :, :3], image.astype(float)) + matrix[0, :, 3]
    np.testing.assert_allclose(values_of(image, Colour(matrix)), expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_pivot_adds_the_mean_luma(channels):
    image = picture(6, 7, channels, np.float32)
    if channels == 3:
        mean = image.astype(float).mean(axis=(0, 1)) @ [0.299, 0.587, 0.114]
    else:
        mean = image.astype(float).mean()
    matrix = np.concatenate([0.5 * np.eye(channels), np.full((channels, 1), 0.1)], axis=1)[None]
    pivot = np.linspace(0.2, 0.8, channels)[None]
    got = values_of(image, Colour(matrix, pivot=pivot))
    np.testing.assert_allclose(got, 0.5 * image + 0.1 + pivot[0] * mean, atol=1e-6)


def test_mean_luma_is_near_skimage_grey():
    # Rec. 709 weights there, Rec. 601 here: equal on grey pictures, near on others.
    grey = np.repeat(picture(6, 7, 1, np.float32), 3, axis=2)
    matrix = np.concatenate([np.zeros((3, 3)), np.zeros((3, 1))], axis=1)[None]
    got = values_of(grey, Colour(matrix, pivot=np.ones((1, 3))))
    np.testing.assert_allclose(got, rgb2gray(grey).mean(), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("tables", [1, 3])
def test_curve_equals_numpy_take(dtype, tables):
    image = picture(5, 6, 3, dtype)
    white = np.iinfo(dtype).max
    table = np.random.default_rng(0).uniform(0, white, (1, tables, white + 1)).astype(np.float32)
    got = values_of(image, Curve(table))
    for channel in range(3):
        np.testing.assert_array_equal(got[..., channel], table[0, channel % tables][image[..., channel]])


def test_curve_of_floats_equals_numpy_interp():
    image = np.linspace(-0.2, 1.2, 300, dtype=np.float32).reshape(10, 30, 1)
    table = (np.linspace(0, 1, 65536) ** 0.4).astype(np.float32)[None, None]
    expected = np.interp(image.astype(float), np.linspace(0, 1, 65536), table[0, 0].astype(float))
    np.testing.assert_allclose(values_of(image, Curve(table)), expected, atol=1e-7)


def test_curve_rounds_ties_to_even_and_clips():
    image = np.array([[[0], [1], [2], [3], [255]]], np.uint8)
    table = np.arange(256, dtype=np.float32)[None, None]
    half = Colour(np.array([[[1.0, 0.5]]]))
    np.testing.assert_array_equal(values_of(image, half, Curve(table)).ravel(), [0, 2, 2, 4, 255])
    below = Colour(np.array([[[1.0, -2.0]]]))
    np.testing.assert_array_equal(values_of(image, below, Curve(table)).ravel(), [0, 0, 0, 1, 253])


@pytest.mark.parametrize("dtype", DTYPES)
def test_curve_takes_nan_as_black_and_infinity_as_the_nearer_end(dtype):
    levels = 256 if dtype == np.uint8 else 65536
    table = np.linspace(3, 4, levels, dtype=np.float32)[None, None]
    for value, expected in ((np.nan, 3), (-np.inf, 3), (np.inf, 4)):
        spoilt = Colour(np.array([[[0.0, value]]]))
        assert (values_of(picture(2, 2, 1, dtype), spoilt, Curve(table)) == expected).all()


def test_gaussian_noise_follows_the_normal_distribution():
    image = np.full((120, 131, 3), 100, np.uint8)
    noise = GaussianField(scale=np.array([7.0]), mean=np.array([2.0]), stream=np.array([12345], np.uint64))
    got = values_of(image, noise).astype(float) - 100
    assert abs(got.mean() - 2) < 5 * 7 / np.sqrt(got.size)
    assert got.std() == pytest.approx(7, rel=0.02)
    assert stats.kstest((got.ravel() - 2) / 7, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(got[..., 0].ravel(), got[..., 1].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(got[:, 1:, 0].ravel(), got[:, :-1, 0].ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(got[1:, :, 0].ravel(), got[:-1, :, 0].ravel())[0, 1]) < 0.03


def test_shared_gaussian_noise_is_alike_in_all_channels():
    image = np.full((20, 30, 3), 100, np.uint8)
    stream = np.array([3], np.uint64)
    shared = values_of(image, GaussianField(np.array([5.0]), np.array([0.0]), stream, per_channel=False))
    own = values_of(image, GaussianField(np.array([5.0]), np.array([0.0]), stream))
    np.testing.assert_array_equal(shared, np.repeat(own[..., :1], 3, axis=2))


@pytest.mark.parametrize("shape", [(1, 1, 2, 1), (2, 2, 2, 3), (4, 7, 2, 1), (9, 3, 2, 3)])
def test_shades_equal_scipys_linear_interpolation_at_pixel_centres(shape):
    image = picture(23, 31, 3, np.float32)
    grid = np.random.default_rng(3).uniform(-1, 2, shape).astype(np.float32)
    rows, columns = (
        np.linspace(0, side, knots) if knots > 1 else np.array([0.0, side])
        for side, knots in ((23, shape[0]), (31, shape[1]))
    )
    whole = np.broadcast_to(grid, (max(2, shape[0]), max(2, shape[1]), 2, shape[3]))
    centres = np.stack(np.mgrid[:23, :31], axis=-1) + 0.5
    gain, offset = np.moveaxis(RegularGridInterpolator((rows, columns), whole)(centres), 2, 0)
    np.testing.assert_allclose(values_of(image, Shade((grid,))), image * gain + offset, atol=1e-6)


def test_shades_of_other_shapes_are_refused():
    for shape in ((2, 2, 1, 3), (2, 2, 2, 2), (0, 2, 2, 1)):
        with pytest.raises(ValueError, match=r"Shade\.grids"):
            values_of(picture(4, 4, 3, np.uint8), Shade((np.zeros(shape, np.float32),)))


def test_impulses_strike_the_stated_shares():
    image = picture(200, 210, 3, np.float32) * 0.8 + 0.1
    got = values_of(image, Impulses(np.array([0.3]), np.array([0.25]), np.array([8], np.uint64)))
    white, black = (got == 1).all(axis=2), (got == 0).all(axis=2)
    np.testing.assert_array_equal(got[~white & ~black], image[~white & ~black])
    assert white.mean() == pytest.approx(0.075, abs=0.007)
    assert black.mean() == pytest.approx(0.225, abs=0.01)


def test_impulses_of_all_and_of_none():
    image = picture(9, 9, 1, np.uint8) // 2 + 10
    stream = np.array([8], np.uint64)
    assert (values_of(image, Impulses(np.array([1.0]), np.array([1.0]), stream)) == 255).all()
    assert (values_of(image, Impulses(np.array([1.0]), np.array([0.0]), stream)) == 0).all()
    np.testing.assert_array_equal(values_of(image, Impulses(np.array([0.0]), np.array([1.0]), stream)), image)


def test_erase_equals_numpy_slicing():
    image = picture(10, 12, 2)
    rectangles = np.array([[[2, 3, 5, 7], [-4, -4, 2, 1], [9, 8, 99, 99], [6, 5, 6, 9], [7, 4, 5, 2], [0, 0, 12, 10]]])
    change = Erase(rectangles, np.array([5]), "constant", colour=np.array([[9.0, -7.5]]))
    expected = image.astype(np.float32)
    expected[3:7, 2:5] = expected[:1, :2] = expected[8:, 9:] = (9, -7.5)
    np.testing.assert_array_equal(values_of(image, change), expected)


def test_erase_by_noise_is_uniform_and_stays_inside():
    image = np.full((80, 90, 3), -1, np.float32)
    change = Erase(np.array([[[10, 20, 70, 80]]]), np.array([1]), "noise", stream=np.array([4], np.uint64))
    got = values_of(image, change)
    painted = got[20:80, 10:70].astype(float)
    assert stats.kstest(painted.ravel(), "uniform").pvalue > 1e-3
    assert painted.min() >= 0 and painted.max() <= 1
    got[20:80, 10:70] = -1
    np.testing.assert_array_equal(got, image)


def test_fill_equals_blending_with_a_padded_colour():
    # Linear sampling of a constant border: as if the colour stood in every pixel outside (SciPy's grid-constant).
    image = picture(5, 6, 1, np.float32)
    matrix = [[0.8, 0.6, -2.1], [-0.6, 0.8, 3.3], [0, 0, 1]]
    brighter = Colour(np.array([[[2.0, 0.25]]]))
    values = [Fill(np.array([[0.4]])), brighter]
    got = rendered(stage_of((9, 9), warp(matrix, (9, 9)), border="constant", values=values), image)
    ys, xs = np.mgrid[:9, :9] + 0.5
    places = np.tensordot(np.array(matrix)[:2], np.stack([xs, ys, np.ones((9, 9))]), 1) - 0.5
    blended = ndimage.map_coordinates(
        image[..., 0].astype(float), places[::-1], order=1, mode="grid-constant", cval=0.4
    )
    np.testing.assert_allclose(got[..., 0], 2 * blended + 0.25, atol=1e-6)


def test_fill_hides_whatever_stands_at_the_edge():
    image = np.array([[[np.nan], [0.5], [np.inf]]], np.float32)
    for interpolation in ("nearest", "linear", "cubic"):
        stage = stage_of(
            (1, 7),
            shift(-2, 0, (1, 7)),
            border="constant",
            interpolation=interpolation,
            values=[Fill(np.array([[0.25]])), Colour(np.array([[[2.0, 0.0]]]))],
        )
        expected = [0.5, 0.5, np.nan, 1, np.inf, 0.5, 0.5]
        np.testing.assert_array_equal(rendered(stage, image).ravel(), expected)


def test_fill_is_rounded_only_where_integers_are_stored():
    image = picture(2, 2, 1)
    for dtype, expected in ((None, 10), ("float32", 10.5)):
        stage = stage_of(
            (1, 1),
            shift(-5, 0, (1, 1)),
            border="constant",
            interpolation="nearest",
            values=[Fill(np.array([[10.5]]))],
            dtype=dtype,
        )
        assert rendered(stage, image).item() == expected


def test_steps_touch_active_samples_only():
    images = [picture(3, 4, 1, seed=i) for i in range(3)]
    double = Colour(np.tile(np.array([[[2.0, 0.0]]]), (3, 1, 1)))
    stage = Stage(
        size=np.array([[3, 4]] * 3), values=(ValueStep(double, np.array([True, False, True])),), dtype="float32"
    )
    for image, got, factor in zip(images, render([stage], images), (2, 1, 2), strict=True):
        np.testing.assert_array_equal(got, image.astype(np.float32) * factor)


# Storing, and the call itself


def test_integers_are_stored_rounded_to_even_and_clipped():
    image = np.array([[[0], [1], [2], [100], [255]]], np.uint8)
    stage = stage_of((1, 5), values=[Colour(np.array([[[2.5, 0.0]]]))])
    np.testing.assert_array_equal(rendered(stage, image).ravel(), [0, 2, 5, 250, 255])
    stage = stage_of((1, 5), values=[Colour(np.array([[[-1.0, 2.0]]]))])
    np.testing.assert_array_equal(rendered(stage, image).ravel(), [2, 1, 0, 0, 0])
    stage = stage_of((1, 5), values=[Colour(np.array([[[np.nan, 0.0]]]))])
    np.testing.assert_array_equal(rendered(stage, image).ravel(), [0, 0, 0, 0, 0])


def test_chw_layout_is_the_transposed_picture():
    image = picture(4, 5, 3)
    got = rendered(stage_of((4, 5), layout="CHW", dtype="float32"), image)
    np.testing.assert_array_equal(got, image.transpose(2, 0, 1).astype(np.float32))
    assert got.flags.c_contiguous


def test_outputs_are_filled_and_returned_and_sources_stay():
    images = [picture(4, 5, seed=i) for i in range(3)]
    before = [image.copy() for image in images]
    outputs = [np.empty((3, 4, 5), np.float32) for _ in images]
    stage = Stage(size=np.array([[4, 5]] * 3), dtype="float32", layout="CHW")
    got = render([stage], images, outputs=outputs, threads=2)
    assert all(a is b for a, b in zip(got, outputs, strict=True))
    for image, old, output in zip(images, before, outputs, strict=True):
        np.testing.assert_array_equal(image, old)
        np.testing.assert_array_equal(output, image.transpose(2, 0, 1))
    with pytest.raises(ValueError, match="outputs: expected float32"):
        render([stage], images, outputs=[np.empty((4, 5, 3), np.float32)] * 3)


def test_pictures_between_stages_are_rounded_to_their_dtype():
    image = np.array([[[1], [3]]], np.uint8)
    half, double = (stage_of((1, 2), values=[Colour(np.array([[[f, 0.0]]]))]) for f in (0.5, 2.0))
    np.testing.assert_array_equal(render([half, double], [image])[0].ravel(), [0, 4])


def test_pixels_function_is_called_with_a_copy_and_its_parameters():
    def add(image, amount):
        image += amount
        return image

    image = picture(4, 4) // 2
    before = image.copy()
    got = rendered(stage_of((4, 4), pixels=Pixels(add, ({"amount": 3},))), image)
    np.testing.assert_array_equal(got, before + 3)
    np.testing.assert_array_equal(image, before)
    with pytest.raises(ValueError, match="has to return the same"):
        rendered(stage_of((4, 4), pixels=Pixels(lambda image: image[:2], ({},))), image)


def test_wrong_inputs_are_refused_by_name():
    stage = stage_of((2, 2), values=[Colour(np.zeros((1, 1, 2)))])
    with pytest.raises(ValueError, match="float64"):
        rendered(stage, np.zeros((2, 2, 1)))
    with pytest.raises(ValueError, match="describes 1 samples"):
        render([stage], [])
    with pytest.raises(ValueError, match=r"sample 0 is \(3, 3\) after the stage's geometry, got \(2, 2\)"):
        rendered(stage_of((2, 2), shift(0, 0, (3, 3))), np.zeros((4, 4, 1), np.uint8))
    erase = Erase(np.zeros((1, 2, 4), np.int32), np.array([3]), "constant", colour=np.zeros((1, 1)))
    with pytest.raises(ValueError, match=r"Erase\.count"):
        rendered(stage_of((2, 2), values=[erase]), np.zeros((2, 2, 1), np.uint8))
    with pytest.raises(ValueError, match="at least one pixel"):
        rendered(stage, np.zeros((0, 2, 1), np.uint8))
    two = Stage(size=np.array([[2, 2]] * 2))
    with pytest.raises(ValueError, match="share dtype and channels"):
        render([two], [np.zeros((2, 2, 1), np.uint8), np.zeros((2, 2, 3), np.uint8)])


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = np.array([[[np.nan], [np.inf], [1e38]]], np.float32)
        rendered(stage_of((1, 3), values=[Colour(np.array([[[1e30, 0.0]]]))]), image)
        rendered(stage_of((2, 3), warp(np.full((3, 3), np.nan), (2, 3))), image)


def signal_noise(image, model="additive", variance=0.0, slope=0.0, gain=0.0, **others):
    parts = (np.array([part], float) for part in (variance, slope, gain))
    return values_of(image, SignalNoise(model, *parts, np.array([12345], np.uint64), **others))


@pytest.mark.parametrize(("variance", "slope", "gain"), [(9, 0, 0), (0, 2, 0), (0, 0, 0.1), (4, 1, 0.05)])
def test_signal_noise_has_the_variance_of_its_formula(variance, slope, gain):
    for level in (0, 20, 200):
        noise = signal_noise(np.full((200, 200, 1), level, np.uint8), "additive", variance, slope, gain) - level
        wanted = variance + slope * level + (gain * level) ** 2
        assert abs(noise.mean()) < 0.03 * wanted**0.5 + 1e-9
        assert abs(noise.var() - wanted) <= 0.03 * wanted


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("uniform", stats.uniform()),
        ("gaussian", stats.norm()),
        ("laplace", stats.laplace()),
        ("beta", stats.beta(0.7, 3)),
        ("rayleigh", stats.rayleigh()),
        ("exponential", stats.expon()),
    ],
)
def test_laws_of_noise_equal_scipys(name, law):
    image = np.zeros((300, 300, 1), np.float32)
    table = law_table(name, 0.7, 3)[None]
    z = signal_noise(image, variance=1.0, law=table).ravel()
    assert stats.kstest(z * law.std() + law.mean(), law.cdf).statistic < 0.006
    assert abs(z.mean()) < 0.015 and abs(z.std() - 1) < 0.015


@pytest.mark.parametrize("mean", [0.1, 1, 3, 5.9, 6.1, 10, 40])
def test_counts_equal_scipys_poisson(mean):
    counts = np.concatenate(
        [signal_noise(np.full((200, 300, 3), mean * 2, np.float32), "counts", slope=2.0).ravel() / 2]
    )
    assert (counts == np.rint(counts)).all() and counts.min() >= 0
    shares = np.bincount(counts.astype(int), minlength=80)[:80] / counts.size
    np.testing.assert_allclose(shares, stats.poisson.pmf(np.arange(80), mean), atol=0.004)


def test_black_counts_nothing_and_no_slope_changes_nothing():
    assert (signal_noise(np.zeros((50, 50, 3), np.uint8), "counts", slope=30.0) == 0).all()
    image = picture(20, 30)
    np.testing.assert_array_equal(signal_noise(image, "counts"), image)
    np.testing.assert_array_equal(signal_noise(image), image)


@pytest.mark.parametrize("level", [0, 10, 100])
def test_magnitudes_follow_scipys_rice(level):
    noise = signal_noise(np.full((200, 200, 1), level, np.uint8), "magnitude", variance=100.0).ravel()
    assert stats.kstest(noise / 10, stats.rice(level / 10).cdf).statistic < 0.012


def test_impulses_take_colours_and_channels_of_their_own():
    image = np.full((100, 100, 3), 7, np.uint8)
    half, none, stream = np.array([0.5]), np.array([0.0]), np.array([8], np.uint64)
    painted = values_of(image, Impulses(half, none, stream, colour=np.array([[1.0, 2.0, 3.0]])))
    changed = (painted != 7).any(axis=2)
    np.testing.assert_array_equal(painted[changed], np.tile([1, 2, 3], (changed.sum(), 1)))
    each = values_of(image, Impulses(half, none, stream, per_channel=True)) == 0
    assert abs(each.mean() - 0.5) < 0.02 and abs((each[..., 0] & each[..., 1]).mean() - 0.25) < 0.02
    noisy = values_of(image, Impulses(np.ones(1), none, stream, noise=True))
    assert stats.kstest(noisy.ravel() / 255, "uniform").statistic < 0.01
