"""What no operation may touch: addresses, numbers, placeholders, code, markup, and what the user names.

An entry of `protect=` is one of

- a built-in kind: "urls", "emails", "numbers", "placeholders", "code", "markup". All of them hold by default; with a
  minus before it ("-numbers") a kind is given free;
- "word:NAME", a word in any case; "pattern:REGEX", all matches of a regular expression;
- "spans", all spans of the sample; "entity:LABEL", spans with that label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from covary.ops.text import scan
from covary.ops.text.segment import Ranges

_UNITS = (
    "%|‰|°C|°F|°|[kmcµnd]?m[²³23]?|km/h|mph|kph|[kmµ]?g|kg|lbs?|oz|[kMGT]?i?B|[kMG]?bps|[kMG]?Hz|[mµn]?s|ms|min|hrs?|h|"
    "[kMG]?Wh?|[kM]?V|m?A|[mc]?l|ml|L|in|ft|yd|mi|px|pt|em|dB|k|M|bn|am|pm|AM|PM|st|nd|rd|th|€|\\$|£|¥"
)
KINDS = {
    "urls": r"(?:https?|ftp|file)://[^\s<>\"]*[^\s<>\"'.,;:!?)\]}]|www\.[^\s<>\"]*[^\s<>\"'.,;:!?)\]}]"
    r"|(?<![\w@.\-])(?:[\w\-]++\.)+(?:com|org|net|edu|gov|io|ai|co|uk|de|fr|info|dev|app)\b(?:/[^\s<>\"]*[\w/])?",
    "emails": r"[\w.+\-]++@[\w\-]+(?:\.[\w\-]+)+",
    "numbers": rf"(?<!\w)[+\-−]?(?:[$€£¥]\s?)?\d+(?:[.,:/\-]\d+)*(?:\s?(?:{_UNITS})(?!\w))?",
    "placeholders": r"\{\{[^{}\n]*\}\}|\$?\{[^{}\n]*\}|%\(\w+\)[sdifgr]|%[\d.]*[sdifgr](?!\w)|\$[A-Za-z_]\w*"
    r"|<\|?[A-Za-z_]\w*\|?>|\[[A-Z][A-Z0-9_]+\]|__\w+__",
    "code": r"```.*?```|`[^`\n]+`|(?<!\w)(?:\w++(?:\.\w++)*+\([^()\n]*\)|[^\W_]++_\w+)",
    "markup": r"</?[A-Za-z][^<>]*>|<!--.*?-->|&(?:\w+|#\d+|#x[0-9a-fA-F]+);|\]\([^)\s]+\)",
}
# The bit that each kind has where the texts of a batch are looked at together.
_BITS = {
    "urls": scan.URLS,
    "emails": scan.EMAILS,
    "numbers": scan.NUMBERS,
    "placeholders": scan.PLACEHOLDERS,
    "code": scan.CODE,
    "markup": scan.MARKUP,
}
# One of these is in every match; points, colons and brackets only count where no white space follows.
_ANY_SIGN = re.compile(r"[\d@{%$<\[_`&(:.](?:(?<![(:.])|(?!\s|\Z))")
# What a match of each kind holds; most sentences have none of it and need no closer look.
_SIGNS = {
    "urls": r"://|\w\.\w",
    "emails": "@",
    "numbers": r"\d",
    "placeholders": r"[{%$<\[_]",
    "code": r"[`_]|\w\(",
    "markup": r"[<&]|\]\(",
}


@dataclass(frozen=True)
class Protection:
    """What to leave alone, compiled.

    Attributes:
        built_in: the kinds, each with its own signs and its bit.
        named: matches of the user's patterns and words.
        spans: whether all spans are protected.
        entities: labels of protected spans.
        bits: of all built-in kinds.
    """

    built_in: tuple[tuple[re.Pattern[str], re.Pattern[str], int], ...]
    named: re.Pattern[str] | None
    spans: bool
    entities: frozenset[str]
    bits: int

    def nothing_in(self, signs: int) -> bool:
        """Whether a text with these signs holds nothing that is protected whatever the sample says."""
        return self.named is None and not (signs & scan.ANY and signs & self.bits)

    def ranges(
        self, text: str, spans: Iterable[tuple[int, int, object]], fixed: Ranges, signs: int | None = None
    ) -> Ranges:
        """The protected parts of a text, sorted and disjoint.

        Args:
            text: the text.
            spans: its spans with their labels.
            fixed: parts that the sample itself protects.
            signs: bits of what the text holds, see `covary.ops.text.scan`; None where nobody has looked.
        """
        found = list(fixed)
        if self.built_in and (_ANY_SIGN.search(text) is not None if signs is None else signs & scan.ANY):
            for sign, kind, bit in self.built_in:
                if sign.search(text) is not None if signs is None else signs & bit:
                    found += [match.span() for match in kind.finditer(text)]
        if self.named is not None:
            found += [match.span() for match in self.named.finditer(text)]
        if self.spans or self.entities:
            found += [(start, end) for start, end, label in spans if self.spans or str(label) in self.entities]
        return _joined(found) if found else found


def _joined(ranges: Ranges) -> Ranges:
    if len(ranges) < 2:
        return [item for item in ranges if item[0] < item[1]]
    joined: list[list[int]] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return [(start, end) for start, end in joined]


@lru_cache(maxsize=256)
def protection(entries: tuple[str, ...], lifted: tuple[str, ...] = ()) -> Protection:
    """Compile the entries of `protect=`.

    Args:
        entries: see the module.
        lifted: kinds that the operation itself needs free, such as numbers for one that changes numbers.

    Raises:
        ValueError: an entry is none of the allowed, or a pattern is no regular expression.
    """
    free = {entry[1:] for entry in entries if entry.startswith("-") and entry[1:] in KINDS} | set(lifted)
    named = []
    entities = []
    for entry in entries:
        kind, colon, value = entry.partition(":")
        if kind == "word" and value:
            named.append(rf"(?<!\w){re.escape(value)}(?!\w)")
        elif kind == "pattern" and value:
            named.append(f"(?-i:{_sound(value)})")
        elif kind == "entity" and value:
            entities.append(value)
        elif colon or entry not in ("spans", *KINDS, *(f"-{name}" for name in KINDS)):
            raise ValueError(
                f"protect has {entry!r}; allowed: {', '.join(KINDS)}, one of these with a minus before it, 'spans', "
                "'entity:LABEL', 'word:WORD', 'pattern:REGEX'"
            )
    kinds = tuple(name for name in KINDS if name not in free)
    return Protection(
        tuple((re.compile(_SIGNS[name]), re.compile(KINDS[name], re.DOTALL), _BITS[name]) for name in kinds),
        re.compile("|".join(named), re.IGNORECASE) if named else None,
        "spans" in entries,
        frozenset(entities),
        sum(_BITS[name] for name in kinds),
    )


def _sound(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"protect has the pattern {pattern!r}, which is no regular expression: {error}") from None
    return pattern
