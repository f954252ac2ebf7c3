"""Random pictures and stages for the tests of all renderers.

Structure (kinds, borders, sizes) is drawn by hypothesis, so that it shrinks; bulk numbers come from a seeded generator.
Numbers are kept where float32 renderers can be held to a bound: maps are well conditioned, curves have bounded slopes.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from covary.draws.laws import LAWS, law_table
from covary.plan.changes import (
    BORDERS,
    INTERPOLATIONS,
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

IMAGE_DTYPES = ("uint8", "uint16", "float32")
LABEL_DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
LABEL_DTYPES += ("float16", "float32", "float64")

MAPS = ("exact", "affine", "projective", "resize")
VALUES = ("colour", "pivot", "curve", "shade", "gaussian", "shared gaussian", "impulses", "erase", "erase noise")
SIGNALS = ("signal", "shared signal", "law", "magnitude", "coloured impulses", "noisy impulses")
VALUES += SIGNALS

lengths = st.one_of(st.integers(1, 5), st.integers(1, 40))
sizes = st.tuples(lengths, lengths)
seeds = st.integers(0, 2**32 - 1)


def white_of(dtype):
    return {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[np.dtype(dtype).name]


def random_picture(generator, size, channels, dtype):
    """White noise over the dtype's whole range (0 to 1 for floats): the hardest picture for sampling."""
    dtype, shape = np.dtype(dtype), (*size, channels)
    if dtype.kind == "f":
        return generator.random(shape).astype(dtype)
    if dtype.kind == "b":
        return generator.random(shape) < 0.5
    info = np.iinfo(dtype)
    return generator.integers(info.min, info.max, shape, dtype, endpoint=True)


@st.composite
def pictures(draw, dtypes=IMAGE_DTYPES, most=3):
    """One to `most` pictures of one dtype and channel count, sizes 1x1 and up."""
    dtype = draw(st.sampled_from(dtypes))
    channels = draw(st.sampled_from((1, 2, 3, 3, 4, 5, 9)))
    generator = np.random.default_rng(draw(seeds))
    shapes = draw(st.lists(sizes, min_size=1, max_size=most))
    return [random_picture(generator, size, channels, dtype) for size in shapes]


def exact_matrix(generator, size, out):
    """A flip, quarter turn or transpose with a whole translation that may lead several periods outside."""
    turn = np.eye(2)[generator.permutation(2)] * generator.choice((-1, 1), 2)
    reach = 4 * max(*size, *out)
    offset = generator.integers(-reach, reach + 1, 2) if generator.random() < 0.3 else generator.integers(-3, 8, 2)
    return np.block([[turn, offset[:, None].astype(float)], [np.zeros((1, 2)), np.ones((1, 1))]])


def affine_matrix(generator, size, out):
    """Rotation, shear and scale 1/4 to 4 that carries the output's middle somewhere near or far from the source's."""
    angle, shear = generator.uniform(-np.pi, np.pi), generator.uniform(-0.4, 0.4)
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, sin], [-sin, cos]]) @ [[1, shear], [0, 1]] * 2 ** generator.uniform(-2, 2)
    reach = (0.2 if generator.random() < 0.7 else 3.0) * max(size)
    middle = np.array([size[1], size[0]]) / 2 + generator.uniform(-reach, reach, 2)
    offset = middle - linear @ np.array([out[1], out[0]]) / 2
    return np.block([[linear, offset[:, None]], [np.zeros((1, 2)), np.ones((1, 1))]])


def projective_matrix(generator, size, out):
    """An affine map with a perspective that keeps w between 0.4 and 1.6 on the canvas."""
    matrix = affine_matrix(generator, size, out)
    tilt = generator.uniform(-0.3, 0.3, 2) / (out[1], out[0])
    return matrix @ np.array([[1, 0, 0], [0, 1, 0], [*tilt, 1.0]])


def resize_matrix(generator, size, out):
    """The map of a crop's resize: axis-aligned, perhaps mirrored."""
    scale = np.array([size[1] / out[1], size[0] / out[0]]) * generator.uniform(0.5, 1, 2)
    offset = generator.uniform(0, 0.5, 2) * (size[1], size[0])
    flip = generator.choice((-1, 1), 2)
    offset = np.where(flip < 0, offset + scale * (out[1], out[0]), offset)
    return np.array([[scale[0] * flip[0], 0, offset[0]], [0, scale[1] * flip[1], offset[1]], [0, 0, 1]])


MATRICES = {
    "exact": exact_matrix,
    "affine": affine_matrix,
    "projective": projective_matrix,
    "resize": resize_matrix,
}


@st.composite
def warps(draw, before, maps=MAPS):
    """A warp of pictures of the given sizes, and its output sizes."""
    generator = np.random.default_rng(draw(seeds))
    kinds = [draw(st.sampled_from(maps)) for _ in before]
    after = [draw(sizes) for _ in before]
    matrices = [MATRICES[kind](generator, *pair) for kind, *pair in zip(kinds, before, after, strict=True)]
    return Warp(np.array(matrices), np.array(after, np.int64).reshape(-1, 2)), after


@st.composite
def displacements(draw, count):
    """A displacement by up to some pixels, grids of 1 to 5 knots an axis."""
    generator = np.random.default_rng(draw(seeds))
    knots = st.tuples(st.integers(1, 5), st.integers(1, 5))
    strength = draw(st.sampled_from((0.3, 2.0, 10.0)))
    grids = tuple(generator.normal(0, strength, (*draw(knots), 2)).astype(np.float32) for _ in range(count))
    return Displace(grids)


def colour_step(generator, count, channels, white, pivot):
    matrix = np.concatenate([np.eye(channels) * 0.6, np.zeros((channels, 1))], axis=1)
    matrix = matrix + generator.uniform(-0.5, 0.5, (count, channels, channels + 1)) / channels
    matrix[..., -1] *= white * 0.3 * channels
    return Colour(matrix, generator.uniform(-0.4, 0.4, (count, channels)) if pivot else None)


def curve_step(generator, count, channels, white, levels):
    """Smooth curves with slopes of 2 at most, rising and falling, partly beyond the range."""
    x = np.linspace(0, 1, levels)
    tables = generator.choice((1, channels))
    bend, lift = generator.uniform(-1, 1, (2, count, tables, 1))
    rise = np.where(generator.random((count, tables, 1)) < 0.3, 1 - x, x)
    return Curve((white * (rise + bend * 0.5 * x * (1 - x) + lift * 0.1)).astype(np.float32))


def value_step(name, generator, dtype, count, channels, sizes):
    """One value change by the name of its kind."""
    white = white_of(dtype)
    stream = generator.integers(0, 2**64 - 1, count, np.uint64)
    if name in ("colour", "pivot"):
        return colour_step(generator, count, channels, white, name == "pivot")
    if name == "curve":
        return curve_step(generator, count, channels, white, 256 if dtype == "uint8" else 65536)
    if name == "shade":
        shapes = [(*generator.integers(1, 6, 2), 2, generator.choice((1, channels))) for _ in range(count)]
        grids = [generator.uniform(-0.5, 1.5, shape) * [[1], [white * 0.2]] for shape in shapes]
        return Shade(tuple(grid.astype(np.float32) for grid in grids))
    if name in ("gaussian", "shared gaussian"):
        scale, mean = generator.uniform(0, 0.3, count) * white, generator.uniform(-0.1, 0.1, count) * white
        return GaussianField(scale, mean, stream, per_channel=name == "gaussian")
    if name in ("signal", "shared signal", "law", "magnitude"):
        variance, slope, gain = generator.uniform(0.02, 0.1, (3, count)) * np.array([[white**2 / 10], [white], [1]])
        law = np.stack([law_table(str(generator.choice(LAWS)))] * count) if name == "law" else None
        model = "magnitude" if name == "magnitude" else "additive"
        return SignalNoise(model, variance, slope, gain, stream, per_channel=name != "shared signal", law=law)
    if name.endswith("impulses"):
        colour = generator.uniform(0, white, (count, channels)) if name == "coloured impulses" else None
        shares = generator.uniform(0, 1, (2, count))
        return Impulses(*shares, stream, name != "impulses", colour, name == "noisy impulses")
    if name == "fill":
        return Fill(generator.uniform(-0.1, 1.1, (count, channels)) * white)
    rectangles = generator.integers(-4, np.max(sizes) + 5, (count, 4, 4)).astype(np.int32)
    used = generator.integers(0, 5, count).astype(np.int32)
    if name == "erase":
        return Erase(rectangles, used, "constant", colour=generator.uniform(-0.1, 1.1, (count, channels)) * white)
    return Erase(rectangles, used, "noise", stream=stream)


def _mirrored_and_dimmed(image, shift):
    return image[::-1] >> shift if image.dtype.kind == "u" else image[::-1] / np.float32(2**shift)


@st.composite
def stages(draw, before, channels, dtype, maps=MAPS, interpolations=INTERPOLATIONS, last=True):
    """One stage of any kind for pictures of the given sizes, and its output sizes."""
    count = len(before)
    generator = np.random.default_rng(draw(seeds))
    finish = {}
    if last:
        finish = {"dtype": draw(st.sampled_from((None, "float32"))), "layout": draw(st.sampled_from(("HWC", "CHW")))}
    kind = draw(st.sampled_from(("sampling", "sampling", "sampling", "filter", "pixels")))
    same = np.array(before, np.int64).reshape(-1, 2)
    if kind == "pixels":
        parameters = tuple({"shift": int(shift)} for shift in generator.integers(0, 3, count))
        return Stage(same, pixels=Pixels(_mirrored_and_dimmed, parameters), **finish), before
    names = draw(st.lists(st.sampled_from(VALUES), max_size=4))
    if kind == "filter":
        values = _steps(draw, names, generator, dtype, count, channels, before)
        return Stage(same, filter=_kernel(draw, generator, count), values=values, **finish), before
    order = draw(st.sampled_from(("", "W", "W", "W", "D", "WD", "DW", "WDW", "DD")))
    coordinates, after = [], before
    for letter in order:
        if letter == "W":
            change, after = draw(warps(after, maps))
        else:
            change = draw(displacements(count))
        coordinates.append(change)
    border = draw(st.sampled_from(BORDERS))
    if border == "constant":
        names.insert(draw(st.integers(0, len(names))), "fill")
    values = _steps(draw, names, generator, dtype, count, channels, after)
    levels = generator.integers(0, 3, (count, 2)) if order and draw(st.integers(0, 3)) == 0 else None
    stage = Stage(
        np.array(after, np.int64).reshape(-1, 2),
        coordinates=tuple(coordinates),
        border=border,
        interpolation=draw(st.sampled_from(interpolations)),
        levels=levels,
        values=values,
        **finish,
    )
    return stage, after


def _steps(draw, names, generator, dtype, count, channels, sizes):
    steps = []
    for name in names:
        active = generator.random(count) < 0.7 if draw(st.booleans()) else None
        steps.append(ValueStep(value_step(name, generator, dtype, count, channels, sizes), active))
    return tuple(steps)


def _kernel(draw, generator, count):
    """Blurs, sharpeners and others, up to 13 taps an axis, the taps' absolute sum 2 at most."""
    rows, columns = (draw(st.sampled_from((1, 3, 5, 13))) for _ in range(2))
    if draw(st.booleans()):
        kernel = generator.normal(size=(count, rows, columns))
        return Filter(kernel=2 * kernel / np.abs(kernel).sum(axis=(1, 2), keepdims=True))
    down, across = generator.random((count, rows)), generator.normal(size=(count, columns))
    return Filter(
        kernel_y=down / down.sum(axis=1, keepdims=True),
        kernel_x=2 * across / np.abs(across).sum(axis=1, keepdims=True),
    )


@st.composite
def plans(draw, most_stages=3, **options):
    """Pictures and one to `most_stages` stages for them; the last may end in float32 or CHW."""
    sources = draw(pictures())
    channels, dtype = sources[0].shape[2], sources[0].dtype.name
    before, drawn = [source.shape[:2] for source in sources], []
    for left in reversed(range(draw(st.integers(1, most_stages)))):
        stage, before = draw(stages(before, channels, dtype, last=left == 0, **options))
        drawn.append(stage)
    return drawn, sources


@st.composite
def label_plans(draw, maps=MAPS):
    """Masks of any dtype and one stage that moves their pixels."""
    sources = draw(pictures(LABEL_DTYPES))
    count, channels = len(sources), sources[0].shape[2]
    generator = np.random.default_rng(draw(seeds))
    coordinates, after = [], [source.shape[:2] for source in sources]
    for letter in draw(st.sampled_from(("W", "W", "D", "WD", "WDW"))):
        if letter == "W":
            change, after = draw(warps(after, maps))
        else:
            change = draw(displacements(count))
        coordinates.append(change)
    border = draw(st.sampled_from(BORDERS))
    values = ()
    if border == "constant":
        colour = generator.integers(0, 2, (count, channels)) * draw(st.sampled_from((1, 100, 1.5, -1e30, 1e30)))
        values = (ValueStep(Fill(colour.astype(float)), generator.random(count) < 0.8),)
    stage = Stage(
        np.array(after, np.int64).reshape(-1, 2),
        coordinates=tuple(coordinates),
        border=border,
        interpolation="nearest",
        values=values,
    )
    return stage, sources
