"""The way of texts through operations: keys, epochs, fields, distinct variations."""

from __future__ import annotations

import pytest

from covary import text
from covary.ops.combine import OneOf
from covary.plan.edits import Offsets, apply_edits
from covary.texts import variations, vary

SENTENCE = "The quick brown fox jumps over the lazy dog and runs away."


def test_a_variation_depends_on_seed_key_and_epoch_alone() -> None:
    swap = text.RandomSwap(0.3)
    one = vary(swap, [SENTENCE, SENTENCE], keys=["a", "b"], epoch=[3, 4], seed=9)
    assert vary(swap, [SENTENCE], keys=["b"], epoch=4, seed=9).texts == [one.texts[1]]
    assert vary(swap, ["other", SENTENCE], keys=["x", "a"], epoch=3, seed=9).texts[1] == one.texts[0]
    assert one.texts[0] != one.texts[1]


def test_inserting_an_operation_leaves_the_draws_of_the_others() -> None:
    swap, idle = text.RandomSwap(0.3), text.Misspelling(0.0)
    assert vary([idle, swap], [SENTENCE]).texts == vary([swap], [SENTENCE]).texts


def test_stratified_draws_cover_the_range_evenly() -> None:
    happens = text.WordReplacement({"fox": "wolf"}, 1.0, p=0.5)
    done = vary(happens, [SENTENCE] * 16, keys=[7] * 16, epoch=range(16), draws="stratified")
    assert sum("wolf" in each for each in done.texts) == 8


def test_edits_of_several_operations_lead_from_the_original_to_the_result() -> None:
    done = vary([text.RandomSwap(0.3), text.KeyboardTypo(0.2), text.RandomDeletion(0.2)], [SENTENCE] * 20)
    for new, edits, changes in zip(done.texts, done.edits, done.changes, strict=True):
        assert apply_edits(SENTENCE, edits) == new
        current = SENTENCE
        for change in changes:
            current = apply_edits(current, change.edits)
        assert current == new
        assert Offsets(edits).forward(len(SENTENCE), "right") == len(new)


def test_other_fields_come_back_as_they_are() -> None:
    label = object()
    done = vary(text.RandomSwap(1.0), [SENTENCE], [{"label": label, "spans": ((4, 9, "ADJ"),), "answer": (16, 19)}])
    assert done.fields[0]["label"] is label
    (span,) = done.fields[0]["spans"]
    assert isinstance(done.fields[0]["spans"], tuple)
    assert done.texts[0][span[0] : span[1]] == "quick"
    assert done.texts[0][slice(*done.fields[0]["answer"])] == "fox"


@pytest.mark.parametrize(
    ("texts", "fields", "error", "message"),
    [
        ([SENTENCE, 3], None, TypeError, r"texts\[1\] is a int"),
        (SENTENCE, None, TypeError, "texts is a string"),
        ([SENTENCE], [], ValueError, "fields for 0 samples and 1 texts"),
        ([SENTENCE], [{"spans": [(0, 999, "X")]}], ValueError, r"spans\[0\] is 0 to 999; the text has 58 characters"),
    ],
)
def test_wrong_inputs_name_what_is_wrong(texts: object, fields: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        vary(text.RandomSwap(), texts, fields)  # type: ignore[arg-type]


def test_exactly_as_many_different_variations_as_asked_for() -> None:
    found = variations(OneOf([text.RandomSwap(0.2), text.KeyboardTypo(0.1)]), SENTENCE, 30, {"label": 1})
    assert len(set(found.texts) - {SENTENCE}) == 30
    assert found.reason == ""
    assert found.fields == [{"label": 1}] * 30
    again = vary(OneOf([text.RandomSwap(0.2), text.KeyboardTypo(0.1)]), [SENTENCE], keys=[0], epoch=found.epochs[29])
    assert again.texts == [found.texts[29]]


def test_fewer_variations_come_with_the_reason() -> None:
    found = variations(text.WordReplacement({"fox": ["wolf", "dog"]}, 0.5), SENTENCE, 5, most=20)
    assert sorted(found.texts) == [SENTENCE.replace("fox", "dog"), SENTENCE.replace("fox", "wolf")]
    assert found.reason == "100 draws gave only 2 different texts"
    with pytest.raises(ValueError, match="n is 0"):
        variations(text.RandomSwap(), SENTENCE, 0)
