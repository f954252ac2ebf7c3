"""Edits against an oracle that follows every single character."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.plan.edits import Copy, Edit, Offsets, apply_edits, checked, compose, move_span
from tests.text.editing import edits_of, follow, texts, traced


@settings(deadline=None)
@given(st.data(), texts)
def test_applying_edits_equals_following_every_character(data: st.DataObject, text: str) -> None:
    edits = checked(data.draw(edits_of(text)), len(text))
    assert apply_edits(text, edits) == "".join(character for character, _ in follow(traced(text), edits))


@settings(deadline=None)
@given(texts)
def test_no_edits_give_the_same_object(text: str) -> None:
    assert apply_edits(text, []) is text


@settings(max_examples=50, deadline=None)
@given(st.data(), texts)
def test_composed_edits_equal_one_after_the_other_with_the_origin_of_every_character(
    data: st.DataObject, text: str
) -> None:
    first = data.draw(edits_of(text))
    middle = apply_edits(text, first)
    second = data.draw(edits_of(middle))
    both = checked(compose(first, second), len(text))
    assert apply_edits(text, both) == apply_edits(middle, second)
    # Which of two copies of one character is "the" copy may differ only where the first edits doubled it.
    assert follow(traced(text), both) == follow(follow(traced(text), first), second)


@settings(deadline=None)
@given(st.data(), texts)
def test_composing_is_associative(data: st.DataObject, text: str) -> None:
    lists = []
    current = text
    for _ in range(3):
        lists.append(data.draw(edits_of(current)))
        current = apply_edits(current, lists[-1])
    one, two, three = lists
    left, right = compose(compose(one, two), three), compose(one, compose(two, three))
    assert follow(traced(text), left) == follow(traced(text), right)


@settings(deadline=None)
@given(st.data(), texts)
def test_a_span_holds_what_is_left_of_its_characters_and_nothing_of_its_surroundings(
    data: st.DataObject, text: str
) -> None:
    edits = data.draw(edits_of(text, copies=False))
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    moved = move_span(edits, start, end)
    crossed = any(low < end and high > start and (low < start or high > end) for low, high, _, _ in edits)
    after = follow(traced(text), edits)
    kept = {index for _, index in after if index is not None and start <= index < end}
    if start == end:
        assert crossed or moved is not None
    elif crossed:
        assert moved is None
    elif moved is None:
        assert not kept
    else:
        inside = {index for _, index in after[slice(*moved)] if index is not None}
        assert inside == kept


@settings(deadline=None)
@given(st.data(), texts)
def test_a_span_inside_a_copy_goes_with_it(data: st.DataObject, text: str) -> None:
    edits = data.draw(edits_of(text))
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    if start < end and any(copy.start <= start and end <= copy.end for edit in edits for copy in edit.copies):
        moved = move_span(edits, start, end)
        assert moved is not None
        assert apply_edits(text, edits)[slice(*moved)] == text[start:end]


@settings(deadline=None)
@given(st.data(), texts)
def test_offsets_of_kept_characters_go_there_and_back(data: st.DataObject, text: str) -> None:
    edits = data.draw(edits_of(text, copies=False))
    offsets = Offsets(edits)
    after = follow(traced(text), edits)
    for new, (_, old) in enumerate(after):
        if old is not None:
            assert offsets.forward(old, "right") == new
            assert offsets.backward(new, "right") == old
            assert offsets.forward(old + 1, "left") == new + 1
            assert offsets.backward(new + 1, "left") == old + 1


@settings(deadline=None)
@given(st.data(), texts, st.sampled_from(["left", "right"]))
def test_offsets_are_monotone_and_stay_inside(data: st.DataObject, text: str, side: str) -> None:
    edits = data.draw(edits_of(text, copies=False))
    offsets, after = Offsets(edits), apply_edits(text, edits)
    there = [offsets.forward(offset, side) for offset in range(len(text) + 1)]  # type: ignore[arg-type]
    back = [offsets.backward(offset, side) for offset in range(len(after) + 1)]  # type: ignore[arg-type]
    assert there == sorted(there)
    assert back == sorted(back)
    assert set(there) <= set(range(len(after) + 1))
    assert set(back) <= set(range(len(text) + 1))


def test_a_place_inside_a_replacement_maps_to_either_end() -> None:
    offsets = Offsets([Edit(4, 7, "house")])  # "the cat sat" -> "the house sat"
    assert (offsets.forward(5, "left"), offsets.forward(5, "right")) == (4, 9)
    assert (offsets.backward(6, "left"), offsets.backward(6, "right")) == (4, 7)


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(0, 4, "")],
        [Edit(2, 1, "")],
        [Edit(1, 2, "a"), Edit(1, 3, "b")],
        [Edit(0, 1, "ab", (Copy(1, 0, 2),))],
        [Edit(0, 1, "ab", (Copy(0, 2, 4),))],
    ],
)
def test_a_list_that_is_none_is_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match=r"Edit\("):
        checked(edits, 3)
