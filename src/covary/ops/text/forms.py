"""Forms of English words: which word and tag a form belongs to, and the form of a word for a tag.

Tags are those of the Penn Treebank: NN, NNS; VB, VBZ, VBG, VBD, VBN; JJ, JJR, JJS; RB, RBR, RBS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from covary.ops.text.lexicon import Lexicon

BASE = {"n": "NN", "v": "VB", "a": "JJ", "r": "RB"}
PART = {"N": "n", "V": "v", "J": "a", "R": "r"}

_DOUBLES = re.compile(r"(?:[^aeiou]|[^aeiou]*qu)*[aeiou][bdfgklmnprtvz]")
_ONE_VOWEL = re.compile(r"[^aeiouy]*(?:qu)?[aeiouy]+[^aeiouy]*e?")


class Reading(NamedTuple):
    """What a form may be.

    Attributes:
        lemma: the word.
        tag: the form's.
    """

    lemma: str
    tag: str

    @property
    def part(self) -> str:
        """The part of speech: n, v, a or r."""
        return PART[self.tag[0]]


def readings(form: str, words: Lexicon) -> list[Reading]:
    """All that a form (in small letters) may be; empty where the lexicon has no such word."""
    found = [Reading(form, BASE[part]) for part in words.entry(form)]
    found += (Reading(lemma, tag) for lemma, tag in words.lemmas(form))
    if words.language == "en":
        for lemma, tag in _candidates(form):
            if PART[tag[0]] in words.entry(lemma) and not words.forms(lemma, tag) and regular(lemma, tag) == form:
                found.append(Reading(lemma, tag))
    return list(dict.fromkeys(found))


def _candidates(form: str) -> Iterator[tuple[str, str]]:
    """Words and tags whose regular form this may be."""
    if form.endswith("s") and len(form) > 2:
        stems = [form[:-1]]
        if form.endswith("ies"):
            stems.append(form[:-3] + "y")
        elif form.endswith("es"):
            stems.append(form[:-2])
        yield from ((stem, tag) for stem in stems for tag in ("NNS", "VBZ"))
    for ending, tags in (("ed", ("VBD", "VBN")), ("ing", ("VBG",)), ("er", ("JJR",)), ("est", ("JJS",))):
        if form.endswith(ending) and len(form) > len(ending) + 1:
            stem = form[: -len(ending)]
            stems = [stem, stem + "e"]
            if stem.endswith("i"):
                stems.append(stem[:-1] + "y")
            elif ending == "ing" and stem.endswith("y"):
                stems.append(stem[:-1] + "ie")
            elif len(stem) > 2 and stem[-1] == stem[-2]:
                stems.append(stem[:-1])
            yield from ((each, tag) for each in stems for tag in tags)


def regular(lemma: str, tag: str) -> str:
    """The regular form of a word, by the rules of spelling."""
    if tag in ("NNS", "VBZ"):
        if re.search(r"(?:s|x|z|ch|sh)$", lemma) or (tag == "VBZ" and lemma.endswith("o")):
            return lemma + "es"
        return lemma[:-1] + "ies" if re.search(r"[^aeiou]y$", lemma) else lemma + "s"
    if tag == "VBG":
        if lemma.endswith("ie"):
            return lemma[:-2] + "ying"
        if re.search(r".[^eoy]e$", lemma):
            return lemma[:-1] + "ing"
        return _doubled(lemma) + "ing"
    ending = {"VBD": "ed", "VBN": "ed", "JJR": "er", "JJS": "est", "RBR": "er", "RBS": "est"}[tag]
    if lemma.endswith("e"):
        return lemma + ending[1:]
    if re.search(r"[^aeiou]y$", lemma):
        return lemma[:-1] + "i" + ending
    return _doubled(lemma) + ending


def _doubled(lemma: str) -> str:
    return lemma + lemma[-1] if _DOUBLES.fullmatch(lemma) else lemma


def inflected(lemma: str, tag: str, words: Lexicon) -> str | None:
    """The form of a word for a tag: by the lexicon, by lemminflect where it is installed, or by the rules.

    Longer adjectives and adverbs are compared with "more" and "most".

    Returns:
        The form, or None where the lexicon is of another language and has none.
    """
    if tag in ("NN", "VB", "JJ", "RB"):
        return lemma
    listed = words.forms(lemma, tag)
    if listed:
        return listed[0]
    if words.language != "en":
        return None
    if tag[0] in "JR" and not (
        _ONE_VOWEL.fullmatch(lemma) or (lemma.endswith("y") and tag[0] == "J" and len(lemma) < 8)
    ):
        return f"{'more' if tag.endswith('R') else 'most'} {lemma}"
    return _by_library(lemma, tag) or regular(lemma, tag)


@cache
def _by_library(lemma: str, tag: str) -> str | None:
    """The form by lemminflect, where it is installed and knows the word."""
    try:
        import lemminflect
    except ImportError:
        return None
    forms = lemminflect.getInflection(lemma, tag, inflect_oov=False)
    return str(forms[0]) if forms else None


_VOWEL_SOUND = re.compile(
    r"(?!uni|use|usu|ut[ei]|eu|ewe|one|once|u[kr]|ub|ufo)[aeiou]|hour|heir|honest|honou?r|un[^i]|uni[mn]", re.I
)


def takes_an(word: str) -> bool:
    """Whether the indefinite article before a word is "an"."""
    return _VOWEL_SOUND.match(word) is not None
