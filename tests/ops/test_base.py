"""The base of operations: declaration, ranges, p, slots, strength, repr and the course through a pipeline."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from describing import course_of, describe, make_view, place, values_of
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.draws.distributions import Beta, Choice, Constant, Distribution, Integers, LogUniform, Normal, Uniform
from covary.draws.keys import slot_number
from covary.ops.base import Course, Operation, narrowed, registry
from covary.ops.image.channels import ChannelShuffle
from covary.ops.image.colour import Brightness, ColorJitter, Contrast, Hue
from covary.ops.image.erasing import CoarseDropout
from covary.ops.image.finish import Normalize
from covary.ops.image.noise import GaussianNoise
from covary.ops.image.tone import Gamma, Posterize
from covary.ops.view import View
from covary.plan.changes import Warp


def test_operations_are_frozen_equal_by_value_and_hashable() -> None:
    operation = Brightness((0.5, 2), p=0.3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        operation.p = 1  # type: ignore[misc]
    assert operation == Brightness(Uniform(0.5, 2, identity=1), p=0.3)
    assert operation != Brightness((0.5, 2))
    assert hash(operation) == hash(Brightness((0.5, 2), p=0.3))


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Brightness(), "Brightness()"),
        (Brightness((0.5, 2), p=0.3), "Brightness(factor=(0.5, 2), p=0.3)"),
        (GaussianNoise(0.1, name="grain"), "GaussianNoise(std=Constant(0.1), name='grain')"),
        (Gamma((0.5, 2)), "Gamma(gamma=LogUniform(0.5, 2))"),
        (Contrast(pivot="mean"), "Contrast(pivot='mean')"),
        (Normalize("half"), "Normalize(statistics='half')"),
    ],
)
def test_repr_shows_what_differs_from_the_defaults(operation: Operation, expected: str) -> None:
    shown = repr(operation)
    assert shown.startswith(f"{type(operation).__name__}(")
    for part in expected.partition("(")[2].rstrip(")").split(", "):
        assert part.rstrip(")") in shown


def test_all_operations_are_registered_under_modality_and_name() -> None:
    known = registry()
    assert known["image.Brightness"] is Brightness
    assert known["image.CoarseDropout"] is CoarseDropout
    assert all(issubclass(kind, Operation) for kind in known.values())


@pytest.mark.parametrize(
    ("given_value", "low", "high"),
    [
        (0.25, 0.75, 1.25),
        (3, 0.0, 4.0),
        ((0.5, 0.75), 0.5, 0.75),
        ([0.5, 0.75], 0.5, 0.75),
        (np.array([0.5, 0.75]), 0.5, 0.75),
        (np.float32(0.25), 0.75, 1.25),
        (Constant(2.0), 2.0, 2.0),
        (LogUniform(0.5, 2), 0.5, 2),
        (Beta(2, 2, low=0.5, high=1.5), 0.5, 1.5),
        (Normal(1, 0.1), 0.6, 1.4),
        (Choice((0.5, 1.5)), 0.5, 1.5),
    ],
)
def test_a_range_is_a_number_a_pair_or_any_distribution(given_value: object, low: float, high: float) -> None:
    operation = Brightness(given_value)
    assert isinstance(operation.factor, Distribution)
    assert operation.factor.identity == 1
    np.testing.assert_allclose(operation.factor.bounds(), (low, high))
    drawn = values_of(operation, 300)["factor"]
    assert drawn.dtype == np.float64
    assert (drawn >= low - 1e-9).all()
    assert (drawn <= high + 1e-9).all()


@pytest.mark.parametrize(
    ("make", "error", "parts"),
    [
        (lambda: Brightness("bright"), TypeError, ["Brightness", "factor", "'bright'", "a pair"]),
        (lambda: Brightness(True), TypeError, ["Brightness", "factor", "True"]),
        (lambda: Brightness(None), TypeError, ["Brightness", "factor", "None"]),
        (lambda: Brightness((1, 2, 3)), ValueError, ["Brightness", "factor", "(1, 2, 3)", "pair"]),
        (lambda: Brightness((2, 1)), ValueError, ["Brightness", "factor", "2", "above"]),
        (lambda: Brightness((0, float("inf"))), ValueError, ["Brightness", "factor", "inf"]),
        (lambda: Brightness(p=1.2), ValueError, ["Brightness", "p", "1.2", "[0, 1]"]),
        (lambda: Brightness(p=True), ValueError, ["Brightness", "p", "True"]),
        (lambda: Brightness(p=float("nan")), ValueError, ["Brightness", "p", "nan"]),
        (lambda: Brightness(name=""), ValueError, ["Brightness", "name", "''"]),
        (lambda: Brightness(name=3), ValueError, ["Brightness", "name", "3"]),
        (lambda: Posterize((3.5, 6)), ValueError, ["Posterize", "bits", "3.5", "whole"]),
    ],
)
def test_wrong_ranges_are_refused_by_name(make: object, error: type[Exception], parts: list[str]) -> None:
    with pytest.raises(error) as caught:
        make()  # type: ignore[operator]
    for part in parts:
        assert part in str(caught.value)


def test_slots_are_p_the_ranges_and_what_is_declared() -> None:
    assert ColorJitter().slots() == ("p", "brightness", "contrast", "saturation", "hue", "order")
    assert GaussianNoise().slots() == ("p", "std", "mean", "noise")
    assert ChannelShuffle().slots() == ("p", "order")


def test_slot_numbers_depend_on_names_alone() -> None:
    assert slot_number("Brightness", "factor") == slot_number("Brightness", "factor")
    assert slot_number("Brightness", "factor") != slot_number("Brightness#2", "factor")
    # The separator keeps names apart that would join alike.
    assert slot_number("a", "bc") != slot_number("ab", "c")


def test_a_name_changes_the_draws_and_the_same_name_repeats_them() -> None:
    plain, named = values_of(Brightness(), 50), values_of(Brightness(name="light"), 50)
    again = values_of(Brightness((0, 2), name="light"), 50)
    assert (plain["factor"] != named["factor"]).all()
    # Same slot, other law: the same uniform numbers.
    np.testing.assert_allclose((named["factor"] - 0.8) / 0.4, again["factor"] / 2, atol=1e-12)


@settings(max_examples=25)
@given(st.floats(0, 1))
def test_p_gives_the_samples_whose_uniform_lies_below_it(p: float) -> None:
    course, _ = course_of(Brightness(p=p), [(4, 4)] * 500)
    active = course.records[0].active
    share = 1.0 if active is None else active.mean()
    assert abs(share - p) <= 6 * np.sqrt(p * (1 - p) / 500) + 1e-12
    assert bool(course.steps) == (share > 0)
    if course.steps:
        assert course.steps[0].active is active


def test_more_p_only_adds_samples() -> None:
    few, _ = course_of(Brightness(p=0.2), [(4, 4)] * 500)
    many, _ = course_of(Brightness(p=0.6), [(4, 4)] * 500)
    assert not (few.records[0].active & ~many.records[0].active).any()


def test_p_zero_describes_and_draws_nothing() -> None:
    course, view = course_of(Brightness(p=0), [(4, 4)] * 3)
    assert course.steps == []
    assert course.records[0].draw.values == {}
    np.testing.assert_array_equal(course.records[0].active, [False] * 3)
    assert view.size.tolist() == [[4, 4]] * 3


@settings(max_examples=25)
@given(st.floats(0, 1))
def test_strength_scales_the_distance_from_the_identity(strength: float) -> None:
    for operation, slot in ((Brightness((0.5, 3)), "factor"), (Hue((-0.5, 0.1)), "shift"), (GaussianNoise(), "std")):
        weak = operation.with_strength(strength)
        assert weak.p == operation.p
        identity = getattr(operation, slot).identity
        full, scaled = values_of(operation, 20)[slot], values_of(weak, 20)[slot]
        np.testing.assert_allclose(scaled - identity, strength * (full - identity), atol=1e-12)


def test_strength_scales_p_where_there_is_no_range_with_an_identity() -> None:
    assert ChannelShuffle(p=0.8).with_strength(0.25).p == pytest.approx(0.2)
    assert Normalize().with_strength(0.25).p == 1


def test_errors_of_a_description_name_the_operation_at_its_place() -> None:
    with pytest.raises(ValueError, match=r"^my hue: .*4 channels"):
        describe(Hue(name="my hue"), [(4, 4)], channels=4)


def test_drawing_again_gives_the_same_array() -> None:
    course, _ = course_of(Brightness(), [(4, 4)] * 3)
    draw = course.records[0].draw
    assert draw("factor") is draw("factor")


def test_an_incomplete_trace_is_refused_by_name() -> None:
    placed, _ = place(GaussianNoise())
    course = Course(1, None, {"GaussianNoise": {"active": True, "values": {"std": 0.1}}})
    with pytest.raises(ValueError, match=r"GaussianNoise: the trace has no value for 'mean'"):
        placed.operation.apply(placed, course, make_view([(4, 4)]), None)


def test_what_a_trace_leaves_out_does_not_happen() -> None:
    placed, _ = place(GaussianNoise())
    course = Course(1, None, {})
    placed.operation.apply(placed, course, make_view([(4, 4)]), None)
    assert course.steps == []


@pytest.mark.parametrize(
    ("mask", "anybody", "everybody"),
    [([True, True], True, True), ([False, False], False, False), ([True, False], True, False)],
)
def test_narrowed(mask: list[bool], anybody: bool, everybody: bool) -> None:
    active = np.array(mask)
    found, left = narrowed(active)
    assert found == anybody
    assert (left is None) == everybody


def test_view_gives_sizes_and_range() -> None:
    view = make_view([(3, 5), (7, 2)], 4, "uint16")
    assert view.count == 2
    assert view.height.tolist() == [3, 7]
    assert view.width.tolist() == [5, 2]
    assert view.white == 65535
    assert view.levels == 65536
    assert make_view([(1, 1)]).levels == 256
    assert make_view([(1, 1)], 1, "float32").white == 1.0


def test_view_follows_warps_for_the_samples_that_they_touch() -> None:
    view = make_view([(3, 5), (7, 2)])
    warp = Warp(np.tile(np.eye(3), (2, 1, 1)), np.array([[10, 11], [12, 13]]))
    assert view.after(warp, None).size.tolist() == [[10, 11], [12, 13]]
    assert view.after(warp, np.array([False, True])).size.tolist() == [[3, 5], [12, 13]]
    (colour,), _ = describe(Brightness(), [(3, 5), (7, 2)])
    assert view.after(colour, None) is view


def test_view_spreads_a_fill_over_channels_and_samples() -> None:
    view: View = make_view([(3, 5), (7, 2)])
    np.testing.assert_array_equal(view.colour(7), np.full((2, 3), 7.0))
    np.testing.assert_array_equal(view.colour((1, 2, 3)), [[1, 2, 3]] * 2)
    with pytest.raises(ValueError, match="2 values, the image has 3 channels"):
        view.colour((1, 2))


def test_an_operation_without_a_description_says_so() -> None:
    with pytest.raises(TypeError, match="Operation describes no change"):
        describe(Operation(), [(4, 4)])


def test_integers_are_drawn_with_equal_chance_both_ends_included() -> None:
    drawn = values_of(Posterize(Integers(3, 6)), 4000)["bits"]
    counts = np.bincount(drawn.astype(int), minlength=7)
    assert counts[:3].sum() == 0
    assert np.abs(counts[3:] / 4000 - 0.25).max() < 6 * np.sqrt(0.25 * 0.75 / 4000)
