"""The compiled kernels of plain texts, against the same operations text by text in Python."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import kernels, text
from covary.ops.base import Operation
from covary.ops.text.letters import LAYOUTS
from covary.texts import Varied, vary

pytestmark = pytest.mark.skipif(kernels.native is None, reason="the kernels are not built")

RATES = (0.0, 0.05, 0.3, 0.9, 1.0)
WORDS = (
    "The a an An AN owner Owner's OWNER finds large old small trees quickly running ran 5 km "
    "x_y f(x) well-known don't rn cl vv http://a.b/c me@b.org {name} THEN Apple hour"
).split()
GAPS = (" ", "  ", "\t", "\n", "\r\n", ", ", ". ", "-", "'", " (", ") ", "\x1c", "")

ascii_texts = st.one_of(
    st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(GAPS)), max_size=14).map(
        lambda pairs: "".join(word + gap for word, gap in pairs)
    ),
    st.text(st.one_of(st.sampled_from(string.ascii_letters + " '-_\t"), st.characters(max_codepoint=127)), max_size=30),
)


def operations(rate: float) -> list[Operation]:
    """Every operation that has a kernel, in all its modes."""
    return [
        text.RandomSwap(rate),
        text.RandomDeletion(rate),
        text.PunctuationInsertion(rate),
        text.PunctuationInsertion(rate, marks=("…", "!!", "\U0001f600")),
        text.WordSplit(rate, min_length=2),
        text.CharacterInsertion(rate),
        text.CharacterInsertion(rate, min_length=1, alphabet="abX1"),
        text.CharacterSubstitution(rate),
        text.CharacterDeletion(rate, min_length=1),
        text.CharacterDeletion(rate),
        text.CharacterTranspose(rate),
        *(text.KeyboardTypo(rate, layout=layout) for layout in LAYOUTS),
        text.CaseNoise(rate),
        text.OcrNoise(rate),
        text.Homoglyphs(rate),
        text.Leet(rate),
        text.SynonymReplacement(rate),
        text.AntonymReplacement(rate),
        text.HypernymReplacement(rate),
    ]


def in_python(
    monkeypatch: pytest.MonkeyPatch, operations: Sequence[Operation], texts: Sequence[str], **more: Any
) -> Varied:
    with monkeypatch.context() as patch:
        patch.setattr(kernels, "native", None)
        return vary(operations, texts, **more)


@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(ascii_texts, min_size=8, max_size=12),
    rate=st.sampled_from(RATES),
    seed=st.integers(0, 2**64 - 1),
    protect=st.sampled_from([(), ("word:the",), ("-numbers", "-code")]),
)
def test_kernels_edit_plain_texts_as_python_does(
    texts: list[str], rate: float, seed: int, protect: tuple[str, ...]
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        for operation in operations(rate):
            assert operation.kernel() is not None  # type: ignore[attr-defined]
            compiled = vary([operation], texts, seed=seed, protect=protect)
            assert compiled == in_python(monkeypatch, [operation], texts, seed=seed, protect=protect), operation


def test_chains_conditions_and_other_texts_in_the_batch_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = [
        text.RandomDeletion(0.2, p=0.5),
        text.KeyboardTypo((0, 0.3)),
        text.SynonymReplacement(0.3),
        text.CharacterTranspose(0.2),
    ]
    texts = ["The old owner finds a large tree.", "Ein schöner Tag für alle", "", "no", "An apple a day 3 km off"] * 6
    fields: list[dict[str, Any]] = [
        {"spans": [(0, 3)]} if number % 7 == 0 and len(each) > 3 else {} for number, each in enumerate(texts)
    ]
    compiled = vary(chain, texts, fields, seed=4)
    assert compiled == in_python(monkeypatch, chain, texts, fields=fields, seed=4)
    alone = [
        vary(chain, [each], [field], keys=[key], seed=4).texts[0]
        for key, (each, field) in enumerate(zip(texts, fields, strict=True))
    ]
    assert compiled.texts == alone


def edit_texts(**changed: Any) -> Any:
    arguments: dict[str, Any] = {
        "kernel": "delete_words",
        "texts": ["some words"],
        "guarded": [[]],
        "streams": np.zeros(1, np.uint64),
        "rates": np.full(1, 0.5),
        "table": {},
        "alphabet": None,
        "least": 1,
        "stays": False,
    }
    assert kernels.native is not None
    return kernels.native.edit_texts(**{**arguments, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kernel": "none"}, "kernel: there is none called none"),
        ({"texts": ["é"]}, r"texts\[0\]: expected an ASCII string"),
        ({"texts": [3]}, r"texts\[0\]: expected an ASCII string"),
        ({"guarded": []}, "one entry for each text"),
        ({"guarded": [[(0, 11)]]}, "out of order or outside"),
        ({"guarded": [[(4, 6), (2, 8)]]}, "out of order or outside"),
        ({"streams": np.zeros(2, np.uint64)}, "streams: expected shape"),
        ({"rates": np.full(1, np.nan)}, "rates: expected numbers from 0 to 1"),
        ({"rates": np.full(1, 1.5)}, "rates: expected numbers from 0 to 1"),
        ({"table": {"abc": ("d",)}}, "at most two characters"),
        ({"table": {"a": ()}}, "tuples of strings"),
        ({"alphabet": ""}, "alphabet: it is empty"),
        ({"kernel": "insert_marks"}, "there are no marks"),
        ({"kernel": "split_words"}, "at least 2"),
    ],
)
def test_the_boundary_refuses_what_the_kernels_cannot_take(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        edit_texts(**changed)
