"""The native renderer against NumPy's slicing and padding, closed forms and a plain float64 bilinear; and its two
instruction sets against each other, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covary import kernels
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
    Warp,
)
from covary.plan.stages import Stage, ValueStep
from covary.render.native import render

pytestmark = pytest.mark.skipif(kernels.native is None, reason="the compiled kernels are not built")

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
IMAGE_DTYPES = ["uint8", "uint16", "float32"]
LABEL_DTYPES = [*IMAGE_DTYPES, "bool", "int8", "int16", "int32", "uint32", "int64", "uint64", "float16", "float64"]
WHITE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


def picture(seed, height, width, channels, dtype="uint8"):
    generator = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return generator.random((height, width, channels)).astype(kind)
    if kind.kind == "b":
        return generator.random((height, width, channels)) < 0.5
    info = np.iinfo(kind)
    return generator.integers(info.min, info.max, (height, width, channels), kind, endpoint=True)


def sized(height, width):
    return np.array([[height, width]], np.int64)


def warp(matrix, height, width):
    return Warp(np.array(matrix, np.float64)[None], sized(height, width))


def stage(height, width, *coordinates, values=(), **options):
    steps = tuple(ValueStep(change) for change in values)
    return Stage(sized(height, width), coordinates=coordinates, values=steps, **options)


def about(angle, scale, size, source):
    """The map of an output of `size` onto a source, turned and scaled about both middles."""
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    (h, w), (hs, ws) = size, source
    return [[c, s, ws / 2 - c * w / 2 - s * h / 2], [-s, c, hs / 2 + s * w / 2 - c * h / 2], [0, 0, 1]]


def bilinear(image, x, y, border="edge"):
    """Plain float64 bilinear sampling at continuous positions; np.pad knows the borders."""
    reach = 40
    mode = {"constant": "edge"}.get(border, border)
    padded = np.pad(image.astype(float), ((reach, reach), (reach, reach), (0, 0)), mode)
    x, y = x - 0.5 + reach, y - 0.5 + reach
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = (x - left)[..., None], (y - top)[..., None]
    rows = [(1 - fx) * padded[top + k, left] + fx * padded[top + k, left + 1] for k in (0, 1)]
    return (1 - fy) * rows[0] + fy * rows[1]


def mapped(matrix, height, width):
    y, x = np.mgrid[:height, :width] + 0.5
    points = np.asarray(matrix) @ np.stack([x, y, np.ones_like(x)]).reshape(3, -1)
    return (points[0] / points[2]).reshape(height, width), (points[1] / points[2]).reshape(height, width)


@pytest.fixture(params=["simd", "portable"])
def one(request, monkeypatch):
    """Renders one picture through stages, with either instruction set."""
    monkeypatch.setattr(kernels, "simd", request.param == "simd")
    return lambda stages, source: render(stages if isinstance(stages, list) else [stages], [source])[0]


# Random numbers


@pytest.mark.parametrize(
    ("seed", "epoch", "key", "slot", "words"),
    [
        (0, 0, 0, 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (2**64 - 1, 2**32 - 1, 2**64 - 1, 2**32 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            0x299F31D0A4093822,
            0x13198A2E,
            0x85A308D3243F6A88,
            0x03707344,
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_published_random123_vectors(seed, epoch, key, slot, words):
    blocks = kernels.native.philox(
        seed, np.array([epoch], np.uint32), np.array([key], np.uint64), np.array([slot], np.uint32)
    )
    assert blocks.dtype == np.uint32 and blocks.shape == (1, 1, 4)
    assert tuple(blocks[0, 0]) == words


def test_philox_of_a_batch_is_that_of_its_samples():
    epochs, keys = np.arange(5, dtype=np.uint32), np.arange(5, dtype=np.uint64) * np.uint64(2**60 + 7)
    slots = np.array([3, 0, 9], np.uint32)
    batch = kernels.native.philox(9, epochs, keys, slots)
    for b in range(5):
        for s in range(3):
            alone = kernels.native.philox(9, epochs[b : b + 1], keys[b : b + 1], slots[s : s + 1])
            assert (alone[0, 0] == batch[b, s]).all()


def test_philox_refuses_unequal_lengths():
    with pytest.raises(ValueError, match="keys"):
        kernels.native.philox(0, np.zeros(2, np.uint32), np.zeros(3, np.uint64), np.zeros(1, np.uint32))


# Exact geometry: bit-equal to NumPy

TURNS = {
    "flip": (lambda h, w: ([[-1, 0, w], [0, 1, 0], [0, 0, 1]], h, w), lambda a: a[:, ::-1]),
    "upside down": (lambda h, w: ([[1, 0, 0], [0, -1, h], [0, 0, 1]], h, w), lambda a: a[::-1]),
    "quarter turn": (lambda h, w: ([[0, -1, w], [1, 0, 0], [0, 0, 1]], w, h), np.rot90),
    "half turn": (lambda h, w: ([[-1, 0, w], [0, -1, h], [0, 0, 1]], h, w), lambda a: np.rot90(a, 2)),
    "three quarters": (lambda h, w: ([[0, 1, 0], [-1, 0, h], [0, 0, 1]], w, h), lambda a: np.rot90(a, 3)),
    "transpose": (lambda h, w: ([[0, 1, 0], [1, 0, 0], [0, 0, 1]], w, h), lambda a: a.transpose(1, 0, 2)),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("dtype", LABEL_DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_turns_equal_numpy_slicing(one, turn, dtype, channels):
    interpolation = "linear" if dtype in IMAGE_DTYPES else "nearest"
    describe, truth = TURNS[turn]
    for seed, (height, width) in enumerate([(1, 1), (1, 9), (13, 1), (5, 6), (37, 70), (64, 33)]):
        source = picture(seed, height, width, channels, dtype)
        matrix, h, w = describe(height, width)
        turned = one(stage(h, w, warp(matrix, h, w), interpolation=interpolation), source)
        assert turned.dtype == source.dtype
        np.testing.assert_array_equal(turned, truth(source))
        planar = one(stage(h, w, warp(matrix, h, w), interpolation=interpolation, layout="CHW"), source)
        np.testing.assert_array_equal(planar, truth(source).transpose(2, 0, 1))


@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64"])
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 2), (20, 31)])
def test_padding_equals_numpy_pad(one, border, dtype, size):
    source = picture(1, *size, 3, dtype)
    top, left, bottom, right = 23, 17, 5, 40
    h, w = size[0] + top + bottom, size[1] + left + right
    moved = stage(h, w, warp([[1, 0, -left], [0, 1, -top], [0, 0, 1]], h, w), border=border, interpolation="nearest")
    np.testing.assert_array_equal(one(moved, source), np.pad(source, ((top, bottom), (left, right), (0, 0)), border))


@pytest.mark.parametrize("dtype", LABEL_DTYPES)
@pytest.mark.parametrize("turned", [False, True])
def test_constant_padding_equals_numpy_pad(one, dtype, turned):
    source = picture(2, 8, 11, 2, dtype)
    colour = np.array([[1.0, 0.0]])
    padded = np.stack(
        [np.pad(source[..., c], ((3, 2), (4, 1)), constant_values=int(colour[0, c])) for c in range(2)], axis=-1
    )
    matrix = np.array([[1, 0, -4], [0, 1, -3], [0, 0, 1.0]])
    if turned:
        padded, matrix = padded.transpose(1, 0, 2), matrix @ np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    h, w = padded.shape[:2]
    moved = stage(h, w, warp(matrix, h, w), border="constant", interpolation="nearest", values=[Fill(colour)])
    np.testing.assert_array_equal(one(moved, source), padded)


@pytest.mark.parametrize("dtype", IMAGE_DTYPES)
def test_flip_then_float_is_the_flipped_picture(one, dtype):
    source = picture(3, 21, 43, 3, dtype)
    flip = stage(21, 43, warp([[-1, 0, 43], [0, 1, 0], [0, 0, 1]], 21, 43), dtype="float32", layout="CHW")
    np.testing.assert_array_equal(one(flip, source), source[:, ::-1].transpose(2, 0, 1).astype(np.float32))


# Sampling


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype", IMAGE_DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (30, 41)])
def test_turned_sampling_equals_plain_bilinear(one, border, dtype, channels, size):
    source = picture(4, *size, channels, dtype)
    for matrix in (
        about(0.4, 0.8, (23, 70), size),
        [[0.37, 0, 1.2], [0, -0.6, 9.5], [0, 0, 1]],
        [[0.6, 0.2, 1], [-0.1, 0.5, 2], [0.003, -0.002, 1]],
    ):
        x, y = mapped(matrix, 23, 70)
        reach = (x > -38) & (x < size[1] + 38) & (y > -38) & (y < size[0] + 38)
        truth = bilinear(source, np.where(reach, x, 0), np.where(reach, y, 0), border)
        sampled = one(stage(23, 70, warp(matrix, 23, 70), border=border, dtype="float32"), source)
        error = np.abs(sampled - truth)[reach] / WHITE[dtype]
        assert error.max(initial=0) < 1e-4


def test_position_is_kept_to_a_thousandth_of_a_pixel_ten_thousand_pixels_out(one):
    ramp = np.broadcast_to(np.arange(10_000, dtype=np.float32)[None, :, None], (3, 10_000, 1))
    matrix = about(1e-5, 0.99, (3, 10_000), (3, 10_000))
    x, _ = mapped(matrix, 3, 10_000)
    sampled = one(stage(3, 10_000, warp(matrix, 3, 10_000)), np.ascontiguousarray(ramp))[..., 0]
    assert np.abs(sampled - np.clip(x - 0.5, 0, 9999)).max() < 1e-3


@pytest.mark.parametrize("dtype", LABEL_DTYPES)
@pytest.mark.parametrize("matrix", [about(0.7, 1.3, (40, 50), (31, 37)), [[0.31, 0, 1], [0, 0.7, 2], [0, 0, 1]]])
def test_nearest_equals_numpy_indexing(one, dtype, matrix):
    source = picture(5, 31, 37, 2, dtype)
    x, y = mapped(matrix, 40, 50)
    rows, columns = np.clip(np.floor(y), 0, 30).astype(int), np.clip(np.floor(x), 0, 36).astype(int)
    sampled = one(stage(40, 50, warp(matrix, 40, 50), interpolation="nearest"), source)
    np.testing.assert_array_equal(sampled, source[rows, columns])


@pytest.mark.parametrize("dtype", IMAGE_DTYPES)
@pytest.mark.parametrize("channels", [1, 3])
def test_cubic_reproduces_parabolas(one, dtype, channels):
    # Keys' kernel with a = -0.5 is exact for polynomials of degree 2.
    y, x = np.mgrid[:40, :40]
    parabola = lambda u, v: 0.1 + 3e-4 * (u - 9) ** 2 + 2e-4 * (v - 20) ** 2  # noqa: E731
    white = 1.0 if dtype == "float32" else WHITE[dtype]
    source = np.repeat((white * parabola(x, y))[..., None], channels, axis=2).astype(dtype)
    matrix = about(0.3, 0.5, (40, 40), (40, 40))
    u, v = mapped(matrix, 40, 40)
    turned = stage(40, 40, warp(matrix, 40, 40), interpolation="cubic", dtype="float32")
    error = np.abs(one(turned, source)[..., 0] - white * parabola(u - 0.5, v - 0.5))
    assert error.max() < {"uint8": 1.3, "uint16": 1.3, "float32": 1e-5}[dtype]


@pytest.mark.parametrize("size", [(24, 24), (7, 130)])
def test_even_displacement_equals_a_translation(one, size):
    source = picture(6, *size, 3)
    grid = np.broadcast_to(np.float32([1.25, -0.5]), (3, 4, 2)).copy()
    moved = one(stage(*size, Displace((grid,)), border="reflect", dtype="float32"), source)
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    np.testing.assert_allclose(moved, bilinear(source, x + 1.25, y - 0.5, "reflect"), atol=1e-2)


@pytest.mark.parametrize("knots", [(1, 1), (1, 3), (4, 1), (5, 6), (2, 90)])
@pytest.mark.parametrize("before", [False, True])
def test_displacement_follows_its_knots_linearly(one, knots, before):
    # On a ramp in x, a displaced picture shows the positions themselves.
    width, height = 80, 30
    ramp = np.broadcast_to(np.arange(width, dtype=np.float32)[None, :, None], (height, width, 1)).copy()
    grid = np.random.default_rng(8).uniform(-3, 3, (*knots, 2)).astype(np.float32)
    chain = [Displace((grid,))]
    if before:
        chain.insert(0, warp([[1, 0, 2], [0, 1, 0], [0, 0, 1]], height, width))
    shown = one(stage(height, width, *chain), ramp)[..., 0]
    y, x = np.mgrid[:height, :width] + 0.5
    columns = np.linspace(0, width, knots[1]) if knots[1] > 1 else np.zeros(1)
    rows = np.linspace(0, height, knots[0]) if knots[0] > 1 else np.zeros(1)
    along = np.stack([np.interp(x[0], columns, row) for row in grid[..., 0]])
    offset = np.stack([np.interp(y[:, 0], rows, column) for column in along.T], axis=1)
    np.testing.assert_allclose(shown, np.clip(x + offset - 0.5 + 2 * before, 0, width - 1), atol=1e-4)


def test_fill_blends_like_a_picture_in_a_frame_of_that_colour(one):
    source = picture(9, 20, 20, 3, "float32")
    colour = np.array([0.25, 0.5, 0.75])
    framed = np.broadcast_to(colour, (60, 60, 3)).astype(np.float32).copy()
    framed[20:40, 20:40] = source
    for matrix in (about(0.5, 1.4, (30, 30), (20, 20)), [[1.7, 0, -5.3], [0, 1.2, -4.1], [0, 0, 1]]):
        x, y = mapped(matrix, 30, 30)
        turned = stage(30, 30, warp(matrix, 30, 30), border="constant", values=[Fill(colour[None])])
        np.testing.assert_allclose(one(turned, source), bilinear(framed, x + 20, y + 20), atol=1e-5)


@pytest.mark.parametrize("dtype", IMAGE_DTYPES)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("levels", [(1, 1), (2, 1), (0, 3)])
def test_halving_equals_block_means(one, dtype, channels, levels):
    times_x, times_y = 2 ** levels[0], 2 ** levels[1]
    source = picture(10, 8 * times_y, 37 * times_x, channels, dtype)
    matrix = np.diag([times_x, times_y, 1.0])
    halved = one(stage(8, 37, warp(matrix, 8, 37), levels=np.array([levels]), dtype="float32"), source)
    means = source.reshape(8, times_y, 37, times_x, channels).astype(float).mean(axis=(1, 3))
    np.testing.assert_allclose(halved, means, atol=0.501 if dtype != "float32" else 1e-6)
    assert dtype == "float32" or (halved == np.rint(halved)).all()


def test_last_odd_pixel_stands_alone(one):
    source = np.array([0, 8, 16, 24, 100], np.uint8)[None, :, None]
    for times, truth in ((1, [4, 20, 100]), (2, [12, 100]), (3, [56])):
        matrix = np.diag([2.0**times, 1, 1])
        n = len(truth)
        halved = one(stage(1, n, warp(matrix, 1, n), levels=np.array([[times, 0]])), source)
        assert halved[0, :, 0].tolist() == truth


# Values


@pytest.mark.parametrize("dtype", IMAGE_DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 6])
def test_colour_equals_a_matrix_product(one, dtype, channels):
    source = picture(11, 9, 77, channels, dtype)
    generator = np.random.default_rng(0)
    first, second = generator.normal(0, 0.5, (2, 1, channels, channels + 1))
    shown = one(stage(9, 77, values=[Colour(first), Colour(second)], dtype="float32"), source)
    truth = source.astype(float)
    for matrix in (first[0], second[0]):
        truth = truth @ matrix[:, :-1].T + matrix[:, -1]
    np.testing.assert_allclose(shown, truth, atol=1e-5 * WHITE[dtype] * channels)


def test_pivot_adds_the_mean_luma(one):
    source = picture(12, 31, 45, 3)
    luma = (source.astype(float) @ [0.299, 0.587, 0.114]).mean()
    identity, pivot = np.eye(3, 4)[None], np.array([[0.5, -1.0, 0.0]])
    half = Colour(np.concatenate([np.eye(3) * 0.5, np.full((3, 1), 10)], axis=1)[None])
    shown = one(stage(31, 45, values=[half, Colour(identity, pivot)], dtype="float32"), source)
    np.testing.assert_allclose(shown, source * 0.5 + 10 + pivot[0] * (luma * 0.5 + 10), atol=1e-3)


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("tables", ["shared", "own"])
@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_curve_equals_numpy_indexing(one, channels, tables, layout):
    source = picture(13, 50, 61, channels)
    table = np.random.default_rng(1).uniform(-20, 280, (1, channels if tables == "own" else 1, 256)).astype(np.float32)
    shown = one(stage(50, 61, values=[Curve(table)], layout=layout), source)
    truth = np.stack([table[0, c if tables == "own" else 0][source[..., c]] for c in range(channels)], axis=-1)
    truth = np.rint(np.clip(truth, 0, 255)).astype(np.uint8)
    np.testing.assert_array_equal(shown, truth if layout == "HWC" else truth.transpose(2, 0, 1))


def test_float_curve_interpolates_like_numpy(one):
    source = picture(14, 20, 30, 1, "float32") * 1.4 - 0.2
    table = np.linspace(0, 1, 65536, dtype=np.float32) ** 2
    shown = one(stage(20, 30, values=[Curve(table[None, None])]), source.astype(np.float32))
    np.testing.assert_allclose(shown, np.clip(source, 0, 1) ** 2, atol=1e-6)


def test_rounding_is_to_even_and_clipped_as_in_numpy(one):
    source = np.zeros((1, 8, 1), np.uint8)
    for value in (-3.0, 0.5, 1.5, 2.5, 254.5, 255.4, 300.0, 1e30):
        shown = one(stage(1, 8, values=[Colour(np.array([[[1.0, value]]]))]), source)
        assert (shown == np.clip(np.rint(value), 0, 255)).all()


def test_gaussian_field_has_its_mean_deviation_and_independent_channels(one):
    source = np.zeros((256, 300, 3), np.float32)
    field = GaussianField(np.array([2.0]), np.array([0.5]), np.array([77], np.uint64))
    noise = one(stage(256, 300, values=[field]), source)
    assert abs(noise.mean() - 0.5) < 0.03 and abs(noise.std() - 2) < 0.03
    assert abs(np.corrcoef(noise.reshape(-1, 3).T) - np.eye(3)).max() < 0.02
    assert abs(np.corrcoef(noise[:, 1:, 0].ravel(), noise[:, :-1, 0].ravel())[0, 1]) < 0.02
    shared = one(stage(256, 300, values=[replace(field, per_channel=False)]), source)
    assert (shared == shared[..., :1]).all() and (shared[..., 0] == noise[..., 0]).all()


def test_noise_numbers_are_philox_words_at_their_places(one):
    # Erase noise shows the 16-bit numbers themselves on a uint16 picture.
    stream = 0x123456789ABCDEF0
    erase = Erase(
        np.array([[[0, 0, 200, 3]]], np.int32), np.ones(1, np.int32), "noise", stream=np.array([stream], np.uint64)
    )
    shown = one(stage(3, 200, values=[erase]), np.zeros((3, 200, 2), np.uint16))
    for x in (0, 7, 8, 31, 32, 63, 64, 137, 199):
        group, r = divmod(x, 64)
        block = 8 * group + r % 8
        words = kernels.native.philox(
            stream, np.array([1], np.uint32), np.array([2 << 32 | block], np.uint64), np.array([3], np.uint32)
        )
        assert shown[2, x, 1] == (int(words[0, 0, r // 8 % 4]) >> (16 * (r // 32))) & 0xFFFF


def test_impulses_change_their_share_of_pixels(one):
    source = np.full((300, 300, 3), 100, np.uint8)
    shown = one(stage(300, 300, values=[Impulses(np.array([0.2]), np.array([0.25]), np.array([5], np.uint64))]), source)
    assert abs((shown == 255).all(axis=2).mean() - 0.05) < 0.005
    assert abs((shown == 0).all(axis=2).mean() - 0.15) < 0.01
    assert ((shown == 100).all(axis=2) | (shown != 100).all(axis=2)).all()


def test_erase_equals_slice_assignment(one):
    source = picture(15, 40, 50, 3)
    rectangles = np.array(
        [[[5, 6, 20, 9], [-4, -4, 3, 3], [45, 30, 99, 99], [10, 10, 5, 30], [0, 0, 50, 40]]], np.int32
    )
    erase = Erase(rectangles, np.array([4], np.int32), "constant", colour=np.array([[1.0, 2.0, 3.0]]))
    truth = source.copy()
    for x0, y0, x1, y1 in ((5, 6, 20, 9), (0, 0, 3, 3), (45, 30, 50, 40)):
        truth[y0:y1, x0:x1] = (1, 2, 3)
    np.testing.assert_array_equal(one(stage(40, 50, values=[erase]), source), truth)


@pytest.mark.parametrize("dtype", IMAGE_DTYPES)
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("size", [(1, 1), (2, 40), (23, 37)])
def test_filters_equal_correlation_of_the_padded_picture(one, dtype, channels, size):
    source = picture(16, *size, channels, dtype)
    generator = np.random.default_rng(3)
    down, across = generator.random((2, 5)) / 3
    mirrored = np.array([0, 0.1, 0.2, 0.4, 0.2, 0.1, 0])
    for rows, columns in ((down, across), (mirrored, mirrored), (np.array([1.0]), mirrored)):
        reach_y, reach_x = len(rows) // 2, len(columns) // 2
        padded = source.astype(float)
        # np.pad reflects periodically, whatever the reach.
        padded = np.pad(padded, ((reach_y, reach_y), (reach_x, reach_x), (0, 0)), "reflect")
        window = np.lib.stride_tricks.sliding_window_view(padded, (len(rows), len(columns)), axis=(0, 1))
        truth = np.einsum("yxcij,i,j->yxc", window, rows, columns)
        for kernel in (
            Filter(kernel_y=rows[None], kernel_x=columns[None]),
            Filter(kernel=np.outer(rows, columns)[None]),
        ):
            shown = one(stage(*size, filter=kernel, dtype="float32"), source)
            np.testing.assert_allclose(shown, truth, atol=2e-6 * WHITE[dtype])
            stored = one(stage(*size, filter=kernel), source)
            np.testing.assert_allclose(stored, truth, atol=0.51 if dtype != "float32" else 1e-5)


# The call


def _everything(seed, batch, dtype, channels):
    """A plan that goes through most of the code: a warp with noise and paint, then a filter."""
    generator = np.random.default_rng(seed)
    sources = [picture(seed + b, *generator.integers(1, 60, 2), channels, dtype) for b in range(batch)]
    sizes = generator.integers(1, 90, (batch, 2))
    white = WHITE[dtype]
    matrices = np.array(
        [
            about(generator.uniform(-3, 3), generator.uniform(0.2, 2), sizes[b], sources[b].shape[:2])
            for b in range(batch)
        ]
    )
    matrices[generator.random(batch) < 0.3, 2, :2] = 1e-3
    streams = generator.integers(0, 2**63, batch, np.uint64)
    values = (
        ValueStep(Fill(generator.uniform(0, white, (batch, channels)))),
        ValueStep(
            Colour(
                generator.normal(0, 0.7, (batch, channels, channels + 1)),
                generator.normal(0, 0.2, (batch, channels)),
            ),
            generator.random(batch) < 0.8,
        ),
        ValueStep(GaussianField(np.full(batch, 0.1 * white), np.zeros(batch), streams)),
        ValueStep(Impulses(np.full(batch, 0.1), np.full(batch, 0.5), streams)),
        ValueStep(
            Erase(
                generator.integers(-5, 70, (batch, 3, 4)).astype(np.int32),
                generator.integers(0, 4, batch).astype(np.int32),
                "noise",
                stream=streams,
            )
        ),
    )
    grids = tuple(generator.normal(0, 2, (3, 4, 2)).astype(np.float32) for _ in range(batch))
    first = Stage(
        sizes,
        coordinates=(Warp(matrices, sizes), Displace(grids)) if generator.random() < 0.5 else (Warp(matrices, sizes),),
        border="constant",
        interpolation=str(generator.choice(["linear", "linear", "cubic", "nearest"])),
        levels=generator.integers(0, 2, (batch, 2)) if generator.random() < 0.3 else None,
        values=values,
    )
    kernel = generator.random((batch, 5))
    second = Stage(sizes, filter=Filter(kernel_y=kernel / 3, kernel_x=kernel / 3), dtype="float32", layout="CHW")
    return [first, second], sources


@quick
@given(
    seed=st.integers(0, 2**31),
    dtype=st.sampled_from(IMAGE_DTYPES),
    channels=st.sampled_from([1, 2, 3, 4, 5]),
    cut=st.booleans(),
)
def test_both_instruction_sets_give_equal_bits(seed, dtype, channels, cut):
    stages, sources = _everything(seed, 2, dtype, channels)
    stages = stages[:1] if cut else stages
    simd = kernels.native.render(stages, sources, None, 1, True)
    portable = kernels.native.render(stages, sources, None, 1, False)
    for a, b in zip(simd, portable, strict=True):
        assert a.tobytes() == b.tobytes()


@quick
@given(
    seed=st.integers(0, 2**31),
    dtype=st.sampled_from(IMAGE_DTYPES),
    channels=st.sampled_from([1, 2, 3, 4, 9]),
    border=st.sampled_from(BORDERS),
    width=st.sampled_from([16, 32, 64, 80, 131]),
)
def test_both_instruction_sets_sample_wide_rows_alike(seed, dtype, channels, border, width):
    generator = np.random.default_rng(seed)
    size = (int(generator.integers(60, 90)), int(generator.integers(60, 140)))
    # Most of the rows lie inside the source, some cross its edges.
    matrix = about(generator.uniform(-3, 3), generator.uniform(0.1, 0.6), (40, width), size)
    stages = [stage(40, width, warp(matrix, 40, width), border=border, dtype=generator.choice([None, "float32"]))]
    sources = [picture(seed, *size, channels, dtype)]
    simd, portable = (kernels.native.render(stages, sources, None, 1, simd)[0] for simd in (True, False))
    assert simd.tobytes() == portable.tobytes()


@settings(quick, max_examples=15)
@given(seed=st.integers(0, 2**31))
def test_threads_batches_and_given_outputs_change_nothing(seed):
    stages, sources = _everything(seed, 5, "uint8", 3)
    before = [source.copy() for source in sources]
    batch = render(stages, sources)
    outputs = [np.full_like(image, -1) for image in batch]
    threaded = render(stages, sources, outputs=outputs, threads=3)
    for b in range(5):
        assert threaded[b] is outputs[b]
        alone = render([one_stage.take(np.array([b])) for one_stage in stages], [sources[b]])[0]
        assert alone.tobytes() == batch[b].tobytes() == threaded[b].tobytes()
        np.testing.assert_array_equal(sources[b], before[b])


def test_a_function_runs_between_native_stages():
    source = picture(17, 6, 7, 3)
    flip = stage(6, 7, warp([[-1, 0, 7], [0, 1, 0], [0, 0, 1]], 6, 7))
    pixels = stage(6, 7, pixels=Pixels(lambda image, shift: image >> shift, ({"shift": 2},)))
    truth = (source[:, ::-1] >> 2)[:, ::-1]
    np.testing.assert_array_equal(render([flip, pixels, flip], [source])[0], truth)
    finished = replace(pixels, dtype="float32", layout="CHW")
    np.testing.assert_array_equal(render([finished], [source])[0], (source >> 2).transpose(2, 0, 1).astype(np.float32))
    output = np.zeros_like(source)
    assert render([pixels], [source], outputs=[output])[0] is output
    np.testing.assert_array_equal(output, source >> 2)


def test_a_function_that_changes_the_shape_is_refused():
    pixels = stage(4, 4, pixels=Pixels(lambda image: image[:2], ({},)))
    with pytest.raises(ValueError, match=r"stages\[0\].pixels"):
        render([pixels], [picture(0, 4, 4, 3)])


def test_sliced_sources_are_read_as_they_look():
    source = picture(18, 20, 30, 3)
    identity = stage(10, 15, values=[Colour(np.eye(3, 4)[None])])
    np.testing.assert_array_equal(render([identity], [source[::2, ::-2]])[0], source[::2, ::-2])


def test_empty_outputs_and_batches_are_allowed():
    source = picture(19, 5, 5, 3)
    crop = stage(0, 4, warp(np.eye(3), 0, 4))
    assert render([crop], [source])[0].shape == (0, 4, 3)
    assert render([Stage(np.zeros((0, 2), np.int64))], []) == []


SQUARE = np.zeros((4, 4, 3), np.uint8)
MISTAKES = [
    ("size", stage(4, 5), [SQUARE]),
    ("size", Stage(np.zeros((2, 2), np.int64)), [SQUARE]),
    ("size", stage(4, 4, warp(np.eye(3), 5, 4)), [SQUARE]),
    ("size", stage(-1, 4, warp(np.eye(3), -1, 4)), [SQUARE]),
    ("size", stage(4, 4, warp(np.eye(3), 4, 4)), [np.zeros((0, 3, 3), np.uint8)]),
    ("coordinates.matrix", stage(4, 4, Warp(np.eye(3), sized(4, 4))), [SQUARE]),
    ("coordinates.grids", stage(4, 4, Displace((np.zeros((2, 2, 3), np.float32),))), [SQUARE]),
    ("coordinates.grids", stage(4, 4, Displace((np.zeros((0, 2, 2), np.float32),))), [SQUARE]),
    ("coordinates.grids", stage(4, 4, Displace(())), [SQUARE]),
    ("border", stage(4, 4, border="mirror"), [SQUARE]),
    ("interpolation", stage(4, 4, interpolation="lanczos"), [SQUARE]),
    ("layout", stage(4, 4, layout="NHWC"), [SQUARE]),
    ("dtype", stage(4, 4, dtype="float64"), [SQUARE]),
    ("levels", stage(4, 4, levels=np.array([[0, 99]])), [SQUARE]),
    ("Colour.matrix", stage(4, 4, values=[Colour(np.zeros((1, 3, 3)))]), [SQUARE]),
    ("Colour.pivot", stage(4, 4, values=[Colour(np.zeros((1, 3, 4)), np.zeros((1, 2)))]), [SQUARE]),
    ("Curve.table", stage(4, 4, values=[Curve(np.zeros((1, 1, 255), np.float32))]), [SQUARE]),
    ("Curve.table", stage(4, 4, values=[Curve(np.zeros((1, 2, 256), np.float32))]), [SQUARE]),
    ("Curve.table", stage(4, 4, values=[Curve(())]), [SQUARE]),
    ("Curve.table", stage(4, 4, values=[Curve((np.zeros((1, 1, 256), np.float32),))]), [SQUARE]),
    ("Curve.table", stage(4, 4, values=[Curve((np.zeros((2, 256), np.float32),))]), [SQUARE]),
    ("Fill.colour", stage(4, 4, values=[Fill(np.zeros((1, 4)))]), [SQUARE]),
    (
        "Erase.count",
        stage(4, 4, values=[Erase(np.zeros((1, 2, 4), np.int32), np.array([3]), "constant", np.zeros((1, 3)))]),
        [SQUARE],
    ),
    (
        "GaussianField.stream",
        stage(4, 4, values=[GaussianField(np.ones(1), np.ones(1), np.ones(1))]),
        [SQUARE],
    ),
    ("kernel_x", stage(4, 4, filter=Filter(kernel_y=np.ones((1, 3)), kernel_x=np.ones((1, 2)))), [SQUARE]),
    ("sources", stage(4, 4), [np.zeros((4, 4), np.uint8)]),
    ("sources", stage(4, 4), [np.zeros((4, 4, 3), complex)]),
    ("linear|nearest", stage(4, 4, warp(np.eye(3), 4, 4)), [np.zeros((4, 4, 1), np.int32)]),
]


@pytest.mark.parametrize(("field", "wrong", "sources"), MISTAKES)
def test_what_does_not_fit_is_refused_by_name(field, wrong, sources):
    with pytest.raises(ValueError, match=field):
        render([wrong], sources)


def test_outputs_that_do_not_fit_are_refused():
    for output in (
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 3, 3), np.uint8),
        np.zeros((4, 8, 3), np.uint8)[:, ::2],
    ):
        with pytest.raises(ValueError, match="outputs"):
            render([stage(4, 4)], [SQUARE], outputs=[output])
    for together in (
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
        np.zeros((1, 4, 3, 4), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint16),
        np.zeros((1, 4, 8, 3), np.uint8)[:, :, ::2],
    ):
        with pytest.raises(ValueError, match="outputs"):
            render([stage(4, 4)], [SQUARE], outputs=together)
    frozen = np.zeros((4, 4, 3), np.uint8)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="writable"):
        render([stage(4, 4)], [SQUARE], outputs=[frozen])


@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_outputs_may_lie_in_one_array(layout):
    sources = [picture(seed, 6, 7, 3) for seed in range(3)]
    flip = stage(6, 7, warp([[-1, 0, 7], [0, 1, 0], [0, 0, 1]], 6, 7), layout=layout).take(np.zeros(3, np.int64))
    room = np.zeros((5, 6, 7, 3) if layout == "HWC" else (5, 3, 6, 7), np.uint8)
    assert render([flip], sources, outputs=room[1:4]).base is room
    truth = [source[:, ::-1] if layout == "HWC" else source[:, ::-1].transpose(2, 0, 1) for source in sources]
    np.testing.assert_array_equal(room[1:4], truth)
    assert not room[[0, 4]].any()


def test_simd_can_be_turned_off_by_the_environment():
    code = "from covary import kernels; assert kernels.simd is False"
    subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"COVARY_SIMD": "off", "PYTHONPATH": ":".join(sys.path)},
        check=True,
    )
