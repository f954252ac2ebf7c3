"""Fusion against one change after the other, by the reference renderer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.plan.changes import (
    Colour,
    Convert,
    Curve,
    Displace,
    Erase,
    Fill,
    Filter,
    GaussianField,
    Pixels,
    Step,
    Warp,
)
from covary.plan.fusion import plan, reduction_levels
from covary.render.reference import render

SIZE = np.array([[12, 16]])


def warp(matrix, size=(12, 16), **others):
    return Warp(np.array([matrix], float), np.array([size]), **others)


def hflip(width=16, size=(12, 16)):
    return warp([[-1, 0, width], [0, 1, 0], [0, 0, 1]], size)


def crop(x, y, height, width):
    return warp([[1, 0, x], [0, 1, y], [0, 0, 1]], (height, width))


def turn(degrees, border, fill=None, size=(12, 16)):
    angle = np.deg2rad(degrees)
    c, s = np.cos(angle), np.sin(angle)
    about = (
        np.array([[1, 0, 8], [0, 1, 6], [0, 0, 1]])
        @ [[c, -s, 0], [s, c, 0], [0, 0, 1]]
        @ [[1, 0, -8], [0, 1, -6], [0, 0, 1]]
    )
    return warp(about, size, border=border, fill=None if fill is None else np.full((1, 3), fill, float))


def gain(factor, offset=0.0):
    return Colour(np.array([np.hstack([np.eye(3) * factor, np.full((3, 1), offset)])]))


def mixing(seed=0):
    return Colour(np.random.default_rng(seed).normal(0, 0.4, (1, 3, 4)))


def curve(exponent):
    return Curve(np.float32(255 * np.linspace(0, 1, 256) ** exponent)[None, None])


def noise():
    return GaussianField(np.array([0.1]), np.array([0.0]), np.array([5], np.uint64))


def blur():
    return Filter(kernel_y=np.array([[0.25, 0.5, 0.25]]), kernel_x=np.array([[0.25, 0.5, 0.25]]))


def erase():
    return Erase(np.array([[[2, 2, 5, 6]]], np.int32), np.array([1], np.int32), "constant", np.zeros((1, 3)))


def pixels():
    return Pixels(lambda image: image[:, :, ::-1].copy(), ({},))


def stages_of(*changes, sizes=SIZE, fuse=True):
    (group,) = plan([Step(change, None) for change in changes], sizes, fuse=fuse)
    assert group.rows is None
    return group.stages


def picture(dtype=np.float32, size=(12, 16), seed=1):
    values = np.random.default_rng(seed).random((*size, 3))
    return values.astype(np.float32) if dtype == np.float32 else (values * 255).astype(dtype)


def kinds(stage):
    return [type(step.change).__name__ for step in stage.values]


def test_warps_multiply_across_colour_and_colours_multiply_across_warps():
    (stage,) = stages_of(crop(2, 1, 9, 11), gain(0.5), hflip(11, (9, 11)), mixing(), turn(10, "reflect", size=(9, 11)))
    assert len(stage.coordinates) == 1
    assert kinds(stage) == ["Colour"]
    assert stage.size.tolist() == [[9, 11]]


def test_nothing_moves_across_filter_noise_erase_and_pixels():
    for barrier in (blur(), noise(), erase(), pixels()):
        stages = stages_of(hflip(), barrier, turn(10, "edge"))
        assert len(stages) == (3 if isinstance(barrier, (Filter, Pixels)) else 2)
    assert len(stages_of(hflip(), noise(), erase(), gain(2), Convert("float32", "CHW"))) == 1


def test_warps_with_different_outsides_stay_two_passes():
    assert len(stages_of(turn(5, "reflect"), turn(5, "edge"))) == 2
    assert len(stages_of(turn(5, "reflect"), turn(5, "reflect"))) == 1
    assert len(stages_of(turn(5, "constant", 0.5), turn(5, "constant", 0.5))) == 1
    assert len(stages_of(turn(5, "constant", 0.5), turn(5, "constant", 0.2))) == 2
    # Between two constant borders a colour change makes the first's fill another colour than the second's.
    assert len(stages_of(turn(5, "constant", 0.5), gain(2), turn(5, "constant", 0.5))) == 2
    assert len(stages_of(turn(5, "constant", 0.5), gain(2), crop(1, 1, 5, 5))) == 1


def test_the_fill_is_painted_where_the_warp_stood_among_the_colours():
    (stage,) = stages_of(gain(0.5), turn(5, "constant", 0.5), gain(2))
    assert kinds(stage) == ["Colour", "Fill", "Colour"]
    assert isinstance(stage.values[1].change, Fill)


def test_a_displacement_is_sampled_in_the_same_pass():
    bend = Displace((np.zeros((3, 3, 2), np.float32),), border="reflect")
    (stage,) = stages_of(crop(1, 1, 9, 9), bend, turn(5, "reflect", size=(9, 9)), hflip(9, (9, 9)))
    assert [type(change).__name__ for change in stage.coordinates] == ["Warp", "Displace", "Warp"]


EXACT = [
    lambda h, w: warp([[-1, 0, w], [0, 1, 0], [0, 0, 1]], (h, w)),
    lambda h, w: warp([[1, 0, 0], [0, -1, h], [0, 0, 1]], (h, w)),
    lambda h, w: warp([[0, 1, 0], [1, 0, 0], [0, 0, 1]], (w, h)),
    lambda h, w: warp([[0, -1, w], [1, 0, 0], [0, 0, 1]], (w, h)),
    lambda h, w: warp([[1, 0, 1], [0, 1, 0], [0, 0, 1]], (h, max(w - 1, 1))),
]
POINTWISE = [lambda: gain(0.7, 0.1), lambda: mixing(2), lambda: gain(1.1)]


@settings(max_examples=40, deadline=None)
@given(choices=st.lists(st.integers(0, len(EXACT) + len(POINTWISE) + 1), min_size=1, max_size=7))
def test_fused_equals_unfused_where_geometry_is_exact(choices):
    changes, size = [], (12, 16)
    for choice in choices:
        if choice < len(EXACT):
            change = EXACT[choice](*size)
            size = tuple(change.size[0])
        elif choice < len(EXACT) + len(POINTWISE):
            change = POINTWISE[choice - len(EXACT)]()
        else:
            change = (blur, noise)[choice - len(EXACT) - len(POINTWISE)]()
        changes.append(change)
    source = picture()
    (fused,) = render(stages_of(*changes), [source])
    (unfused,) = render(stages_of(*changes, fuse=False), [source])
    assert len(stages_of(*changes, fuse=False)) == len(changes)
    np.testing.assert_allclose(fused, unfused, atol=3e-6)


def test_fused_equals_unfused_bit_by_bit_on_flips_of_integers():
    changes = [hflip(), EXACT[3](12, 16), crop(3, 2, 8, 7)]
    source = picture(np.uint8)
    np.testing.assert_array_equal(
        render(stages_of(*changes), [source])[0], render(stages_of(*changes, fuse=False), [source])[0]
    )


def test_composed_curves_equal_one_after_the_other():
    source = picture(np.uint8)
    (stage,) = stages_of(curve(0.5), curve(1.7), curve(0.9))
    assert kinds(stage) == ["Curve"]
    fused, unfused = (render(stages_of(curve(0.5), curve(1.7), curve(0.9), fuse=f), [source])[0] for f in (True, False))
    np.testing.assert_array_equal(fused, unfused)


def test_a_constant_border_keeps_the_colour_of_the_unfused_order():
    changes = [gain(0.5), turn(30, "constant", 0.8), gain(0.25, 0.1)]
    fused, unfused = (render(stages_of(*changes, fuse=f), [picture()])[0] for f in (True, False))
    np.testing.assert_allclose(fused[0, 0], 0.8 * 0.25 + 0.1, atol=1e-6)
    np.testing.assert_allclose(fused, unfused, atol=1e-5)


def test_a_crop_and_a_turn_show_content_from_beyond_the_crop():
    image = np.zeros((12, 16, 3), np.float32)
    image[:, 8:] = 1
    (fused,) = render(
        stages_of(
            crop(0, 0, 12, 8),
            warp([[1, 0, 4], [0, 1, 0], [0, 0, 1]], (12, 8), border="constant", fill=np.zeros((1, 3))),
        ),
        [image],
    )
    np.testing.assert_array_equal(fused[:, 4:], 1)


# Batches


def batched(change, count):
    """The same change for several samples."""
    from covary.plan.stages import take_change

    return take_change(change, np.zeros(count, int))


POOL = {
    "flip": hflip,
    "turn": lambda: turn(10, "reflect"),
    "fill": lambda: turn(5, "constant", 0.3),
    "gain": lambda: gain(0.6),
    "mean": lambda: Colour(gain(0.5).matrix, np.full((1, 3), 0.5)),
    "mix": lambda: mixing(4),
    "curve": lambda: curve(1.5),
    "noise": noise,
    "blur": blur,
    "erase": erase,
    "pixels": pixels,
}


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.sampled_from(sorted(POOL)), min_size=1, max_size=6),
    data=st.data(),
    fuse=st.booleans(),
)
def test_a_samples_passes_do_not_depend_on_its_batch(names, data, fuse):
    count = 4
    masks = np.array([data.draw(st.lists(st.booleans(), min_size=count, max_size=count)) for _ in names])
    dtype = np.uint8
    sources = [picture(dtype, seed=row) for row in range(count)]
    sizes = np.repeat(SIZE, count, 0)
    steps = [
        Step(batched(POOL[name](), count), None if mask.all() else mask)
        for name, mask in zip(names, masks, strict=True)
        if mask.any()
    ]
    seen = {}
    for group in plan(steps, sizes, fuse=fuse):
        rows = range(count) if group.rows is None else group.rows
        for row, image in zip(rows, render(group.stages, [sources[r] for r in rows]), strict=True):
            seen[int(row)] = image
    for row in range(count):
        alone = [Step(POOL[name](), None) for name, mask in zip(names, masks, strict=True) if mask[row]]
        (group,) = plan(alone, SIZE, fuse=fuse)
        np.testing.assert_array_equal(render(group.stages, [sources[row]])[0], seen[row])


def test_samples_are_grouped_only_where_their_passes_differ():
    mask = np.array([True, False, True])
    sizes = np.repeat(SIZE, 3, 0)
    one = plan([Step(batched(hflip(), 3), mask), Step(batched(gain(2), 3), mask)], sizes)
    assert [group.rows for group in one] == [None]
    two = plan([Step(batched(blur(), 3), mask), Step(batched(gain(2), 3), None)], sizes)
    assert sorted(group.rows.tolist() for group in two) == [[0, 2], [1]]


# Levels


@pytest.mark.parametrize(
    ("scale", "expected"), [(1, 0), (1.99, 0), (2, 1), (3.9, 1), (4, 2), (0.3, 0), (2 * (1 - 1e-12), 1)]
)
def test_shrinking_halves_as_often_as_two_taps_need(scale, expected):
    matrix = np.diag([scale, 1.0, 1.0])[None]
    levels = reduction_levels([matrix], np.array([[10, 10]]))
    assert (levels is None and expected == 0) or levels.tolist() == [[expected, 0]]


def test_a_turn_alone_halves_nothing_and_nonsense_is_survived():
    assert reduction_levels([turn(45, "edge").matrix], SIZE) is None
    for bad in (np.nan, np.inf, 1e300):
        levels = reduction_levels([np.full((1, 3, 3), bad)], SIZE)
        assert levels is None or (levels <= 30).all()


def test_perspective_is_measured_at_the_centre():
    # x' = x / (1 - x / 40): the slope is 1.78 at x = 10, the centre of 20 pixels, and 2.8 at x = 16.
    matrix = np.array([[[1.0, 0, 0], [0, 1, 0], [-1 / 40, 0, 1]]])
    assert reduction_levels([matrix], np.array([[20, 20]])) is None
    np.testing.assert_array_equal(reduction_levels([matrix], np.array([[20, 32]])), [[1, 0]])
