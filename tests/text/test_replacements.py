"""Tables, numbers, dates, names and entities."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from covary import text
from covary.ops.text.lists import FEMALE_NAMES, MALE_NAMES, misspellings
from covary.ops.text.protect import protection
from tests.text.texting import vary, vary_all


def test_a_table_is_followed_in_the_case_of_the_word() -> None:
    swap = text.WordReplacement({"Lorry": "truck", "flat": ["apartment", "condo"]}, 1.0)
    assert vary(swap, "A LORRY, a lorry and a Lorry.")["text"] == "A TRUCK, a truck and a Truck."
    seen = {vary(swap, "flat", epoch=epoch)["text"] for epoch in range(20)}
    assert seen == {"apartment", "condo"}
    with pytest.raises(ValueError, match="WordReplacement: table is"):
        text.WordReplacement("lorry truck")


def test_misspellings_are_of_other_letters_and_are_made_at_the_rate() -> None:
    assert all(wrong != right for right, each in misspellings().items() for wrong in each)
    sentence = "I believe that they receive a separate calendar"
    done = vary_all(text.Misspelling(0.5), [sentence] * 400).texts
    share = sum(before != after for each in done for before, after in zip(sentence.split(), each.split(), strict=True))
    known = sum(word in misspellings() for word in sentence.lower().split())
    assert abs(share / (400 * known) - 0.5) < 0.06


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("version 1.2.3 at 10:30 on 2024-03-05", True),
        ("call 555-1234 or 007, in 1999", True),
        ("he paid $1,250.50 for 30 kg", False),
    ],
)
def test_numbers_in_dates_times_and_codes_stay(sentence: str, kept: bool) -> None:
    texts = {vary(text.NumberJitter(0.3), sentence, epoch=epoch)["text"] for epoch in range(20)}
    assert (texts == {sentence}) == kept


def test_numbers_stay_within_the_amount_and_in_their_form() -> None:
    for epoch in range(100):
        done = vary(text.NumberJitter(0.2), "It cost $1,250.50 and weighs 30 kg.", epoch=epoch)["text"]
        found = re.fullmatch(r"It cost \$(\d,?\d{3}\.\d\d) and weighs (\d+) kg\.", done)
        assert found is not None, done
        assert 1000.4 <= float(found[1].replace(",", "")) <= 1500.6
        assert 24 <= int(found[2]) <= 36
    years = {vary(text.NumberJitter(0.2, years=True), "in 1999", epoch=epoch)["text"] for epoch in range(20)}
    assert len(years) > 10


def test_dates_move_by_the_days_that_datetime_counts() -> None:
    sentence = "On 2024-02-27, 28 February 2024, Feb 29, 2024 and 1.3.2024 but not 3/4/2024 or 2024-13-01."
    move = text.DateJitter((2, 2))
    assert vary(move, sentence)["text"] == (
        "On 2024-02-29, 1 March 2024, Mar 2, 2024 and 3.3.2024 but not 3/4/2024 or 2024-13-01."
    )
    assert vary(text.DateJitter((1, 1), order="mdy"), "on 12/31/2023")["text"] == "on 1/1/2024"
    assert vary(text.DateJitter((1, 1), order="dmy"), "on 30/04/2023")["text"] == "on 01/05/2023"
    for epoch in range(30):
        done = vary(text.DateJitter(400), "from 2020-01-10 to 2020-03-01", epoch=epoch)["text"]
        first, last = (date.fromisoformat(each) for each in re.findall(r"\d{4}-\d\d-\d\d", done))
        assert last - first == date(2020, 3, 1) - date(2020, 1, 10)
        assert abs(first - date(2020, 1, 10)) <= timedelta(400)


def test_entities_come_from_the_data_and_keep_their_label() -> None:
    texts = ["Anna lives in Rome.", "Bob went to New York with Anna."]
    spans = [
        [(0, 4, "PER"), (14, 18, "LOC")],
        [{"start": 0, "end": 3, "label": "PER"}, {"start": 12, "end": 20, "label": "LOC"}, [26, 30, "PER"]],
    ]
    known = text.gazetteer(texts, spans)
    assert known == {"LOC": ["New York", "Rome"], "PER": ["Anna", "Bob"]}
    done = vary(text.EntitySwap(known, 1.0), "Anna lives in Rome. Anna!", spans=[*spans[0], (20, 24, "PER")])
    assert done["text"] == "Bob lives in New York. Bob!"
    assert [done["text"][start:end] for start, end, _ in done["spans"]] == ["Bob", "New York", "Bob"]
    tokens = vary(
        text.EntitySwap(known, 1.0), "Anna saw Rome", tokens=["Anna", "saw", "Rome"], tags=["B-PER", "O", "B-LOC"]
    )
    assert (tokens["tokens"], tokens["tags"]) == (["Bob", "saw", "New", "York"], ["B-PER", "O", "B-LOC", "I-LOC"])


def test_protected_and_unknown_labels_stay() -> None:
    swap = text.EntitySwap({"PER": ["Bob"]}, 1.0, protect=["entity:PER"])
    assert vary(swap, "Anna", spans=[(0, 4, "PER")])["text"] == "Anna"
    assert vary(text.EntitySwap({"PER": ["Bob"]}, 1.0), "Rome", spans=[(0, 4, "LOC")])["text"] == "Rome"
    assert protection(("entity:PER",)).entities == {"PER"}


def test_a_name_is_the_same_throughout_a_text() -> None:
    for epoch in range(20):
        done = vary(text.NameSwap(), "Emma met James. Emma's friend likes James and Emma.", epoch=epoch)["text"]
        found = re.fullmatch(r"(\w+) met (\w+)\. (\w+)'s friend likes (\w+) and (\w+)\.", done)
        assert found is not None, done
        assert found[1] == found[3] == found[5] in FEMALE_NAMES
        assert found[2] == found[4] in MALE_NAMES
        assert found[1] != "Emma"


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("He saw her and her mother.", "She saw him and his father."),
        ("Mr. Smith, his wife and the waiter himself", "Mrs. Smith, her husband and the waitress herself"),
        ("The book is his.", "The book is hers."),
        ("HE gave it to her.", "SHE gave it to him."),
        ("James likes the actress.", "Mary likes the actor."),
    ],
)
def test_gender_is_exchanged_throughout(sentence: str, expected: str) -> None:
    assert vary(text.GenderSwap(), sentence)["text"] == expected
