"""Combinators: how often, how many, which, and that nobody's draws depend on anybody else."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from describing import course_of, make_view, place
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from covary.draws.distributions import Integers, Uniform
from covary.draws.keys import slot_numbers
from covary.draws.rows import draw_rows
from covary.ops.base import Course, Node, Operation
from covary.ops.combine import OneOf, Sequential, SomeOf, Sometimes
from covary.ops.image.colour import Brightness
from covary.ops.image.noise import GaussianNoise

COUNT = 6000


def marks(count: int, **arguments: float) -> list[Operation]:
    """Operations that can be told apart."""
    return [Brightness((k, k), **arguments) for k in range(count)]


def touched(operation: Operation, count: int = COUNT, **how: object) -> dict[str, np.ndarray]:
    """For each operation by its name, which of the samples it touches."""
    course, _ = course_of(operation, [(4, 4)] * count, **how)
    return who(course, count)


def who(course: Course, count: int) -> dict[str, np.ndarray]:
    everybody = np.ones(count, dtype=bool)
    return {record.node.name: everybody if record.active is None else record.active for record in course.records}


def children_of(combinator: Operation, count: int = COUNT) -> np.ndarray:
    """(count, number of children): which sample is touched by which child."""
    active = touched(combinator, count)
    name = type(combinator).__name__
    nobody = np.zeros(count, dtype=bool)
    return np.stack([active.get(f"{name}.{k}", nobody) for k in range(len(combinator.children))], axis=1)


def near(share: float, expected: float, count: int = COUNT) -> bool:
    """Within six standard deviations of a binomial share."""
    return abs(share - expected) <= 6 * np.sqrt(expected * (1 - expected) / count)


def test_one_of_applies_exactly_one_with_equal_chance() -> None:
    chosen = children_of(OneOf(marks(4)))
    np.testing.assert_array_equal(chosen.sum(axis=1), 1)
    assert chisquare(chosen.sum(axis=0)).pvalue > 1e-4


def test_one_of_respects_its_weights() -> None:
    weights = np.array([1.0, 5.0, 0.0, 2.0])
    chosen = children_of(OneOf(marks(4), weights=weights))
    counts = chosen.sum(axis=0)
    assert counts[2] == 0
    used = weights > 0
    assert chisquare(counts[used], COUNT * weights[used] / weights.sum()).pvalue > 1e-4


def test_the_chosen_ones_own_p_counts_once() -> None:
    chosen = children_of(OneOf(marks(2, p=0.5)))
    assert near(chosen.any(axis=1).mean(), 0.5)


@settings(max_examples=25)
@given(st.integers(1, 6).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size), st.integers(0, size))))
def test_some_of_applies_a_number_of_different_ones_within_its_range(numbers: tuple[int, int, int]) -> None:
    size, *ends = numbers
    low, high = sorted(ends)
    chosen = children_of(SomeOf(marks(size), n=(low, high)), 400)
    counts = set(chosen.sum(axis=1).tolist())
    assert counts <= set(range(low, high + 1))
    assert {low, high} <= counts


def test_some_of_takes_every_subset_alike() -> None:
    chosen = children_of(SomeOf(marks(4), n=2))
    subsets = Counter(tuple(np.flatnonzero(row)) for row in chosen)
    assert set(subsets) == set(combinations(range(4), 2))
    assert chisquare(list(subsets.values())).pvalue > 1e-4


def test_some_of_with_weights_equals_drawing_one_after_another_without_putting_back() -> None:
    weights = (1.0, 2.0, 4.0)
    chosen = children_of(SomeOf(marks(3), n=2, weights=weights))
    pairs = Counter(tuple(np.flatnonzero(row)) for row in chosen)
    chances = np.array(weights) / sum(weights)
    expected = {
        (i, j): chances[i] * chances[j] / (1 - chances[i]) + chances[j] * chances[i] / (1 - chances[j])
        for i, j in combinations(range(3), 2)
    }
    order = sorted(expected)
    assert chisquare([pairs[key] for key in order], [COUNT * expected[key] for key in order]).pvalue > 1e-4


def test_some_of_never_takes_what_has_no_weight() -> None:
    chosen = children_of(SomeOf(marks(3), n=(1, 2), weights=(1, 0, 1)))
    assert not chosen[:, 1].any()
    assert set(chosen.sum(axis=1)) == {1, 2}


def test_some_of_counts_are_spread_evenly() -> None:
    counts = np.bincount(children_of(SomeOf(marks(5))).sum(axis=1), minlength=6)
    assert counts[0] == 0
    assert chisquare(counts[1:]).pvalue > 1e-4


def test_some_of_applies_in_the_order_given() -> None:
    course, _ = course_of(SomeOf(marks(5), n=3), [(4, 4)] * 50)
    factors = [step.change.matrix[0, 0, 0] for step in course.steps]
    assert factors == sorted(factors)


@pytest.mark.parametrize(("operation", "rate"), [(Sometimes(marks(2)), 0.5), (Sometimes(marks(2), p=0.2), 0.2)])
def test_sometimes_applies_all_or_nothing_at_its_rate(operation: Sometimes, rate: float) -> None:
    chosen = children_of(operation)
    np.testing.assert_array_equal(chosen[:, 0], chosen[:, 1])
    assert near(chosen[:, 0].mean(), rate)


def test_sequential_applies_all_in_order() -> None:
    course, _ = course_of(Sequential(marks(3)), [(4, 4)] * 5)
    assert [step.change.matrix[0, 0, 0] for step in course.steps] == [0, 1, 2]
    assert all(step.active is None for step in course.steps)


def test_nested_probabilities_multiply_and_are_independent() -> None:
    inner = Brightness((1, 1), p=0.5)
    other = Brightness((2, 2), p=0.4)
    active = touched(Sometimes([Sometimes([inner, other], p=0.6)], p=0.7))
    outer_on, middle_on = active["Sometimes"], active["Sometimes.0"]
    first, second = active["Sometimes.0.0"], active["Sometimes.0.1"]
    assert near(outer_on.mean(), 0.7)
    assert near(middle_on.mean(), 0.42)
    assert near(first.mean(), 0.21)
    assert near(second.mean(), 0.168)
    assert near((first & second).mean(), 0.42 * 0.5 * 0.4)
    assert not (middle_on & ~outer_on).any()
    assert not ((first | second) & ~middle_on).any()


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 1000))
def test_a_sample_chooses_alone_as_in_any_batch(seed: int, epoch: int) -> None:
    tree = SomeOf([OneOf(marks(3), p=0.7), Sometimes(marks(2)), Brightness(p=0.5)], n=(0, 3))
    how = {"seed": seed, "epoch": epoch}
    together = touched(tree, 6, **how)
    for row in range(6):
        alone = touched(tree, 1, keys=[row], **how)
        for name, active in together.items():
            assert active[row] == alone.get(name, [False])[0], name


def walk(operations: list[Operation], count: int = 300) -> Course:
    """A pipeline of operations with names of their own, laid out by hand."""
    pairs: list[tuple[str, str]] = []

    def lay(operation: Operation) -> Node:
        assert operation.name
        columns = {slot: len(pairs) + index for index, slot in enumerate(operation.slots())}
        pairs.extend((operation.name, slot) for slot in operation.slots())
        return Node(operation, operation.name, columns, tuple(lay(child) for child in operation.children))

    nodes = [lay(operation) for operation in operations]
    numbers = slot_numbers(pairs)
    keys = np.arange(count, dtype=np.uint64)
    course = Course(count, draw_rows(5, np.zeros(count, dtype=np.uint32), keys, numbers))
    view = make_view([(8, 8)] * count)
    for node in nodes:
        view = node.operation.apply(node, course, view, None)
    return course


def test_inserting_removing_or_moving_an_operation_changes_no_other_draw() -> None:
    noise = GaussianNoise(p=0.6, name="noise")
    light = Brightness(name="light")
    group = SomeOf([Brightness(name="a"), Brightness(name="b"), Brightness(name="c")], n=(1, 2), name="group")
    extra = Brightness(p=0.5, name="extra")
    grown = SomeOf([*group.operations[:1], Brightness(name="d"), *group.operations[1:]], name="other")
    base = walk([noise, light, group])
    for course in (
        walk([extra, noise, light, group]),
        walk([noise, group, extra, light]),
        walk([group, noise]),
        walk([light, noise, Sometimes([group], p=1, name="wrapped")]),
    ):
        mine, theirs = who(course, 300), who(base, 300)
        records = {record.node.name: record for record in course.records}
        shared = [record for record in base.records if record.node.name in records]
        assert len(shared) >= 5
        for record in shared:
            name = record.node.name
            np.testing.assert_array_equal(mine[name], theirs[name])
            for slot, values in record.draw.values.items():
                np.testing.assert_array_equal(records[name].draw.values[slot], values)
    # Another member of a group changes who is chosen, but not what the others draw.
    members = {record.node.name: record for record in walk([noise, light, grown]).records}
    for record in base.records:
        if record.node.name in ("a", "b", "c"):
            drawn = members[record.node.name].draw.values["factor"]
            np.testing.assert_array_equal(drawn, record.draw.values["factor"])


def test_operations_of_the_same_kind_draw_independently() -> None:
    """No two children are seeded alike: two operations with one p happen together in a quarter of the cases."""
    active = touched(Sequential([Brightness(p=0.5), Brightness(p=0.5)]))
    first, second = active["Sequential.0"], active["Sequential.1"]
    assert near((first & second).mean(), 0.25)


def test_strength_goes_to_the_children_and_leaves_the_choice() -> None:
    tree = OneOf([Brightness((0.5, 1.5)), Sometimes([GaussianNoise(0.1)], p=0.3)], weights=(1, 3), p=0.8)
    weak = tree.with_strength(0.5)
    assert isinstance(weak, OneOf)
    assert weak.p == 0.8
    assert weak.weights == tree.weights
    assert weak.operations[0].factor == Uniform(0.75, 1.25, identity=1)
    assert weak.operations[1].p == 0.3
    assert weak.operations[1].operations[0].std.bounds() == (0.05, 0.05)


def test_children_that_touch_nobody_are_not_described() -> None:
    course, _ = course_of(OneOf(marks(4), weights=(0, 1, 0, 0)), [(4, 4)] * 10)
    assert len(course.steps) == 1
    assert course.steps[0].active is None


@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: OneOf([]), ["OneOf", "operations", "non-empty"]),
        (lambda: OneOf(Brightness()), ["OneOf", "operations", "list"]),
        (lambda: Sequential([Brightness(), "blur"]), ["Sequential", "operations[1]", "str"]),
        (lambda: OneOf(marks(2), weights=(1,)), ["OneOf", "1 weights", "2"]),
        (lambda: OneOf(marks(2), weights=(0, 0)), ["OneOf", "weights", "all zero"]),
        (lambda: OneOf(marks(2), weights=(-1, 2)), ["OneOf", "weights", "negative"]),
        (lambda: SomeOf(marks(2), n=3), ["SomeOf", "n", "3", "0 to 2"]),
        (lambda: SomeOf(marks(2), n=(1, 3)), ["SomeOf", "n", "(1, 3)", "0 to 2"]),
        (lambda: SomeOf(marks(3), n=3, weights=(1, 0, 1)), ["SomeOf", "n", "3", "0 to 2"]),
        (lambda: SomeOf(marks(2), n=-1), ["SomeOf", "n", "-1"]),
        (lambda: Sometimes(marks(1), p=1.5), ["Sometimes", "p", "1.5", "[0, 1]"]),
    ],
)
def test_wrong_arguments_are_refused_by_name(make: object, parts: list[str]) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        make()  # type: ignore[operator]
    for part in parts:
        assert part in str(caught.value)


def test_some_of_takes_any_distribution_for_n() -> None:
    chosen = children_of(SomeOf(marks(4), n=Integers(0, 4)))
    assert chisquare(np.bincount(chosen.sum(axis=1), minlength=5)).pvalue > 1e-4


def test_the_trace_repeats_the_choice() -> None:
    tree = SomeOf([OneOf(marks(3)), Sometimes(marks(2)), Brightness(p=0.5)], n=(1, 3))
    for key in range(20):
        course, _ = course_of(tree, [(4, 4)], keys=[key])
        past = {
            record.node.name: {
                "active": record.active is None or bool(record.active[0]),
                "values": {slot: value[0].item() for slot, value in record.draw.values.items()},
            }
            for record in course.records
        }
        node, _ = place(tree)
        again = Course(1, None, past)
        tree.apply(node, again, make_view([(4, 4)]), None)
        assert len(again.steps) == len(course.steps)
        for step, first in zip(again.steps, course.steps, strict=True):
            np.testing.assert_array_equal(step.change.matrix, first.change.matrix)
