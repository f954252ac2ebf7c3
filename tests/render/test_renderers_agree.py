"""Every fast renderer against the float64 reference, on random stages, within a bound that the stage itself implies."""

from __future__ import annotations

from dataclasses import dataclass
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from covary.plan.changes import BORDERS, INTERPOLATIONS, Colour, Curve, Fill, GaussianField, Pixels, SignalNoise, Warp
from covary.plan.stages import Stage, ValueStep
from covary.render import opencv, reference
from covary.render.positions import exact_geometry, source_positions
from covary.render.sampling import halvings

from . import strategies

try:
    from covary import kernels
except ImportError:
    kernels = None


@dataclass(frozen=True)
class Precision:
    """How far a renderer may stray: `position` in pixels where it samples between them, `linear` where that is linear,
    `value` as a share of the value range."""

    position: float
    linear: float
    value: float


def _opencv(*arguments, **options):
    return opencv.render(*arguments, **options)


def _native(*arguments, **options):
    from covary.render import native

    return native.render(*arguments, **options)


def _portable(*arguments, **options):
    """The native renderer's portable code, which stands in where the machine has no AVX2."""
    with mock.patch.object(kernels, "simd", False):
        return _native(*arguments, **options)


def _torch(*arguments, **options):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from covary.render.torch import render

    return render(*arguments, **options)


def _cuda(stages, sources, *, outputs=None, threads=1):
    from covary.render.torch import render_on

    return render_on("cuda", stages, sources, outputs)


def _has_cuda():
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


missing = kernels is None or kernels.native is None
no_kernels = pytest.mark.skipif(missing, reason="the native kernels are not built")
RENDERERS = [
    # cv2.remap rounds positions to 1/32 px: 1/64 px at most, and float32 maps beside it.
    pytest.param(_opencv, Precision(1e-4, 1 / 64 + 1e-4, 2e-6), id="opencv"),
    pytest.param(_native, Precision(2e-5, 2e-5, 1e-6), id="native", marks=no_kernels),
    pytest.param(_portable, Precision(2e-5, 2e-5, 1e-6), id="portable", marks=no_kernels),
    pytest.param(_torch, Precision(1e-4, 1e-4, 2e-6), id="torch"),
]
if _has_cuda():
    RENDERERS.append(pytest.param(_cuda, Precision(1e-4, 1e-4, 2e-6), id="cuda"))
quick = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def hwc(image, stage):
    return image.transpose(1, 2, 0) if stage.layout == "CHW" else image


def allowance(stage, row, source, precision):
    """The greatest difference from the reference that the renderer's precision explains, in the image's own range."""
    white = strategies.white_of(source.dtype)
    integers = source.dtype.kind == "u"
    if stage.pixels is not None:
        return 0.0
    error = 0.0
    # Steepest change a pixel, both axes together: neighbours differ by white at most; Keys' kernel overshoots.
    steepness = {"nearest": 0.0, "linear": 2.0, "cubic": 6.0}[stage.interpolation] * white
    shift = precision.linear if stage.interpolation == "linear" else precision.position
    if stage.filter is None and exact_geometry(stage, row) is None:
        error = steepness * shift
        if integers and any(halvings(stage, row)):
            # Ties of the mean; cubic weights sum to 1.6 in absolute value.
            error += 1.6
    reach = 2.5 * white
    error += precision.value * reach
    for step in stage.values:
        if step.active is not None and not step.active[row]:
            continue
        change = step.change
        if isinstance(change, Colour):
            gain = np.abs(change.matrix[row, :, :-1]).sum(axis=1).max()
            if change.pivot is not None:
                gain += np.abs(change.pivot[row]).max()
            error, reach = gain * error, gain * reach + np.abs(change.matrix[row, :, -1]).max()
        elif isinstance(change, Curve):
            table = change.table[row].astype(float)
            slope = np.abs(np.diff(table)).max() * (table.shape[1] - 1) / white
            # A value between two levels may be rounded to either.
            error = slope * (error + (1 if integers else 0))
            reach = np.abs(table).max()
        elif isinstance(change, GaussianField):
            reach += 5 * change.scale[row] + abs(change.mean[row])
        elif isinstance(change, SignalNoise):
            variance, slope, gain = (float(part[row]) for part in (change.variance, change.slope, change.gain))
            # How steeply the deviation rises, times numbers that lie below 12 by every law.
            error *= 1 + 12 * (slope + 2 * gain**2 * reach) / (2 * variance**0.5)
            reach += 12 * (variance + slope * reach + (gain * reach) ** 2) ** 0.5
        elif isinstance(change, Fill) and stage.interpolation != "nearest":
            error += 2 * precision.position * (np.abs(change.colour[row]).max() + reach)
        error += precision.value * reach
    if integers and stage.dtype is None:
        error = np.floor(error + 1)
    return error


def decided(stage, row, source):
    """Where nearest sampling is decided: positions not within 1/1000 px of a boundary between two pixels."""
    if stage.interpolation != "nearest" or stage.filter is not None or stage.pixels is not None:
        return np.ones(tuple(stage.size[row]), bool)
    if exact_geometry(stage, row) is not None:
        return np.ones(tuple(stage.size[row]), bool)
    along = halvings(stage, row)
    clear = np.ones(tuple(stage.size[row]), bool)
    for position, count in zip(source_positions(stage, row, source.shape[:2]), along, strict=True):
        position = position / 2**count
        clear &= np.abs(position - np.rint(position)) > 1e-3
    return clear


def assert_agrees(render, stage, sources, precision):
    """The renderer's pictures of one stage are the reference's, within the allowance."""
    expected = reference.render([stage], sources)
    got = render([stage], sources)
    for row, (source, right, mine) in enumerate(zip(sources, expected, got, strict=True)):
        assert mine.shape == right.shape and mine.dtype == right.dtype and mine.flags.c_contiguous
        clear = decided(stage, row, source)
        pivots = any(isinstance(step.change, Colour) and step.change.pivot is not None for step in stage.values)
        if pivots and not clear.all():
            continue
        difference = np.abs(hwc(mine, stage).astype(float) - hwc(right, stage).astype(float))[clear]
        allowed = allowance(stage, row, source, precision)
        assert difference.max(initial=0) <= allowed, f"sample {row} differs by {difference.max()}, allowed {allowed}"


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@quick
@given(plan=strategies.plans())
def test_each_stage_equals_the_reference_within_its_bound(render, precision, plan):
    stages, sources = plan
    for stage in stages:
        assert_agrees(render, stage, sources, precision)
        sources = reference.render([stage], sources)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("border", BORDERS)
@settings(quick, max_examples=8)
@given(data=st.data())
def test_every_border_and_interpolation_equals_the_reference(render, precision, interpolation, border, data):
    sources = data.draw(strategies.pictures())
    warp, after = data.draw(strategies.warps([source.shape[:2] for source in sources]))
    generator = np.random.default_rng(data.draw(strategies.seeds))
    values = ()
    if border == "constant":
        dtype, channels = sources[0].dtype.name, sources[0].shape[2]
        values = (ValueStep(strategies.value_step("fill", generator, dtype, len(sources), channels, after)),)
    stage = Stage(
        np.array(after), coordinates=(warp,), border=border, interpolation=interpolation, values=values, dtype="float32"
    )
    assert_agrees(render, stage, sources, precision)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@pytest.mark.parametrize("dtype", strategies.IMAGE_DTYPES)
@settings(quick, max_examples=15)
@given(size=strategies.sizes, seed=strategies.seeds, levels=st.tuples(st.integers(0, 4), st.integers(0, 4)))
def test_levels_equal_the_references_and_are_whole_for_integers(render, precision, dtype, size, seed, levels):
    source = strategies.random_picture(np.random.default_rng(seed), size, 3, dtype)
    out = tuple(-(-length // 2**count) for length, count in zip(size, reversed(levels), strict=True))
    warp = Warp(np.diag([2.0 ** levels[0], 2.0 ** levels[1], 1.0])[None], np.array([out]))
    for interpolation in INTERPOLATIONS:
        stage = Stage(
            np.array([out]),
            coordinates=(warp,),
            interpolation=interpolation,
            levels=np.array([levels]),
            dtype="float32",
        )
        right, mine = reference.render([stage], [source])[0], render([stage], [source])[0]
        if dtype == "float32":
            np.testing.assert_allclose(mine, right, atol=1e-6)
        else:
            # Ties may be rounded either way.
            np.testing.assert_allclose(mine, right, atol=1.001)
            np.testing.assert_allclose(mine, np.rint(mine), atol=1e-3 if dtype == "uint8" else 0.3)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@quick
@given(plan=strategies.label_plans())
def test_labels_of_every_dtype_equal_the_reference(render, precision, plan):
    stage, sources = plan
    expected = reference.render([stage], sources)
    for row, (right, mine) in enumerate(zip(expected, render([stage], sources), strict=True)):
        assert mine.dtype == right.dtype
        clear = decided(stage, row, sources[row])
        np.testing.assert_array_equal(mine[clear], right[clear])


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@quick
@given(data=st.data())
def test_exact_geometry_is_bit_equal_to_the_reference(render, precision, data):
    sources = data.draw(strategies.pictures())
    warp, after = data.draw(strategies.warps([source.shape[:2] for source in sources], maps=("exact",)))
    stage = Stage(
        np.array(after),
        coordinates=(warp,),
        border=data.draw(st.sampled_from(BORDERS)),
        interpolation=data.draw(st.sampled_from(INTERPOLATIONS)),
        dtype=data.draw(st.sampled_from((None, "float32"))),
        layout=data.draw(st.sampled_from(("HWC", "CHW"))),
    )
    for mine, right in zip(render([stage], sources), reference.render([stage], sources), strict=True):
        np.testing.assert_array_equal(mine, right)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@pytest.mark.parametrize("dtype", strategies.IMAGE_DTYPES)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("kind", ["affine", "projective", "resize"])
def test_pictures_of_photograph_size_equal_the_reference(render, precision, dtype, interpolation, kind):
    generator = np.random.default_rng(4)
    source = strategies.random_picture(generator, (150, 201), 3, dtype)
    matrix = strategies.MATRICES[kind](generator, source.shape[:2], (131, 149))
    stage = Stage(
        np.array([[131, 149]]),
        coordinates=(Warp(matrix[None], np.array([[131, 149]])),),
        border="reflect",
        interpolation=interpolation,
        values=(ValueStep(strategies.value_step("colour", generator, dtype, 1, 3, [])),),
        dtype="float32",
        layout="CHW",
    )
    assert_agrees(render, stage, [source], precision)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_exact_geometry_moves_nan_and_infinity_whole(render, precision, interpolation):
    source = np.random.default_rng(0).choice(np.float32([np.nan, np.inf, -np.inf, 0.5]), (9, 20, 3))
    for matrix, expected in (
        ([[-1, 0, 20], [0, 1, 0], [0, 0, 1]], source[:, ::-1]),
        ([[0, -1, 20], [1, 0, 0], [0, 0, 1]], np.rot90(source)),
        ([[1, 0, -3], [0, 1, -2], [0, 0, 1]], np.pad(source, ((2, 4), (3, 5), (0, 0)), mode="wrap")),
    ):
        size = np.array([expected.shape[:2]])
        warp = Warp(np.array([matrix], float), size)
        stage = Stage(size, coordinates=(warp,), border="wrap", interpolation=interpolation)
        np.testing.assert_array_equal(render([stage], [source])[0], expected)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@pytest.mark.parametrize("dtype", strategies.LABEL_DTYPES)
@pytest.mark.parametrize("value", [0.5, 1.5, 2.5, -3.0, 300.0, 1e30, -1e30, np.inf, np.nan])
def test_fill_of_labels_equals_the_references(render, precision, dtype, value):
    source = np.zeros((1, 1, 1), dtype)
    warp = Warp(np.array([[[1.0, 0, 9], [0, 1, 0], [0, 0, 1]]]), np.array([[1, 1]]))
    fill = ValueStep(Fill(np.array([[value]])))
    stage = Stage(np.array([[1, 1]]), coordinates=(warp,), border="constant", interpolation="nearest", values=(fill,))
    np.testing.assert_array_equal(render([stage], [source])[0], reference.render([stage], [source])[0])


def _darkened_in_place(image):
    image //= 2
    return image


def _returned(image):
    return image


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
def test_pixels_functions_can_neither_change_nor_return_the_source(render, precision):
    source = strategies.random_picture(np.random.default_rng(0), (4, 5), 3, "uint8")
    before = source.copy()
    for function, expected in ((_darkened_in_place, before // 2), (_returned, before)):
        got = render([Stage(np.array([[4, 5]]), pixels=Pixels(function, ({},)))], [source])[0]
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(source, before)
        assert not np.shares_memory(got, source)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
def test_stages_of_another_size_than_their_geometry_are_refused(render, precision):
    with pytest.raises(ValueError, match=r"stage\.size: sample 0"):
        render([Stage(np.array([[5, 6]]))], [np.zeros((4, 6, 1), np.uint8)])


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@settings(quick, max_examples=25)
@given(plan=strategies.plans())
def test_stages_together_equal_stages_one_by_one(render, precision, plan):
    stages, sources = plan
    together = render(stages, sources)
    for stage in stages:
        sources = render([stage], sources)
    for mine, right in zip(together, sources, strict=True):
        np.testing.assert_array_equal(mine, right)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@settings(quick, max_examples=25)
@given(plan=strategies.plans())
def test_a_sample_is_the_same_alone_in_a_batch_and_with_threads(render, precision, plan):
    stages, sources = plan
    before = [source.copy() for source in sources]
    batch = render(stages, sources)
    threaded = render(stages, sources, outputs=[np.empty_like(image) for image in batch], threads=2)
    for row, source in enumerate(sources):
        alone = render([stage.take(np.array([row])) for stage in stages], [source])[0]
        np.testing.assert_array_equal(alone, batch[row])
        np.testing.assert_array_equal(threaded[row], batch[row])
        np.testing.assert_array_equal(source, before[row])


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@pytest.mark.parametrize("dtype", strategies.IMAGE_DTYPES)
def test_any_curve_on_whole_levels_is_bit_equal_to_the_reference(render, precision, dtype):
    generator = np.random.default_rng(5)
    white = strategies.white_of(dtype)
    source = strategies.random_picture(generator, (37, 41), 3, dtype)
    levels = 256 if dtype == "uint8" else 65536
    if dtype == "float32":
        source = (np.rint(source * (levels - 1)) / (levels - 1)).astype(np.float32)
    table = generator.uniform(0, white, (1, 3, levels)).astype(np.float32)
    stage = Stage(np.array([[37, 41]]), values=(ValueStep(Curve(table)),), dtype="float32")
    right, mine = reference.render([stage], [source])[0], render([stage], [source])[0]
    np.testing.assert_allclose(mine, right, atol=0 if dtype != "float32" else 0.02)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@pytest.mark.parametrize("name", ["gaussian", "shared gaussian", "impulses", "erase noise", *strategies.SIGNALS])
@pytest.mark.parametrize("channels", [1, 3, 4, 6])
@pytest.mark.parametrize("width", [1, 7, 8, 31, 32, 63, 64, 65, 130, 200])
def test_noise_numbers_stand_at_the_references_places(render, precision, name, channels, width):
    generator = np.random.default_rng(width)
    source = strategies.random_picture(generator, (5, width), channels, "uint8")
    change = strategies.value_step(name, generator, "uint8", 1, channels, [(5, width)])
    stage = Stage(np.array([[5, width]]), values=(ValueStep(change),), dtype="float32", layout="CHW")
    right, mine = reference.render([stage], [source])[0], render([stage], [source])[0]
    np.testing.assert_allclose(mine, right, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(
    "matrix",
    [
        pytest.param([[np.nan, 0, 0], [0, 1, 0], [0, 0, 1]], id="nan"),
        pytest.param([[1, 0, np.inf], [0, 1, 0], [0, 0, 1]], id="infinite"),
        pytest.param([[1, 0, 0], [0, 1, -np.inf], [0, 0, 1]], id="minus infinite"),
        pytest.param([[1, 0, 0], [0, 1, 0], [0, 0, 0]], id="w zero"),
        pytest.param([[1, 0, 0], [0, 1, 0], [0, 0, -1]], id="w negative"),
        pytest.param([[1, 0, 0], [0, 1, 0], [np.nan, 0, 1]], id="w nan"),
        pytest.param([[1e300, 0, 0], [0, 1, 0], [0, 0, 1]], id="huge"),
        pytest.param([[1, 0, 0], [0, 1, 0], [-1, 0, 4]], id="w falling through zero"),
        pytest.param([[0, 0, 2.5], [0, 0, 1.5], [0, 0, 1]], id="singular"),
    ],
)
def test_lost_samples_equal_the_references(render, precision, interpolation, border, matrix):
    source = strategies.random_picture(np.random.default_rng(0), (6, 7), 3, "uint8")
    values = (ValueStep(Fill(np.array([[10.0, 20.0, 30.0]]))),) if border == "constant" else ()
    warp = Warp(np.array([matrix], float), np.array([[5, 9]]))
    stage = Stage(np.array([[5, 9]]), coordinates=(warp,), border=border, interpolation=interpolation, values=values)
    assert_agrees(render, stage, [source], precision)


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@settings(quick, max_examples=25)
@given(
    entries=st.lists(st.floats(width=64), min_size=9, max_size=9),
    interpolation=st.sampled_from(INTERPOLATIONS),
    border=st.sampled_from(BORDERS),
    dtype=st.sampled_from(strategies.IMAGE_DTYPES),
)
def test_any_matrix_gives_values_of_the_source_or_between(render, precision, entries, interpolation, border, dtype):
    source = strategies.random_picture(np.random.default_rng(1), (4, 5), 2, dtype)
    warp = Warp(np.array(entries).reshape(1, 3, 3), np.array([[6, 17]]))
    stage = Stage(np.array([[6, 17]]), coordinates=(warp,), border=border, interpolation=interpolation)
    got = render([stage], [source])[0].astype(float)
    # Keys' weights sum to 1 and reach below 0 by an eighth of white an axis at most.
    slack = 0.3 * strategies.white_of(dtype) if interpolation == "cubic" else 1e-6
    assert got.min() >= source.min() - slack and got.max() <= source.max() + slack


@no_kernels
@settings(quick, max_examples=50)
@given(plan=strategies.plans())
def test_vector_and_portable_kernels_give_the_same_bytes(plan):
    stages, sources = plan
    for mine, right in zip(_native(stages, sources), _portable(stages, sources), strict=True):
        assert mine.tobytes() == right.tobytes()


@pytest.mark.parametrize(("render", "precision"), RENDERERS)
@pytest.mark.parametrize("per_channel", [True, False])
def test_counts_equal_the_references_but_at_the_edge_of_a_count(render, precision, per_channel):
    source = strategies.random_picture(np.random.default_rng(0), (60, 150), 3, "float32")
    unit = np.array([0.04])
    change = SignalNoise("counts", unit, unit, unit, np.array([5], np.uint64), per_channel)
    stage = Stage(np.array([[60, 150]]), values=(ValueStep(change),))
    right, mine = reference.render([stage], [source])[0], render([stage], [source])[0]
    assert (np.abs(mine - right) > 1e-4).mean() < 1e-3
