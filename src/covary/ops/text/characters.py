"""Operations on single characters: slips of the hand, of the eye and of the machine.

All of them act on letters of words that are not protected. A letter that a combining mark or joiner belongs to is left
alone, so that no grapheme is torn apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, starmap
from string import ascii_letters
from typing import Any, ClassVar, Literal

from covary.ops.base import operation
from covary.ops.text.base import TextOperation, share
from covary.ops.text.letters import (
    HOMOGLYPHS,
    LAYOUTS,
    LEET,
    accented,
    neighbours,
    plain,
    print_confusions,
    typing_slips,
)
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.plain import Drafter
from covary.ops.text.protect import Protection
from covary.ops.text.segment import lone_letter
from covary.plan.edits import Edit, Edits

# What else than letters stands in words of ASCII text.
_NO_LETTER = re.compile(r"[\d_'\-]")

_OTHER_CASE = {letter: (letter.swapcase(),) for letter in ascii_letters}


def picked(places: list[Any], rate: float, numbers: Numbers) -> list[Any]:
    """A share of the places, in their order. What the share leaves of a whole place counts as a chance of one more."""
    count = int(rate * len(places) + numbers()) if rate > 0 else 0
    if count == 0:
        return []
    return sorted(numbers.sample(places, count)) if count < len(places) else places


@dataclass(frozen=True, repr=False)
class _Letters(TextOperation):
    rate: Any = share(0.05)  # noqa: RUF009 (makes a frozen law)
    min_length: int = 3

    def check(self) -> None:
        if isinstance(self.min_length, bool) or not isinstance(self.min_length, int) or self.min_length < 1:
            self.refuse("min_length", repr(self.min_length), "a whole number from 1 on")

    def letters(self, page: Page, guard: Protection) -> list[int]:
        """Where the letters are that may change."""
        text, least = page.text, self.min_length
        words = [word for word in page.free_words(guard) if word[1] - word[0] >= least]
        if text.isascii():
            places = chain.from_iterable(starmap(range, words))
            others = {match.start() for match in _NO_LETTER.finditer(text)}
            return [place for place in places if place not in others] if others else list(places)
        find = lone_letter().finditer
        return [match.start() for start, end in words for match in find(text, start, end)]

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        rate = drawn["rate"]
        if rate == 0:
            return []
        text = page.text
        edits = []
        for place in picked(self.letters(page, guard), rate, numbers):
            replacement = self.replacement(text, place, numbers)
            if replacement is not None:
                edits.append(Edit(place, place + 1, replacement))
        return edits

    def misreading(self, table: Mapping[str, tuple[str, ...]]) -> Drafter:
        """The kernel of operations that write one of a table's readings instead of what is there."""
        return Drafter("misread_letters", least=self.min_length, table=table)

    def replacement(self, text: str, place: int, numbers: Numbers) -> str | None:
        """What stands instead of one letter; None to leave it."""
        raise TypeError(f"{type(self).__name__} replaces no letters")


@operation
class KeyboardTypo(_Letters):
    """Hit a key beside the right one.

    Args:
        rate: share of the letters, 0 to 1. Default 0.05. Identity: 0.
        min_length: words with fewer characters stay as they are. Default 3.
        layout: "qwerty", "qwertz", "azerty", "dvorak", "colemak" or "russian". Default "qwerty".

    Letters that the layout does not have stay as they are; capitals stay capitals.

    Helps: messages, searches, reviews: whatever people type.
    Hurts: edited prose, where a model would spend itself on noise that never comes.
    """

    layout: str = "qwerty"

    def check(self) -> None:
        _Letters.check(self)
        self.one_of("layout", LAYOUTS)

    def kernel(self) -> Drafter:
        return self.misreading(typing_slips(self.layout))

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        text, near = page.text, neighbours(self.layout)
        edits = []
        for place in picked(self.letters(page, guard), drawn["rate"], numbers):
            letter = text[place]
            keys = near.get(letter) or near.get(letter.lower())
            if keys is not None:
                typed: str = numbers.one_of(keys)
                edits.append(Edit(place, place + 1, typed.upper() if letter.isupper() else typed))
        return edits


@dataclass(frozen=True, repr=False)
class _Alphabet(_Letters):
    alphabet: str | None = None
    # Whether the letter in whose place another comes stays, before it.
    stays: ClassVar[bool] = False

    def check(self) -> None:
        _Letters.check(self)
        if self.alphabet is not None and (not isinstance(self.alphabet, str) or not self.alphabet):
            self.refuse("alphabet", repr(self.alphabet), "a string of letters, or None")

    def kernel(self) -> Drafter | None:
        if self.alphabet is not None and not self.alphabet.isascii():
            return None
        return Drafter("replace_letters", least=self.min_length, alphabet=self.alphabet, stays=self.stays)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        """Any letters of the alphabet, or of the text where none was given, in the case of those in their places."""
        if drawn["rate"] == 0:
            return []
        text = page.text
        alphabet = text if self.alphabet is None else self.alphabet
        last = len(alphabet) - 1
        is_letter = str.isalpha if alphabet.isascii() else lone_letter().match
        places = picked(self.letters(page, guard), drawn["rate"], numbers)
        edits = []
        for place, u in zip(places, numbers.several(len(places)), strict=True):
            old, new = text[place], alphabet[min(int(u * (last + 1)), last)]
            if self.alphabet is None and not is_letter(new):
                new = old
            new = new.upper() if old.isupper() else new.lower()
            edits.append(Edit(place, place + 1, old + new if self.stays else new))
        return edits


@operation
class CharacterInsertion(_Alphabet):
    """Put a letter in behind another.

    Args:
        rate: share of the letters behind which one comes, 0 to 1. Default 0.05. Identity: 0.
        min_length: words with fewer characters stay as they are. Default 3.
        alphabet: the letters to choose from. Default: those of the text, so that any script gets its own.

    Helps: typed text; teaches a model not to hang on exact spellings.
    Hurts: tasks on spelling, codes and names.
    """

    stays = True


@operation
class CharacterSubstitution(_Alphabet):
    """Write another letter.

    Args:
        rate: share of the letters, 0 to 1. Default 0.05. Identity: 0.
        min_length: words with fewer characters stay as they are. Default 3.
        alphabet: the letters to choose from. Default: those of the text, so that any script gets its own.

    Helps: typed text; teaches a model not to hang on exact spellings.
    Hurts: tasks on spelling, codes and names; KeyboardTypo is closer to what people do.
    """


@operation
class CharacterDeletion(_Letters):
    """Leave a letter out.

    Args:
        rate: share of the letters, 0 to 1. Default 0.05. Identity: 0.
        min_length: words with fewer characters stay as they are. Default 3. The last letter of a word always stays.

    Helps: typed text.
    Hurts: tasks on spelling, codes and names.
    """

    def kernel(self) -> Drafter:
        return Drafter("delete_letters", least=self.min_length)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        edits = [Edit(place, place + 1, "") for place in picked(self.letters(page, guard), drawn["rate"], numbers)]
        least = self.min_length
        runs = (edits[index + least - 1].start - edits[index].start < least for index in range(len(edits) - least + 1))
        if not any(runs):
            return edits  # no word is gone
        gone = {edit.start for edit in edits}
        whole = {end - 1 for start, end in page.words if all(place in gone for place in range(start, end))}
        return [edit for edit in edits if edit.start not in whole]


@operation
class CharacterTranspose(_Letters):
    """Let two neighbouring letters of a word change places: "from" becomes "form".

    Args:
        rate: share of the letters that change places with the next, 0 to 1. Default 0.05. Identity: 0.
        min_length: words with fewer characters stay as they are. Default 3.

    Capitals stay where they are: "The" becomes "Hte".

    Helps: typed text; the most frequent slip after a wrong key.
    Hurts: tasks on spelling, codes and names.
    """

    def kernel(self) -> Drafter:
        return Drafter("transpose_letters", least=self.min_length)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        text = page.text
        letters = self.letters(page, guard)
        pairs = [one for one, other in pairwise(letters) if other == one + 1]
        edits: list[Edit] = []
        last = 0
        for place in picked(pairs, drawn["rate"], numbers):
            one, other = text[place], text[place + 1]
            if place < last or one == other:
                continue
            if one.isupper() != other.isupper() and len(one.lower() + other.upper() + one.upper() + other.lower()) == 4:
                one, other = (one.lower(), other.upper()) if one.isupper() else (one.upper(), other.lower())
            edits.append(Edit(place, place + 2, other + one))
            last = place + 2
        return edits


@operation
class CaseNoise(_Letters):
    """Change letters from capital to small and back, or a whole text into one case.

    Args:
        rate: share of the letters, 0 to 1; of the words, for the modes that act on whole words. Default 0.05.
            Identity: 0.
        min_length: words with fewer characters stay as they are. Default 3.
        mode: "letters" swaps the case of single letters; "upper", "lower" and "title" rewrite words. Default "letters".

    Helps: messages, headlines, speech recognition (mode="lower", rate=1).
    Hurts: named entities, acronyms, German nouns: where case carries meaning.
    """

    mode: Literal["letters", "upper", "lower", "title"] = "letters"

    def check(self) -> None:
        _Letters.check(self)
        self.one_of("mode", ("letters", "upper", "lower", "title"))

    def kernel(self) -> Drafter | None:
        return self.misreading(_OTHER_CASE) if self.mode == "letters" else None

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        if self.mode == "letters":
            return _Letters.edits(self, page, guard, numbers, drawn)
        words = [word for word in page.free_words(guard) if word[1] - word[0] >= self.min_length]
        edits = []
        for start, end in picked(words, drawn["rate"], numbers):
            old = page.text[start:end]
            new = {"upper": old.upper(), "lower": old.lower(), "title": old[:1].upper() + old[1:].lower()}[self.mode]
            if new != old:
                edits.append(Edit(start, end, new))
        return edits

    def replacement(self, text: str, place: int, numbers: Numbers) -> str | None:
        swapped = text[place].swapcase()
        return swapped if swapped != text[place] else None


@operation
class AccentNoise(_Letters):
    """Take accents from letters, or put some on.

    Args:
        rate: share of the letters that could change, 0 to 1. Default 0.3. Identity: 0.
        min_length: words with fewer characters stay as they are. Default 1.
        mode: "strip" writes plain letters, "add" puts an accent on Latin letters. Default "strip".

    Helps: languages whose writers leave accents out (French, Vietnamese, Spanish messages).
    Hurts: where an accent is the only difference between two words that matter.
    """

    rate: Any = share(0.3)
    min_length: int = 1
    mode: Literal["strip", "add"] = "strip"

    def check(self) -> None:
        _Letters.check(self)
        self.one_of("mode", ("strip", "add"))

    def letters(self, page: Page, guard: Protection) -> list[int]:
        if self.mode == "strip" and page.text.isascii():
            return []
        text = page.text
        return [place for place in _Letters.letters(self, page, guard) if self._forms(text[place])]

    def _forms(self, letter: str) -> tuple[str, ...]:
        if self.mode == "add":
            return accented(letter) if letter.isascii() else ()
        bare = plain(letter)
        return (bare,) if bare != letter and len(bare) == 1 else ()

    def replacement(self, text: str, place: int, numbers: Numbers) -> str | None:
        form: str = numbers.one_of(self._forms(text[place]))
        return form


@dataclass(frozen=True, repr=False)
class _Lookalike(_Letters):
    rate: Any = share(0.1)  # noqa: RUF009
    min_length: int = 1
    table: ClassVar[Mapping[str, Sequence[str]]] = {}

    def kernel(self) -> Drafter:
        return self.misreading({letter: tuple(forms) for letter, forms in self.table.items()})

    def replacement(self, text: str, place: int, numbers: Numbers) -> str | None:
        forms = self.table.get(text[place])
        return None if forms is None else str(numbers.one_of(forms))


@operation
class Homoglyphs(_Lookalike):
    """Write letters of other alphabets that look the same: a Cyrillic а for a Latin a.

    Args:
        rate: share of the letters that have a look-alike, 0 to 1. Default 0.1. Identity: 0.
        min_length: words with fewer characters stay as they are. Default 1.

    Helps: spam and abuse filters, which are attacked this way.
    Hurts: everything else; the words leave the vocabulary of a tokeniser.
    """

    table = HOMOGLYPHS


@operation
class Leet(_Lookalike):
    """Write letters as digits and signs: "leet" becomes "l33t".

    Args:
        rate: share of the letters that have such a sign, 0 to 1. Default 0.1. Identity: 0.
        min_length: words with fewer characters stay as they are. Default 1.

    Helps: spam, abuse and game chat.
    Hurts: edited text; tasks on numbers.
    """

    table = LEET


@operation
class OcrNoise(_Letters):
    """Misread print: l as 1, O as 0, rn as m, as scanners do.

    Args:
        rate: chance of each letter that can be mistaken, 0 to 1. Default 0.05. Identity: 0.
        min_length: words with fewer characters stay as they are. Default 1.

    Two letters may be read as one ("rn", "cl"), and one as two.

    Helps: scanned documents, forms, subtitles.
    Hurts: text that was typed.
    """

    min_length: int = 1

    def kernel(self) -> Drafter:
        return self.misreading(print_confusions())

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        text, confusions = page.text, print_confusions()
        letters = self.letters(page, guard)
        chosen = picked(letters, drawn["rate"], numbers)
        known = set(letters) if chosen else set()
        edits: list[Edit] = []
        last = 0
        for place in chosen:
            pair = text[place : place + 2]
            shape = pair if pair in confusions and place + 1 in known else text[place]
            if shape in confusions and place >= last:
                last = place + len(shape)
                edits.append(Edit(place, last, numbers.one_of(confusions[shape])))
        return edits


_ZERO_WIDTH = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff")


@operation
class ZeroWidthNoise(_Letters):
    """Put characters of no width between the letters of words.

    Args:
        rate: share of the letters behind which one comes, 0 to 1. Default 0.05. Identity: 0.
        min_length: words with fewer characters stay as they are. Default 3.

    Helps: filters that are attacked this way; text copied from web pages.
    Hurts: everything else; readers see no difference, tokenisers a great one.
    """

    def replacement(self, text: str, place: int, numbers: Numbers) -> str | None:
        if place + 1 == len(text) or not text[place + 1].isalpha():
            return None
        sign: str = numbers.one_of(_ZERO_WIDTH)
        return text[place] + sign


_SPACES = ("  ", "   ", "\t", "\u00a0", "\u2009")
_SPACE = re.compile(" +")


@operation
class WhitespaceNoise(TextOperation):
    """Write other white space between words: two or three blanks, a tab, a no-break or thin space.

    Args:
        rate: share of the gaps between words, 0 to 1. Default 0.1. Identity: 0.

    Line ends stay.

    Helps: text from web pages, PDF files and forms.
    Hurts: code, tables, verse; white space that means something.
    """

    rate: Any = share(0.1)

    def edits(self, page: Page, guard: Protection, numbers: Numbers, drawn: Mapping[str, float]) -> Edits:
        guarded = page.guarded(guard)
        gaps = [match.span() for match in _SPACE.finditer(page.text)]
        if guarded:
            gaps = [gap for gap in gaps if page.is_free(*gap, guard)]
        edits = []
        for start, end in picked(gaps, drawn["rate"], numbers):
            blank = numbers.one_of(_SPACES)
            if blank != page.text[start:end]:
                edits.append(Edit(start, end, blank))
        return edits
