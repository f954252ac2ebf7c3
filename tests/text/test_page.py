"""A text on its way: what a deletion takes along, what may change places, which edits are admitted."""

from __future__ import annotations

import pytest

from covary.ops.text.page import Page, Span
from covary.plan.edits import Edit, apply_edits

SENTENCE = "He lives in New York (USA).\nShe left, too."


def page(*spans: tuple[int, int]) -> Page:
    return Page(SENTENCE, [Span(*span, "X", mark) for mark, span in enumerate(spans)])


@pytest.mark.parametrize(
    ("word", "spans", "expected"),
    [
        ("lives", [], "He in New York (USA).\nShe left, too."),
        ("He", [], "lives in New York (USA).\nShe left, too."),
        ("USA", [], "He lives in New York ().\nShe left, too."),
        ("She", [], "He lives in New York (USA).\nleft, too."),
        ("left", [], "He lives in New York (USA).\nShe, too."),
        ("New", [(12, 20)], "He lives in York (USA).\nShe left, too."),
        ("York", [(12, 20)], "He lives in New (USA).\nShe left, too."),
    ],
)
def test_a_deleted_word_takes_one_white_space_along(word: str, spans: list[tuple[int, int]], expected: str) -> None:
    at = page(*spans)
    edit = at.removal(SENTENCE.index(word), SENTENCE.index(word) + len(word))
    assert apply_edits(SENTENCE, [edit]) == expected
    assert at.admitted([edit], dropping=False) == [edit]


def test_neighbours_are_deleted_without_overlap() -> None:
    at = page()
    edits = at.removals([(0, 2), (3, 8), (9, 11)])
    assert apply_edits(SENTENCE, edits) == "New York (USA).\nShe left, too."


def test_edits_across_the_edge_of_a_span_or_that_leave_nothing_of_it_are_not_admitted() -> None:
    inside, across, whole = Edit(12, 15, "Old"), Edit(9, 15, "at"), Edit(12, 20, "")
    around = Edit(8, 22, "")
    for edit, word, dropping in (
        (inside, True, True),
        (across, False, False),
        (whole, False, True),
        (around, False, True),
    ):
        assert (page((12, 20)).admitted([edit], dropping=False) == [edit]) == word
        assert (page((12, 20)).admitted([edit], dropping=True) == [edit]) == dropping


def test_words_change_places_inside_a_span_or_outside_or_as_the_span() -> None:
    words = [(3, 8), (12, 15), (16, 20), (32, 36)]
    homes = page((12, 20), (3, 8)).homes(words)
    assert homes is not None
    assert homes[0] == homes[3] != homes[1] == homes[2]
    assert page().homes(words) is None


def test_a_part_with_one_end_of_a_span_may_not_move() -> None:
    homes = page((24, 32)).homes([(0, 27), (28, 42)])
    assert homes is not None
    assert homes[0] != homes[1]
