"""What is found in a batch of ASCII texts at once, against the patterns that look at one text."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from covary.ops.text.page import Page, scan_pages
from covary.ops.text.protect import _ANY_SIGN, _BITS, _SIGNS, protection
from covary.ops.text.scan import ANY, FEWEST, scan, scan_arrays
from covary.ops.text.segment import words

PIECES = [
    "'",
    "-",
    ".",
    ":",
    "://",
    "(",
    "](",
    "[",
    "@",
    "_",
    "`",
    "<",
    "&",
    "%",
    "{",
    "$",
    "\n",
    "\x1c",
    "\x00",
    "7",
    " ",
]
ascii_texts = st.lists(
    st.one_of(st.sampled_from(PIECES), st.sampled_from(string.ascii_letters), st.characters(max_codepoint=127)),
    max_size=20,
).map("".join)


@settings(max_examples=50)
@given(st.lists(ascii_texts, min_size=1, max_size=12))
def test_words_and_signs_of_a_batch_are_those_of_the_patterns(texts: list[str]) -> None:
    import re

    places, signs = scan_arrays(texts)
    compiled_places, compiled_signs = scan(texts)
    assert (compiled_places, list(compiled_signs)) == (places, signs)
    assert places == [words(text) for text in texts]
    for text, found in zip(texts, signs, strict=True):
        assert bool(found & ANY) == (_ANY_SIGN.search(text) is not None)
        for kind, bit in _BITS.items():
            assert bool(found & bit) == (re.search(_SIGNS[kind], text) is not None), kind


@settings(max_examples=50)
@given(st.lists(ascii_texts, min_size=FEWEST, max_size=2 * FEWEST), st.sampled_from([(), ("-numbers",), ("word:a",)]))
def test_pages_say_the_same_whether_they_were_scanned_together_or_not(
    texts: list[str], entries: tuple[str, ...]
) -> None:
    guard = protection(entries)
    together, alone = [Page(text) for text in texts], [Page(text) for text in texts]
    scan_pages(together, guard)
    for one, other in zip(together, alone, strict=True):
        assert one.words == other.words
        assert one.guarded(guard) == other.guarded(guard)
        assert one.free_words(guard) == other.free_words(guard)
        assert one.free_words(guard) == [word for word in other.words if other.is_free(*word, guard)]
