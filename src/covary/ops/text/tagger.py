"""The part of speech and form of a word in its sentence: the lexicon's counts, weighed by the neighbours.

It is made for replacing words: it says nothing where the neighbours leave a doubt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import log2
from typing import NamedTuple

from covary.ops.text.forms import Reading, readings
from covary.ops.text.lexicon import Lexicon

# Words of closed classes, which tell what may stand beside them.
_CLASSES = """
article: a an
singular: this that another every each one either neither
plural: these those many several few both two three four five six seven eight nine ten various
determiner: the my your his her its our their some any no all whose what which such enough more most other
third: he she it who which that somebody someone everyone everybody nobody anyone
pronoun: i you we they
object: me him us them myself himself herself itself themselves ourselves yourself
to: to
modal: will would can could shall should may might must cannot can't won't wouldn't couldn't shouldn't do does
  did don't doesn't didn't i'll you'll he'll she'll it'll we'll they'll i'd you'd he'd she'd we'd they'd let's
  please
be: be am is are was were been being isn't aren't wasn't weren't i'm you're he's she's it's we're they're
  there's that's what's get gets got getting become becomes became seem seems seemed look looks looked feel feels
  felt
have: have has had having haven't hasn't hadn't i've you've we've they've
preposition: of in on at by for with from into onto about against between through during before after above
  below under over within without upon among across behind beyond near since until toward towards despite via per
  than like
conjunction: and or but nor yet so because although though while if when where as unless whereas
degree: very too quite rather extremely really so pretty fairly slightly more most less least as how
negation: not never always often also still just only even already soon now then usually sometimes almost
"""
CLASSES: Mapping[str, str] = {
    word: name
    for name, _, words in (entry.partition(":") for entry in re.split(r"\n(?=\w)", _CLASSES.strip()))
    for word in words.split()
}


# The classes of all other words, of what is before the first and behind the last.
WORD, START, END = "word", "start", "end"

# How much more likely (in bits) a tag is behind a word of a class, at the start, and behind any other word.
_BEHIND: Mapping[str, Mapping[str, float]] = {
    "article": {"NN": 4, "NNS": -6, "JJ": 3, "VB": -8, "VBZ": -8, "VBD": -8, "VBN": 0, "VBG": -1, "RB": -1, "JJR": 1},
    "singular": {"NN": 3, "NNS": -5, "JJ": 2, "VB": -6, "VBZ": 0, "VBD": 0, "VBG": -2, "VBN": -1},
    "plural": {"NN": -3, "NNS": 4, "JJ": 2, "VB": -4, "VBZ": -6, "VBD": -2, "VBG": -1, "VBN": -1},
    "determiner": {"NN": 3, "NNS": 3, "JJ": 3, "JJS": 2, "VB": -8, "VBZ": -8, "VBD": -8, "VBN": 0, "VBG": -1, "RB": -2},
    "third": {"NN": -5, "NNS": -5, "JJ": -4, "VB": -4, "VBZ": 5, "VBD": 5, "VBN": -3, "VBG": -3, "RB": 1},
    "pronoun": {"NN": -5, "NNS": -5, "JJ": -4, "VB": 4, "VBZ": -6, "VBD": 5, "VBN": -3, "VBG": -3, "RB": 1},
    "object": {"NN": -4, "NNS": -3, "JJ": 0, "VB": 2, "VBZ": -4, "VBD": -4, "VBG": 1, "RB": 2},
    "to": {"NN": -1, "NNS": 0, "JJ": -2, "VB": 5, "VBZ": -8, "VBD": -8, "VBN": -6, "VBG": -1, "RB": -1},
    "modal": {"NN": -4, "NNS": -4, "JJ": -5, "VB": 6, "VBZ": -8, "VBD": -8, "VBN": -8, "VBG": -8, "RB": 1},
    "be": {"NN": -3, "NNS": -3, "JJ": 4, "JJR": 2, "VB": -8, "VBZ": -8, "VBD": -8, "VBN": 3, "VBG": 4, "RB": 1},
    "have": {"NN": -1, "NNS": 1, "JJ": 0, "VB": -8, "VBZ": -8, "VBD": -8, "VBN": 5, "VBG": -4, "RB": 1},
    "preposition": {"NN": 2, "NNS": 3, "JJ": 2, "VB": -6, "VBZ": -6, "VBD": -6, "VBN": -1, "VBG": 2, "RB": -2},
    "conjunction": {"NN": 0, "NNS": 1, "JJ": 0, "VB": -1, "VBZ": 0, "VBD": 0, "VBN": 0, "VBG": 0, "RB": 0},
    "degree": {"NN": -5, "NNS": -5, "JJ": 4, "RB": 3, "VB": -5, "VBZ": -5, "VBD": -4, "VBN": 0, "VBG": -2},
    "start": {"NNS": 1, "VB": -1, "VBZ": -5, "VBD": -4, "VBN": -2},
    "word": {"NN": 0.5, "NNS": 1, "VB": -2, "VBZ": 0.5, "VBD": 1},
    "negation": {"NN": -3, "NNS": -3, "JJ": 1, "VB": 0, "VBZ": 1, "VBD": 1, "VBN": 1, "VBG": 1, "RB": 1},
}  # fmt: skip
# The same for what stands before a word of a class.
_BEFORE: Mapping[str, Mapping[str, float]] = {
    "article": {"NN": -2, "NNS": -2, "JJ": -4, "VB": 2, "VBZ": 3, "VBD": 2, "VBN": -1, "VBG": 2},
    "determiner": {"NN": -2, "NNS": -2, "JJ": -3, "VB": 2, "VBZ": 3, "VBD": 2, "VBN": -1, "VBG": 2},
    "object": {"NN": -4, "NNS": -4, "JJ": -4, "VB": 3, "VBZ": 3, "VBD": 3, "VBN": 0, "VBG": 3},
    "modal": {"NN": 2, "NNS": 3, "JJ": -3, "VB": -3, "VBZ": -4, "VBD": -3, "VBG": -1},
    "be": {"NN": 2, "NNS": 3, "JJ": -3, "VB": -4, "VBZ": -4, "VBD": -4, "VBN": -2, "VBG": -1},
    "have": {"NN": 1, "NNS": 2, "JJ": -3, "VB": -3, "VBZ": -3, "VBD": -3},
    "preposition": {"NN": 1, "NNS": 1, "JJ": -1, "VBN": 1, "VBG": 0},
    "third": {"JJ": -2, "VB": 1, "VBD": 1, "VBZ": 1},
    "pronoun": {"JJ": -2, "NN": 0, "VB": 1, "VBD": 1, "VBZ": 1},
    "word": {"JJ": 1.5, "NN": 0, "NNS": -2, "RB": 0},
    "end": {"JJ": -1, "NN": 1, "NNS": 1, "RB": 1, "VBZ": -1},
}  # fmt: skip
# How many bits the best reading must be ahead of the next.
_DOUBT = 2.0


class Tagged(NamedTuple):
    """What a word is in its place.

    Attributes:
        reading: its lemma and tag.
        either: whether it may be the past tense as well as the participle; `reading` has the likelier one.
    """

    reading: Reading
    either: bool


def tagged(before: str | None, form: str, behind: str | None, words: Lexicon) -> Tagged | None:
    """What a word is in its place.

    Args:
        before: the word before it in small letters; None at the start of a sentence or behind punctuation.
        form: the word in small letters.
        behind: the word behind it, None before punctuation.
        words: the lexicon.

    Returns:
        The reading, or None where the word is unknown or two readings are about as likely.
    """
    return tagged_between(class_behind(before), form, class_before(behind), words)


def class_behind(before: str | None) -> str:
    """The class of the word behind which one stands, see `tagged`."""
    return START if before is None else CLASSES.get(before, WORD)


def class_before(behind: str | None) -> str:
    """The class of the word before which one stands, see `tagged`."""
    return END if behind is None else CLASSES.get(behind, WORD)


@lru_cache(maxsize=65536)
def tagged_between(before: str, form: str, behind: str, words: Lexicon) -> Tagged | None:
    """What a word is between words of two classes, see `class_behind` and `class_before`; else as `tagged`."""
    left, right = _BEHIND[before], _BEFORE.get(behind, {})
    ranked = []
    for reading in readings(form, words):
        # How often the word was met as this part of speech, in bits.
        met = log2(1 + sum(sense.met for sense in words.entry(reading.lemma).get(reading.part, ())))
        ranked.append((-met - left.get(reading.tag, 0) - right.get(reading.tag, 0), reading))
    if not ranked:
        return None
    ranked.sort()
    best, chosen = ranked[0]
    rivals = [reading for cost, reading in ranked[1:] if cost - best < _DOUBT and reading.tag != chosen.tag]
    either = any({reading.tag, chosen.tag} == {"VBD", "VBN"} and reading.lemma == chosen.lemma for reading in rivals)
    return None if len(rivals) > either else Tagged(chosen, either)
