"""Where the words and the sentences of a text are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

Ranges: TypeAlias = list[tuple[int, int]]

# Ideographs stand for words without spaces between them: each is a word by itself.
_IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_ASCII_WORD = re.compile(r"\w+(?:['\-]\w+)*", re.ASCII)


def words(text: str) -> Ranges:
    """The words: runs of letters, digits, underscores and their marks, joined by single apostrophes and hyphens.

    A letter and its combining marks are never torn apart; an ideograph is a word by itself.
    """
    pattern = _ASCII_WORD if text.isascii() else _unicode_word()
    return [match.span() for match in pattern.finditer(text)]


@cache
def marks() -> str:
    """Combining marks and joiners, as the inside of a character class."""
    places = [*range(0x300, 0x20000), *range(0xE0100, 0xE01F0)]
    found = [place for place in places if unicodedata.category(chr(place))[0] == "M" or place in (0x200C, 0x200D)]
    runs: list[list[int]] = []
    for place in found:
        if runs and runs[-1][1] == place - 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in runs)


@cache
def _unicode_word() -> re.Pattern[str]:
    inside = rf"[^\W{_IDEOGRAPHS}][{marks()}]*"
    return re.compile(rf"[{_IDEOGRAPHS}][{marks()}]*|(?:{inside})+(?:['’\-](?:{inside})+)*")


@cache
def lone_letter() -> re.Pattern[str]:
    """A letter that no mark, joiner or skin tone changes: one that can be replaced by itself."""
    return re.compile(rf"[^\W\d_](?![{marks()}])")


def sentences(text: str) -> Ranges:
    """The sentences, without the white space around them: by sentencex where it is installed, else by a rule.

    The rule: a sentence ends at a full stop, exclamation or question mark with what closes it, before white space (or
    at once after an ideographic mark), and at an empty line; not after an abbreviation, an initial, nor where the next
    word is in lower case.
    """
    return by_library(text) if _library() is not None else by_rule(text)


@cache
def _library() -> Callable[[str, str], list[str]] | None:
    try:
        import sentencex
    except ImportError:
        return None
    found: Callable[[str, str], list[str]] = sentencex.segment
    return found


_NOT_FOR_LIBRARY = re.compile(r"[^\S\x00-\x7f]|[\ud800-\udfff]")


def by_library(text: str) -> Ranges:
    """Sentences by sentencex; by the rule where it does not give back the very text."""
    segment = _library()
    assert segment is not None
    # Its UTF-8 cannot hold lone surrogates, and it fails at some white space of several bytes: both are one character.
    plain = _NOT_FOR_LIBRARY.sub(" ", text)
    parts = list(segment("en", plain))
    if "".join(parts) != plain:
        return by_rule(text)
    ranges, start = [], 0
    for part in parts:
        ranges.append((start, start + len(part)))
        start += len(part)
    return _stripped(text, ranges)


_CLOSING = "\"'”’»)\\]}"
_END = re.compile(rf"[.!?…]+[{_CLOSING}]*(?=\s|\Z)|[。！？]+[」』”’）]*|\n[^\S\n]*\n\s*")
_BEFORE = re.compile(r"[^\s(\[\"'“‘«]+\Z")
_NEXT = re.compile(r"\s*[\"'“‘«(\[]*(\S)")
_ABBREVIATIONS = frozenset(
    """
a.m al approx apr apt aug avg b.a bros bzw ca capt cf ch co col corp d.c dec dept dr e.g ed eds eg eq eqs est etc feb
fig figs fr fri ft gen gov hon i.e ie inc jan jr jul jun lt ltd m.a m.d mar max messrs min mmes mon mr mrs ms mt mx no
nos nov nr oct p p.m ph.d pp pres prof ref refs rep rev sat sec sen sep sept sgt sr st str sun supt tel thu thur thurs
tue tues u.k u.s usw vol vols vs wed z.b
""".split()
)


def by_rule(text: str) -> Ranges:
    """Sentences by the built-in rule."""
    ranges, start = [], 0
    for match in _END.finditer(text):
        if match.start() >= start and (match[0][0] not in ".!?…" or _ends_sentence(text, match)):
            ranges.append((start, match.end()))
            start = match.end()
    ranges.append((start, len(text)))
    return _stripped(text, ranges)


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    """Whether a mark ends a sentence, not an abbreviation, an initial or a quotation inside one."""
    following = _NEXT.match(text, match.end())
    if following is None:
        return True
    if following[1].islower():
        return match[0][-1] in "!?"
    if match[0][0] != "." or match[0].startswith(".."):
        return True
    before = _BEFORE.search(text, max(0, match.start() - 40), match.start())
    if before is None:
        return True
    word = before[0]
    initial = len(word) == 1 and word.isalpha() and word.isupper() and word != "I"
    return not initial and word.lower() not in _ABBREVIATIONS


def _stripped(text: str, ranges: Ranges) -> Ranges:
    stripped = []
    for start, end in ranges:
        part = text[start:end]
        bare = part.strip()
        if bare:
            begin = start + len(part) - len(part.lstrip())
            stripped.append((begin, begin + len(bare)))
    return stripped
