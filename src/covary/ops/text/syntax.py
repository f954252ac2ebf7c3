"""Operations on dependency trees: parts of sentences left out, turned round, exchanged.

Trees come with the sample (field `tree`: CoNLL-U, a spaCy Doc or a `Tree`) or from the operation's `parser`. Where
there is none, or nothing in it that the operation is sure of, the text stays as it is and the change says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from covary.ops.base import operation
from covary.ops.text.base import TextOperation, share
from covary.ops.text.numbers import Numbers
from covary.ops.text.page import Page
from covary.ops.text.protect import Protection
from covary.ops.text.segment import Ranges
from covary.ops.text.sentences import rearranged
from covary.ops.text.trees import Tree, read_tree
from covary.plan.edits import Copy, Edit, Edits

SUBJECTS = frozenset({"nsubj", "nsubj:pass", "nsubjpass", "csubj"})
OBJECTS = frozenset({"obj", "dobj", "iobj", "dative"})
OBLIQUES = frozenset({"obl", "obl:tmod", "obl:agent", "obl:arg", "prep", "agent", "npadvmod", "nmod:tmod"})
_OF_INTEREST = SUBJECTS | OBJECTS | OBLIQUES


@dataclass(frozen=True, repr=False)
class _OnTrees(TextOperation):
    rate: Any = share(1.0)  # noqa: RUF009 (makes a frozen law)
    parser: Callable[[list[str]], Sequence[Any]] | None = None

    def check(self) -> None:
        if self.parser is not None and not callable(self.parser):
            self.refuse("parser", repr(self.parser), "a callable that takes a list of texts, or None")

    def edits_of_all(
        self, pages: Sequence[Page], guard: Protection, numbers: Sequence[Numbers], drawn: Sequence[Mapping[str, float]]
    ) -> Sequence[tuple[Edits, str]]:
        self._parse([page for page in pages if page.tree is None])
        changes: list[tuple[Edits, str]] = []
        for page, some, values in zip(pages, numbers, drawn, strict=True):
            if values["rate"] == 0 or not page.words:
                changes.append(((), ""))
            elif page.tree is None:
                changes.append(((), "there is no tree of the text as it is now"))
            else:
                edits = [
                    edit
                    for root in page.tree.roots()
                    if some() < values["rate"]
                    for edit in self.sentence_edits(page, page.tree, root, guard, some)
                ]
                changes.append((sorted(edits), "" if edits else "no sentence has what it takes"))
        return changes

    def _parse(self, pages: Sequence[Page]) -> None:
        if self.parser is None or not pages:
            return
        for page, parsed in zip(pages, self.parser([page.text for page in pages]), strict=True):
            page.tree = read_tree(parsed, page.text)

    def sentence_edits(self, page: Page, tree: Tree, root: int, guard: Protection, numbers: Numbers) -> list[Edit]:
        """The edits of one sentence."""
        raise TypeError(f"{type(self).__name__} describes no change")


def free_stretches(page: Page, tree: Tree, tokens: Sequence[int], guard: Protection) -> Ranges:
    """The stretches of subtrees that are whole and hold nothing protected."""
    found = (tree.stretch(token) for token in tokens)
    return [place for place in found if place is not None and page.is_free(*place, guard)]


@operation
class TreeCrop(_OnTrees):
    """Shorten sentences to their verb and one of its arguments.

    Args:
        rate: chance of each sentence, 0 to 1. Default 1. Identity: 0.
        parser: called with a list of texts; gives a tree for each. Default: the trees come with the samples.

    Of the subject, the objects and the obliques of the main verb one stays.

    Paper: Şahin and Steedman 2018, "Data augmentation via dependency tree morphing for low-resource languages".

    Helps: tagging and parsing of languages with rich case marking and few examples.
    Hurts: languages with fixed word order such as English; sentence meaning.
    """

    dropping = True

    def sentence_edits(self, page: Page, tree: Tree, root: int, guard: Protection, numbers: Numbers) -> list[Edit]:
        parts = [token for token in tree.dependents[root] if tree.tokens[token].relation in _OF_INTEREST]
        if len(parts) < 2:
            return []
        kept = numbers.one_of(parts)
        return page.removals(sorted(free_stretches(page, tree, [part for part in parts if part != kept], guard)))


@operation
class TreeRotate(_OnTrees):
    """Let the arguments of a verb change places with each other.

    Args:
        rate: chance of each sentence, 0 to 1. Default 1. Identity: 0.
        parser: called with a list of texts; gives a tree for each. Default: the trees come with the samples.

    The subject, the objects and the obliques of the main verb come in another order; they take their case along.

    Paper: Şahin and Steedman 2018, "Data augmentation via dependency tree morphing for low-resource languages".

    Helps: languages with free word order, for tagging and parsing.
    Hurts: languages in which the order says who did it, such as English.
    """

    def sentence_edits(self, page: Page, tree: Tree, root: int, guard: Protection, numbers: Numbers) -> list[Edit]:
        parts = [token for token in tree.dependents[root] if tree.tokens[token].relation in _OF_INTEREST]
        places = sorted(free_stretches(page, tree, parts, guard))
        if len(places) < 2 or _held(page, places):
            return []
        order = numbers.sample(list(range(len(places))), len(places))
        if order == sorted(order):
            order = [*order[1:], order[0]]
        return rearranged(page.text, places, order)


def _held(page: Page, places: Ranges) -> bool:
    """Whether spans keep these parts from changing places."""
    homes = page.homes(places)
    return homes is not None and len(set(homes)) > 1


@operation
class ConjunctSwap(_OnTrees):
    """Let the two parts of a coordination change places: "tea and coffee" becomes "coffee and tea".

    Args:
        rate: chance of each sentence, 0 to 1. Default 1. Identity: 0.
        parser: called with a list of texts; gives a tree for each. Default: the trees come with the samples.

    Only coordinations of two nouns, adjectives or adverbs, in which the order seldom matters.

    Helps: a safe variation of order.
    Hurts: fixed phrases, sequences of events.
    """

    def sentence_edits(self, page: Page, tree: Tree, root: int, guard: Protection, numbers: Numbers) -> list[Edit]:
        edits: list[Edit] = []
        for token in tree.subtree(root):
            both = [below for below in tree.dependents[token] if tree.tokens[below].relation == "conj"]
            if len(both) != 1 or tree.tokens[token].part not in ("NOUN", "PROPN", "ADJ", "ADV"):
                continue
            if tree.tokens[both[0]].part != tree.tokens[token].part:
                continue
            first, second = tree.stretch(token, without=("conj", "cc")), tree.stretch(both[0], without=("cc",))
            if first is None or second is None or first[1] > second[0] or _held(page, [first, second]):
                continue
            inside = any(edit.start < second[1] and edit.end > first[0] for edit in edits)
            if page.is_free(*first, guard) and page.is_free(*second, guard) and not inside:
                edits += swapped(page.text, first, second, proper=tree.tokens[token].part == "PROPN")
        return edits


def swapped(text: str, first: tuple[int, int], second: tuple[int, int], proper: bool = False) -> list[Edit]:
    """The edits by which two parts change places; the capital at the start of a sentence stays at the start.

    `proper` says that the first part begins with a name, whose capital it keeps.
    """
    one, other = text[slice(*first)], text[slice(*second)]
    if one[:1].isupper() and not other[:1].isupper() and other:
        other = _upper(other)
        if not proper and not one.startswith(("I ", "I'")) and one != "I" and not one[1:2].isupper():
            one = _lower(one)
    return [Edit(*first, other, (Copy(0, *second),)), Edit(*second, one, (Copy(0, *first),))]


def _upper(text: str) -> str:
    """The text with a capital first, where that is one character too."""
    first = text[0].upper()
    return first + text[1:] if len(first) == 1 else text


def _lower(text: str) -> str:
    first = text[0].lower()
    return first + text[1:] if len(first) == 1 else text


@operation
class SubjectObjectSwap(_OnTrees):
    """Let subject and object change places: "the dog chased the cat" becomes "the cat chased the dog".

    Args:
        rate: chance of each sentence, 0 to 1. Default 1. Identity: 0.
        parser: called with a list of texts; gives a tree for each. Default: the trees come with the samples.

    The meaning changes: the result does not follow from the original. Sentences with pronouns, or whose verb would not
    agree with its new subject, stay.

    Paper: Min et al. 2020, "Syntactic data augmentation increases robustness to inference heuristics": accuracy on
    HANS's non-entailed cases from .28 to .73.

    Helps: entailment, with the label changed to "not entailed".
    Hurts: every task in which the label stays.
    """

    def sentence_edits(self, page: Page, tree: Tree, root: int, guard: Protection, numbers: Numbers) -> list[Edit]:
        subjects = [token for token in tree.dependents[root] if tree.tokens[token].relation == "nsubj"]
        objects = [token for token in tree.dependents[root] if tree.tokens[token].relation in ("obj", "dobj")]
        if len(subjects) != 1 or len(objects) != 1:
            return []
        places = free_stretches(page, tree, [*subjects, *objects], guard)
        if len(places) != 2 or places[0][1] > places[1][0] or _held(page, places):
            return []
        subject, other = tree.tokens[subjects[0]], tree.tokens[objects[0]]
        if "PRON" in (subject.part, other.part):
            return []
        verb = tree.tokens[root]
        numbers_agree = subject.features.get("Number", "Sing") == other.features.get("Number", "Sing")
        auxiliaries = [token for token in tree.dependents[root] if tree.tokens[token].relation.startswith("aux")]
        if not numbers_agree and (auxiliaries or verb.features.get("Tense") != "Past"):
            return []
        first = tree.tokens[tree.subtree(subjects[0])[0]]
        return swapped(page.text, places[0], places[1], proper=first.part == "PROPN")


@operation
class AdjunctFronting(_OnTrees):
    """Move an adjunct from the end of a sentence to its start: "In May, she left." for "She left in May."

    Args:
        rate: chance of each sentence, 0 to 1. Default 1. Identity: 0.
        parser: called with a list of texts; gives a tree for each. Default: the trees come with the samples.

    An oblique or adverbial clause of the main verb that ends the sentence; a comma is put behind it.

    Helps: a variation of order that keeps the meaning.
    Hurts: information structure; language models of a plain style.
    """

    def sentence_edits(self, page: Page, tree: Tree, root: int, guard: Protection, numbers: Numbers) -> list[Edit]:
        whole = [index for index in tree.subtree(root) if tree.tokens[index].part != "PUNCT"]
        if not whole:
            return []
        start, last = tree.tokens[whole[0]], tree.tokens[whole[-1]]
        for token in tree.dependents[root]:
            place = tree.stretch(token)
            if tree.tokens[token].relation not in OBLIQUES | {"advcl"} or place is None:
                continue
            begin, end = place
            text = page.text
            if end != last.end or begin <= start.end or text[begin - 1] != " " or text[begin - 2 : begin - 1] == ",":
                continue
            places = [(start.start, begin - 1), place]
            if not page.is_free(begin - 1, end, guard) or not page.is_free(start.start, start.start, guard):
                continue
            if _held(page, places):
                continue
            moved, first = text[begin:end], text[start.start : start.end]
            keeps = start.part == "PROPN" or first == "I" or not first[:1].isupper() or first[1:2].isupper()
            head = f"{_upper(moved)}, " if first[:1].isupper() else f"{moved}, "
            front = [Edit(start.start, start.start, head, (Copy(0, begin, end),))]
            if not keeps:
                front.append(Edit(start.start, start.end, _lower(first)))
            return [*front, Edit(begin - 1, end, "")]
        return []
