"""Dependency trees over a text: from CoNLL-U, from a spaCy Doc, or from anything that says where its tokens are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

from covary.plan.edits import Edits, move_span


class TreeToken(NamedTuple):
    """A token of a tree.

    Attributes:
        start, end: its place in the text.
        head: index of the token that it depends on; -1 for a root.
        relation: the kind of dependency, in Universal Dependencies' or spaCy's names.
        part: its universal part of speech, or "".
        features: such as {"Number": "Plur"}.
    """

    start: int
    end: int
    head: int
    relation: str
    part: str = ""
    features: Mapping[str, str] = {}


@dataclass(frozen=True)
class Tree:
    """The dependency trees of a text's sentences.

    Attributes:
        tokens: of all sentences, in order.
    """

    tokens: tuple[TreeToken, ...]

    @cached_property
    def dependents(self) -> tuple[tuple[int, ...], ...]:
        """For each token those that depend on it."""
        below: list[list[int]] = [[] for _ in self.tokens]
        for index, token in enumerate(self.tokens):
            if token.head >= 0:
                below[token.head].append(index)
        return tuple(tuple(each) for each in below)

    def roots(self) -> list[int]:
        """The roots of the sentences."""
        return [index for index, token in enumerate(self.tokens) if token.head < 0]

    def subtree(self, index: int, without: Sequence[str] = ()) -> list[int]:
        """A token and all below it, in order; without dependents of the token by some relations."""
        found = [index]
        for below in self.dependents[index]:
            if self.tokens[below].relation not in without:
                found += self.subtree(below)
        return sorted(found)

    def stretch(self, index: int, without: Sequence[str] = ()) -> tuple[int, int] | None:
        """The part of the text that a subtree covers; None where something else stands inside it."""
        found = self.subtree(index, without)
        if found[-1] - found[0] + 1 != len(found):
            return None
        return self.tokens[found[0]].start, self.tokens[found[-1]].end

    def moved(self, edits: Edits) -> Tree | None:
        """The tree after edits; None where a token is gone."""
        places = [move_span(edits, token.start, token.end) for token in self.tokens]
        if any(place is None for place in places):
            return None
        moved = [
            token._replace(start=place[0], end=place[1])
            for token, place in zip(self.tokens, places, strict=True)
            if place
        ]
        in_order = all(one.end <= other.start for one, other in pairwise(moved))
        return Tree(tuple(moved)) if in_order else None


def read_tree(value: Any, text: str) -> Tree:
    """The tree of a text.

    Args:
        value: a `Tree`; text in CoNLL-U; a spaCy Doc (anything whose items have idx, text, head.i, dep_ and pos_).
        text: what it is of.

    Raises:
        ValueError: the tokens do not stand in the text, or a head is none of them.
        TypeError: something else.
    """
    if isinstance(value, Tree):
        tree = value
    elif isinstance(value, str):
        tree = _conllu(value, text)
    elif hasattr(value, "__iter__"):
        tree = Tree(tuple(_spacy(token) for token in value))
    else:
        raise TypeError(f"tree is a {type(value).__name__}; a Tree, CoNLL-U text or a spaCy Doc is needed")
    last = 0
    for index, token in enumerate(tree.tokens):
        if not (
            last <= token.start <= token.end <= len(text)
            and -1 <= token.head < len(tree.tokens)
            and token.head != index
        ):
            raise ValueError(f"tree: token {index} ({token}) does not fit the text of {len(text)} characters")
        last = token.end
    return tree


def _spacy(token: Any) -> TreeToken:
    try:
        head = -1 if token.head.i == token.i else token.head.i
        features = token.morph.to_dict() if hasattr(token, "morph") else {}
        return TreeToken(token.idx, token.idx + len(token.text), head, token.dep_, token.pos_, features)
    except AttributeError as error:
        raise TypeError(f"tree: {error}; tokens of a spaCy Doc have idx, text, head, dep_ and pos_") from None


def _conllu(source: str, text: str) -> Tree:
    tokens: list[TreeToken] = []
    last = 0
    for block in source.replace("\r\n", "\n").split("\n\n"):
        first = len(tokens)
        inside = 0  # words still to come of a token of several words: they share its place
        for line in block.split("\n"):
            if not line.strip() or line.startswith("#"):
                continue
            fields = line.split("\t")
            if len(fields) != 10:
                raise ValueError(f"tree: {line!r} has {len(fields)} columns; CoNLL-U has 10")
            if "." in fields[0]:
                continue  # an empty node of the enhanced graph
            if "-" in fields[0]:
                low, _, high = fields[0].partition("-")
                start, last = _placed(fields[1], text, last)
                inside = int(high) - int(low) + 1
                shared = (start, last)
                continue
            if inside:
                start, end = shared if inside == 1 else (shared[0], shared[0])
                inside -= 1
            else:
                start, end = _placed(fields[1], text, last)
                last = end
            head = int(fields[6]) - 1
            features = dict(each.split("=", 1) for each in fields[5].split("|") if "=" in each)
            tokens.append(TreeToken(start, end, -1 if head < 0 else first + head, fields[7], fields[3], features))
    return Tree(tuple(tokens))


def _placed(form: str, text: str, last: int) -> tuple[int, int]:
    start = text.find(form, last)
    if start < 0:
        raise ValueError(f"tree: {form!r} is not in the text from {last} on")
    return start, start + len(form)
