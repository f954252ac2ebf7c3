"""Random calls of the native renderer, sound and broken, for the sanitizers to watch: nothing is compared but the two
instruction sets with each other. A ValueError is a good answer; a crash or a report is not."""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import replace

import numpy as np

from covary import kernels
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
    Shade,
    SignalNoise,
    Warp,
)
from covary.plan.stages import Stage, ValueStep

DTYPES = ["uint8"] * 4 + ["uint16", "float32"] * 2 + ["bool", "int8", "int16", "int32", "int64", "float16", "float64"]
ODD_NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, 1e-9, 1e9, -1e9, 2.0**30, 2.0**31, -(2.0**31), 1e18, 1e300, -1e300]
ODD_NUMBERS += [float("nan"), float("inf"), float("-inf"), 5e-324]
LENGTHS = [0, 1, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40, 48, 63, 64, 65, 80, 100, 129, 150]


def numbers(rng: np.random.Generator, shape: tuple[int, ...], scale: float) -> np.ndarray:
    """Ordinary numbers, and now and then one of the odd ones."""
    values = rng.normal(0, scale, shape)
    if rng.random() < 0.3:
        odd = rng.random(shape) < 0.2
        values[odd] = rng.choice(ODD_NUMBERS, int(odd.sum()))
    return values


def matrix(rng: np.random.Generator) -> np.ndarray:
    kind = rng.integers(6)
    out = np.eye(3)
    if kind == 0:
        out[:2, :2] = np.eye(2)[rng.permutation(2)] * rng.choice([-1, 1], 2)
        out[:2, 2] = rng.integers(-300, 300, 2)
    elif kind == 1:
        out[[0, 1], [0, 1]] = rng.choice([-1, 1], 2) * 2.0 ** rng.uniform(-5, 4, 2)
        out[:2, 2] = rng.normal(0, 40, 2)
    elif kind in (2, 3):
        out[:2] = rng.normal(0, 1, (2, 3)) * [1, 1, 40]
    elif kind == 4:
        out = rng.normal(0, 1, (3, 3)) * [[1, 1, 30], [1, 1, 30], [0.01, 0.01, 1]]
    else:
        out = numbers(rng, (3, 3), 1.0)
    return out


def picture(rng: np.random.Generator, dtype: str, channels: int) -> np.ndarray:
    shape = (int(rng.choice(LENGTHS)), int(rng.choice(LENGTHS)), channels)
    if np.dtype(dtype).kind == "f":
        return numbers(rng, shape, 1.0).astype(dtype)
    return rng.integers(0, 2 if dtype == "bool" else 120, shape).astype(dtype)


def value(rng: np.random.Generator, batch: int, channels: int, white: float, dtype: str):
    streams = rng.integers(0, 2**64 - 1, batch, np.uint64)
    kind = rng.integers(9)
    if kind == 0:
        pivot = numbers(rng, (batch, channels), 1.0) if rng.random() < 0.3 else None
        return Colour(numbers(rng, (batch, channels, channels + 1), 1.0), pivot)
    if kind == 1:
        levels = 256 if dtype == "uint8" else 65536
        return Curve(numbers(rng, (batch, int(rng.choice([1, channels])), levels), white).astype(np.float32))
    if kind == 2:
        return GaussianField(
            numbers(rng, (batch,), white), numbers(rng, (batch,), white), streams, bool(rng.random() < 0.5)
        )
    if kind == 3:
        colour = numbers(rng, (batch, channels), white) if rng.random() < 0.3 else None
        each, noise = (bool(rng.random() < 0.4) for _ in range(2))
        return Impulses(numbers(rng, (batch,), 1.0), numbers(rng, (batch,), 1.0), streams, each, colour, noise)
    if kind in (4, 5):
        rectangles = rng.integers(-200, 300, (batch, 3, 4)).astype(np.int32)
        if rng.random() < 0.2:
            rectangles[...] = rng.choice([-(2**31), 2**31 - 1, 0], rectangles.shape)
        count = rng.integers(0, 4, batch).astype(np.int32)
        if kind == 4:
            return Erase(rectangles, count, "noise", stream=streams)
        return Erase(rectangles, count, "constant", colour=numbers(rng, (batch, channels), white))
    if kind == 6:
        shapes = [(*rng.integers(1, 9, 2), 2, rng.choice([1, channels])) for _ in range(batch)]
        return Shade(tuple(numbers(rng, shape, white).astype(np.float32) for shape in shapes))
    if kind == 7:
        model = str(rng.choice(["additive", "magnitude", "counts"]))
        law = numbers(rng, (batch, 6, 16), 1.0).astype(np.float32) if rng.random() < 0.3 else None
        sizes = (numbers(rng, (batch,), scale) for scale in (white, white / 10, 1.0))
        return SignalNoise(model, *sizes, streams, bool(rng.random() < 0.5), law)
    return Fill(numbers(rng, (batch, channels), white))


def stage(rng: np.random.Generator, shapes: list[tuple[int, int]], channels: int, dtype: str, last: bool) -> Stage:
    batch = len(shapes)
    white = {"uint8": 255.0, "uint16": 65535.0}.get(dtype, 1.0)
    image = dtype in ("uint8", "uint16", "float32")
    size = np.array(shapes, np.int64).reshape(-1, 2)
    chain: list[Warp | Displace] = []
    kernel = None
    if image and rng.random() < 0.2:
        taps = [int(rng.choice([1, 3, 5, 9, 31])) for _ in range(2)]
        if rng.random() < 0.5:
            kernel = Filter(kernel=numbers(rng, (batch, *taps), 0.3))
        else:
            kernel = Filter(kernel_y=numbers(rng, (batch, taps[0]), 0.3), kernel_x=numbers(rng, (batch, taps[1]), 0.3))
    else:
        for _ in range(int(rng.integers(0, 4))):
            if rng.random() < 0.6:
                size = rng.choice(LENGTHS, (batch, 2)).astype(np.int64)
                chain.append(Warp(np.array([matrix(rng) for _ in range(batch)]).reshape(batch, 3, 3), size))
            else:
                knots = [rng.choice([1, 2, 3, 9, 70], 2) for _ in range(batch)]
                chain.append(Displace(tuple(numbers(rng, (*k, 2), 4.0).astype(np.float32) for k in knots)))
    changes = [value(rng, batch, channels, white, dtype) for _ in range(int(rng.integers(0, 4)))] if image else []
    if not image and rng.random() < 0.5:
        changes = [Fill(numbers(rng, (batch, channels), 100.0))]
    levels = rng.choice([0, 0, 1, 2, 5, 30], (batch, 2)) if image and kernel is None and rng.random() < 0.3 else None
    return Stage(
        size,
        coordinates=tuple(chain),
        border=BORDERS[rng.integers(5)],
        interpolation=INTERPOLATIONS[rng.integers(3)] if image else "nearest",
        levels=levels,
        filter=kernel,
        values=tuple(ValueStep(c, rng.random(batch) < 0.7 if rng.random() < 0.5 else None) for c in changes),
        dtype="float32" if image and last and rng.random() < 0.5 else None,
        layout="CHW" if last and rng.random() < 0.5 else "HWC",
    )


def spoil(rng: np.random.Generator, one: Stage) -> Stage:
    """The stage with one field replaced by something that does not belong there."""
    rubbish = [None, 7, "x", np.zeros((1, 1)), np.zeros(0), np.zeros((2, 2), np.int64), (), object()]
    field = str(rng.choice(["size", "levels", "border", "interpolation", "values", "filter", "coordinates", "layout"]))
    return replace(one, **{field: rubbish[rng.integers(len(rubbish))]})


def one_call(seed: int) -> str:
    rng = np.random.default_rng(seed)
    batch, channels = int(rng.integers(0, 4)), int(rng.choice([1, 1, 2, 3, 3, 3, 4, 5, 9]))
    dtype = random.Random(seed).choice(DTYPES)
    sources = [picture(rng, dtype, channels) for _ in range(batch)]
    shapes = [source.shape[:2] for source in sources]
    stages = []
    n = int(rng.integers(1, 4))
    for index in range(n):
        stages.append(stage(rng, shapes, channels, dtype, index == n - 1))
        shapes = [tuple(row) for row in stages[-1].size.tolist()]
    if rng.random() < 0.1:
        broken = int(rng.integers(n))
        stages[broken] = spoil(rng, stages[broken])
    try:
        simd = kernels.native.render(stages, sources, None, int(rng.integers(1, 4)), True)
    except (ValueError, TypeError, AttributeError):
        return "refused"
    portable = kernels.native.render(stages, sources, None, 1, False)
    for a, b in zip(simd, portable, strict=True):
        same = np.array_equal(a, b, equal_nan=True) if a.dtype.kind == "f" else np.array_equal(a, b)
        if not same:
            raise AssertionError(f"seed {seed}: the instruction sets differ")
    return "rendered"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    assert kernels.native is not None, "the compiled kernels are missing"
    np.seterr(all="ignore")
    end, seed = time.monotonic() + options.seconds, options.seed
    answers = {"rendered": 0, "refused": 0}
    while time.monotonic() < end:
        answers[one_call(seed)] += 1
        seed += 1
    print(
        f"fuzz: {answers['rendered']} calls rendered, {answers['refused']} refused, seeds {options.seed} to {seed - 1}"
    )


if __name__ == "__main__":
    main()
