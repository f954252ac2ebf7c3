"""What holds for every operation on text."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.ops.base import Operation, qualified_name, registry
from covary.ops.combine import OneOf, Sequential, SomeOf, Sometimes
from covary.ops.image import Rotate
from covary.ops.spec import from_plain, to_plain
from covary.ops.text.base import TextOperation
from covary.ops.text.protect import protection
from covary.ops.text.segment import words
from covary.plan.edits import apply_edits
from tests.text.examples import (
    IDS,
    MARKS,
    MERGE,
    MODELS,
    OPERATIONS,
    RICH,
    SENTENCE,
    SWAP,
    TYPO,
    labelled,
    some_operations,
    texts,
)
from tests.text.texting import vary, vary_all

KEYS = st.integers(0, 2**32)
every = pytest.mark.parametrize("operation", OPERATIONS, ids=IDS)


def test_every_declared_operation_is_among_the_examples() -> None:
    declared = {name for name, cls in registry().items() if issubclass(cls, TextOperation)}
    assert declared == {qualified_name(type(operation)) for operation in [*OPERATIONS, *MODELS]}


@every
def test_it_changes_a_sentence(operation: Operation) -> None:
    spans = [(32, 40, "LOC")]
    assert any(vary(operation, RICH, key=key, spans=spans)["text"] != RICH for key in range(20))


@every
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_strength_zero_changes_nothing(operation: Operation, data: st.DataObject) -> None:
    text, spans = data.draw(labelled())
    done = vary(operation.with_strength(0), text, key=data.draw(KEYS), spans=spans)
    assert (done["text"], done["spans"], done["edits"]) == (text, spans, [])


@every
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_outside_its_edits_the_text_is_the_original(operation: Operation, data: st.DataObject) -> None:
    text = data.draw(texts())
    done = vary(operation, text, key=data.draw(KEYS))
    assert done["text"] == apply_edits(text, done["edits"])
    last = 0
    for edit in done["edits"]:
        assert last <= edit.start <= edit.end <= len(text)
        last = edit.end


@every
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_what_is_protected_stays(operation: TextOperation, data: st.DataObject) -> None:
    text = data.draw(texts())
    guard = operation.guard(())
    kept = guard.ranges(text, (), [])
    done = vary(operation, text, key=data.draw(KEYS))
    for start, end in kept:
        touched = any(edit.start < end and edit.end > start for edit in done["edits"])
        moved = any(copy.start <= start and end <= copy.end for edit in done["edits"] for copy in edit.copies)
        assert moved or not touched


@settings(max_examples=60, deadline=None)
@given(labelled(), some_operations(3), KEYS)
def test_spans_cover_what_is_left_of_their_words_after_any_three_operations(
    sample: tuple[str, list[tuple[int, int, str]]], operations: list[Operation], key: int
) -> None:
    """The oracle follows every character by itself through the edits of each operation."""
    from tests.text.editing import follow, traced

    text, spans = sample
    named = [_renamed(operation, f"op{index}") for index, operation in enumerate(operations)]
    done = vary(named, text, key=key, spans=[(*span, index) for index, span in enumerate(spans)])
    after = traced(text)
    for change in done["changes"]:
        after = follow(after, change.edits)
    assert "".join(character for character, _ in after) == done["text"]
    dropped = {index for _, index, _ in done["dropped"]}
    assert {span[3] for span in done["spans"]} | dropped == set(range(len(spans)))
    for start, end, label, index in done["spans"]:
        old_start, old_end, old_label = spans[index]
        kept = {origin for _, origin in after if origin is not None and old_start <= origin < old_end}
        inside = {origin for _, origin in after[start:end] if origin is not None}
        assert label == old_label
        assert start < end
        assert inside == kept
    for index in dropped:
        left = [text[o] for _, o in after if o is not None and spans[index][0] <= o < spans[index][1]]
        assert not any(character.isalnum() for character in left)


@settings(max_examples=60, deadline=None)
@given(labelled(), some_operations(3), KEYS)
def test_no_operation_on_words_leaves_nothing_of_a_span(
    sample: tuple[str, list[tuple[int, int, str]]], operations: list[Operation], key: int
) -> None:
    text, spans = sample
    on_words = [operation for operation in operations if not operation.dropping]  # type: ignore[attr-defined]
    named = [_renamed(operation, f"op{index}") for index, operation in enumerate(on_words)]
    done = vary(named, text, key=key, spans=spans)
    assert done["dropped"] == []
    assert len(done["spans"]) == len(spans)


def _renamed(operation: Operation, name: str) -> Operation:
    import dataclasses

    return dataclasses.replace(operation, name=name)


@settings(max_examples=50, deadline=None)
@given(texts(), some_operations(3), KEYS, st.data())
def test_bio_tags_stay_valid(text: str, operations: list[Operation], key: int, data: st.DataObject) -> None:
    places = words(text)
    tags = [data.draw(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC"])) for _ in places]
    for index, tag in enumerate(tags):
        if tag == "I-PER" and (index == 0 or tags[index - 1] not in ("B-PER", "I-PER")):
            tags[index] = "B-PER"
    named = [_renamed(operation, f"op{index}") for index, operation in enumerate(operations)]
    done = vary(named, text, key=key, tokens=places, tags=tags)
    assert len(done["tokens"]) == len(done["tags"])
    last_end, last = 0, "O"
    for (start, end), tag in zip(done["tokens"], done["tags"], strict=True):
        assert last_end <= start < end <= len(done["text"])
        assert tag == "O" or tag.startswith("B-") or last[2:] == tag[2:], done["tags"]
        last_end, last = end, tag
    lost = sum(field == "tags" for field, _, _ in done["dropped"])
    before = sum(tag.startswith("B-") for tag in tags)
    assert sum(tag.startswith("B-") for tag in done["tags"]) == before - lost


@every
def test_alone_and_in_a_batch_it_gives_the_same(operation: Operation) -> None:
    some = [RICH, SENTENCE, "", "One", "two words", SENTENCE * 4, "…", "naïve Café"]
    keys = ["a", 1, "b", 2, "c", 3, "d", 4]
    together = vary_all(operation, some, keys=keys, seed=5)
    for index, (text, key) in enumerate(zip(some, keys, strict=True)):
        alone = vary(operation, text, key=key, seed=5)
        assert alone["text"] == together.texts[index]
        assert alone["edits"] == together.edits[index]


@every
def test_epochs_and_seeds_give_other_texts(operation: Operation) -> None:
    spans = [(32, 40, "LOC")]
    assert len({vary(operation, RICH, epoch=epoch, spans=spans)["text"] for epoch in range(24)}) > 1
    assert len({vary(operation, RICH, seed=seed, spans=spans)["text"] for seed in range(24)}) > 1


@every
def test_it_goes_through_plain_data_and_back(operation: Operation) -> None:
    assert from_plain(to_plain(operation)) == operation


@pytest.mark.parametrize("text", ["", " ", "a", "...", "\n", "👩‍👩‍👧", "one", "\ud83d"])
@every
def test_texts_with_next_to_nothing_in_them(operation: Operation, text: str) -> None:
    for key in range(5):
        done = vary(operation, text, key=key)
        assert done["text"] == apply_edits(text, done["edits"])
        assert bool(done["text"].strip()) == bool(text.strip())


def test_inputs_are_not_changed() -> None:
    fields = {"spans": [[4, 15, "PER"]], "answer": {"text": ["New York"], "answer_start": [32]}, "other": [1, 2]}
    before = copy.deepcopy(fields)
    vary(OPERATIONS, SENTENCE, **fields)
    assert fields == before


def test_hash_seeds_do_not_matter() -> None:
    """The defect of EDA: three values of PYTHONHASHSEED give three outputs."""
    program = (
        "from tests.text.examples import OPERATIONS, SENTENCE\nfrom tests.text.texting import vary\n"
        "print([ascii(vary(operation, SENTENCE, key=9)['text']) for operation in OPERATIONS])"
    )
    outputs = set()
    for seed in ("0", "1", "77"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        root = Path(__file__).resolve().parent.parent.parent
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, cwd=root
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1


def test_combinators_work_around_operations_on_text() -> None:
    swap, typo, merge = SWAP, TYPO, MERGE
    names = set()
    for key in range(40):
        done = vary(OneOf([swap, typo]), SENTENCE, key=key)
        names |= {change.operation for change in done["changes"]}
        assert len(done["changes"]) == 1
        some = vary(SomeOf([swap, typo, merge], n=2), SENTENCE, key=key)
        assert len(some["changes"]) == 2
    assert names == {"RandomSwap", "KeyboardTypo"}
    idle = vary(Sometimes([Sequential([swap])], p=0), SENTENCE)
    assert idle["text"] == SENTENCE


def test_p_is_the_share_of_texts_that_change() -> None:
    import dataclasses

    done = vary_all(dataclasses.replace(SWAP, p=0.3), [SENTENCE] * 1000)
    changed = sum(text != SENTENCE for text in done.texts)
    assert 240 <= changed <= 360  # four standard deviations


def test_operations_on_pictures_pass_texts_by() -> None:
    assert vary([Rotate(30)], SENTENCE)["text"] == SENTENCE


def test_the_trace_replays_the_same_change() -> None:
    from covary.ops.base import Course
    from covary.ops.layout import lay_out
    from covary.texts import vary_texts

    operations = (OneOf([SWAP, TYPO]), MARKS)
    placed = lay_out(operations)
    first = vary_all(operations, [SENTENCE], keys=[12])
    import numpy as np

    from covary.draws.keys import key_numbers
    from covary.draws.rows import draw_rows

    course = Course(1, draw_rows(0, np.zeros(1, np.uint32), key_numbers([12]), placed.slots), lines=placed.lines)
    vary_texts(placed, [SENTENCE], None, course)
    past = {
        record.node.name: {
            "active": record.active is None or bool(record.active[0]),
            "values": {slot: value[0].item() for slot, value in record.draw.values.items()},
        }
        for record in course.records
    }
    again = vary_texts(placed, [SENTENCE], None, Course(1, None, past))
    assert again.texts == first.texts


@pytest.mark.parametrize("entry", ["urls:x", "nothing", "word:", "-spans", "pattern:("])
def test_a_wrong_protection_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="protect has"):
        protection((entry,))
