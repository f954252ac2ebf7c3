"""covary in spaCy: documents with their entities, spans and categories, in training, one by one and in DocBins.

Importing this module registers the augmenter "covary.pipeline.v1":

    [corpora.train.augmenter]
    @augmenters = "covary.pipeline.v1"
    pipeline = "texts.yaml"
    times = 1
    originals = true

`spacy train config.cfg --code augment.py`, where augment.py holds `import covary.interop.spacy`.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

from covary.draws.keys import Key
from covary.interop.missing import missing
from covary.pipeline import Pipeline
from covary.plan.edits import Edits, move_span
from covary.samples import modalities_of
from covary.texts import Varied, different, vary

try:
    from spacy.attrs import IDS
    from spacy.language import Language
    from spacy.tokens import Doc, DocBin, Span, SpanGroup
    from spacy.training import Example
    from spacy.util import registry
except ImportError as error:
    raise missing("spacy", error) from error

# Attributes of a token by itself, beside its morphology, which stay true for a word that stays as it is.
_OF_WORDS = ("tag_", "pos_", "lemma_", "norm_")


@dataclass(frozen=True, slots=True)
class VariedDoc:
    """A variation of a document.

    Attributes:
        doc: tokenised by the pipeline's own tokeniser, with what could be taken over.
        epoch: that gave it.
        dropped: what could not: how many entities, spans of a group, dependencies, for each.
    """

    doc: Any
    epoch: int
    dropped: dict[str, int] = field(default_factory=dict)


def vary_doc(nlp: Any, doc: Any, pipeline: Pipeline, key: Key, epochs: Sequence[int]) -> list[VariedDoc]:
    """Variations of a document: the texts of `pipeline(text=doc.text, spans=..., key=key, epoch=epoch)`.

    The new text is tokenised by `nlp`. Entities, groups of spans and sentences go with their characters; one whose
    edges are no edges of tokens any more is dropped and counted, and its tokens are left without an answer rather than
    with a wrong one. Tags, parts of speech, morphology and lemmas stay with the words that are as they were; heads and
    dependencies where each token has become one token in the same order. Categories and what extensions say of the
    document are as they were. A text that does not change comes back as a copy.

    Args:
        nlp: a spaCy pipeline; its tokeniser and vocabulary are used.
        doc: the document; it stays as it is.
        pipeline: with operations on text.
        key: identity of the document.
        epochs: which of its variations.
    """
    _check_pipeline(pipeline)
    places = _Places.of(doc)
    done = vary(
        pipeline.operations,
        [doc.text] * len(epochs),
        [places.fields()] * len(epochs),
        seed=pipeline.seed,
        keys=[key] * len(epochs),
        epoch=list(epochs),
        draws=pipeline.draws,
        protect=pipeline.protect,
    )
    return [_varied(nlp, doc, places, done, at, epoch) for at, epoch in enumerate(epochs)]


def vary_docs(
    nlp: Any, docs: Iterable[Any], pipeline: Pipeline, *, times: int = 1, originals: bool = False
) -> Iterator[VariedDoc]:
    """Different variations of documents: the first epochs that give something new, none with the original's text.

    Args:
        nlp, pipeline: as for `vary_doc`.
        docs: the documents; their numbers are their keys.
        times: variations of each, 1 or more; fewer where 50 times as many draws give fewer.
        originals: whether each document itself comes before its variations, as epoch -1.
    """
    _check_times(times)
    for key, doc in enumerate(docs):
        if originals:
            yield VariedDoc(doc.copy(), -1)

        def drawn(epochs: range, doc: Any = doc, key: int = key) -> list[VariedDoc]:
            return vary_doc(nlp, doc, pipeline, key, epochs)

        yield from different(drawn, lambda varied: varied.doc.text, doc.text, times).made


def vary_docbin(
    nlp: Any, docs: Any, pipeline: Pipeline, *, times: int = 1, originals: bool = True
) -> tuple[Any, dict[str, int]]:
    """A DocBin of variations, written as the given one: with its attributes and its setting for user data.

    Args:
        nlp, pipeline, times, originals: as for `vary_docs`.
        docs: a `spacy.tokens.DocBin`.

    Returns:
        The new DocBin, and how much of what could not be taken over.
    """
    made = DocBin(attrs=_names_of(docs.attrs), store_user_data=docs.store_user_data)
    dropped: Counter[str] = Counter()
    for varied in vary_docs(nlp, docs.get_docs(nlp.vocab), pipeline, times=times, originals=originals):
        made.add(varied.doc)
        dropped.update(varied.dropped)
    return made, dict(dropped)


def _names_of(attrs: Iterable[int]) -> list[str]:
    names = {number: name for name, number in IDS.items()}
    return [names[attr] for attr in attrs]


class Augmenter:
    """A pipeline as an augmenter of spaCy: `augmenter(nlp, example)` gives the example and variations of it.

    The n-th time that an example comes, its variations are those of epoch n (with `times`, of n times `times` and what
    follows); a text is known by its contents.

    Args:
        pipeline: with operations on text, or the path of its YAML file.
        times: variations of each example, 1 or more.
        originals: whether the example itself is given, too.

    Attributes:
        dropped: how many entities, spans of each group and so on could not be taken over so far.
    """

    def __init__(self, pipeline: Pipeline | str | os.PathLike[str], *, times: int = 1, originals: bool = True) -> None:
        _check_times(times)
        self.pipeline = pipeline if isinstance(pipeline, Pipeline) else Pipeline.from_yaml(Path(pipeline))
        _check_pipeline(self.pipeline)
        self.times = times
        self.originals = originals
        self.dropped: Counter[str] = Counter()
        self._seen: Counter[int] = Counter()

    def __call__(self, nlp: Any, example: Any) -> Iterator[Any]:
        """The example, if originals are wanted, and its variations; those that come out as they were are left out."""
        doc = example.reference
        key = int.from_bytes(blake2b(doc.text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
        first = self._seen[key] * self.times
        self._seen[key] += 1
        if self.originals:
            yield example
        for varied in vary_doc(nlp, doc, self.pipeline, key, range(first, first + self.times)):
            self.dropped.update(varied.dropped)
            if varied.doc.text != doc.text:
                yield Example(nlp.make_doc(varied.doc.text), varied.doc)
            elif not self.originals:
                yield example


@registry.augmenters("covary.pipeline.v1")  # type: ignore[untyped-decorator, unused-ignore]
def create_augmenter(
    pipeline: str, times: int = 1, originals: bool = True
) -> Callable[[Language, Example], Iterator[Example]]:
    """What spaCy's configuration calls "covary.pipeline.v1"; see `Augmenter`."""
    return Augmenter(pipeline, times=times, originals=originals)


def _check_pipeline(pipeline: Pipeline) -> None:
    if "text" not in modalities_of(pipeline.operations):
        raise ValueError(f"pipeline: {pipeline!r} has no operations on text")


def _check_times(times: int) -> None:
    if isinstance(times, bool) or not isinstance(times, int) or times < 1:
        raise ValueError(f"times is {times!r}; allowed: a whole number from 1 on")


@dataclass(frozen=True, slots=True)
class _Places:
    """What is marked in a document, by characters.

    Attributes:
        entities: its entities.
        groups: (name, span) of the spans of all groups.
        sentences: where each begins and ends; () where nothing says so.
    """

    entities: tuple[Any, ...]
    groups: tuple[tuple[str, Any], ...]
    sentences: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, doc: Any) -> _Places:
        groups = tuple((name, span) for name, group in doc.spans.items() for span in group)
        starts = [token.idx for token in doc if token.is_sent_start] if doc.has_annotation("SENT_START") else []
        sentences = tuple(
            (start, start + len(doc.text[start:end].rstrip())) for start, end in pairwise([*starts, len(doc.text)])
        )
        return cls(tuple(doc.ents), groups, sentences)

    def fields(self) -> dict[str, Any]:
        """As a pipeline takes them. The label of each is its own, and its number tells which it is."""
        spans = [*self.entities, *(span for _, span in self.groups)]
        marked = [(span.start_char, span.end_char, span.label_, number) for number, span in enumerate(spans)]
        return {"spans": marked, "sentences": [(*place, None, at) for at, place in enumerate(self.sentences)]}


def _varied(nlp: Any, doc: Any, places: _Places, done: Varied, at: int, epoch: int) -> VariedDoc:
    text, edits, fields = done.texts[at], done.edits[at], done.fields[at]
    if text == doc.text:
        return VariedDoc(doc.copy(), epoch)
    new = nlp.make_doc(text)
    dropped: Counter[str] = Counter()
    spans = {number: (start, end) for start, end, _, number in fields["spans"]}
    words = _words(doc, new, edits)
    _set_words(doc, new, words)
    _set_tree(doc, new, words, dropped)
    if places.sentences and not new.has_annotation("DEP"):
        _set_sentences(new, [start for start, *_ in fields["sentences"]])
    _set_entities(doc, new, places, spans, words, dropped)
    _set_groups(doc, new, places, spans, dropped)
    new.cats = dict(doc.cats)
    new.user_data.update({name: value for name, value in doc.user_data.items() if _is_of_document(name)})
    return VariedDoc(new, epoch, dict(dropped))


def _is_of_document(name: Any) -> bool:
    """Whether an entry of the user data is about the document, and not about a token or a span of it."""
    return not (isinstance(name, tuple) and len(name) == 4 and name[0] == "._." and name[2] is not None)


def _words(doc: Any, new: Any, edits: Edits) -> dict[int, int]:
    """For each token of the new document that stands for one of the old one, which.

    A word that was replaced is the token at its place; what was parted or joined is none.
    """
    starts = {token.idx: token.i for token in new}
    words: dict[int, int] = {}
    for token in doc:
        place = move_span(edits, token.idx, token.idx + len(token))
        found = starts.get(place[0]) if place is not None and place[0] < place[1] else None
        if place is not None and found is not None and place[1] == place[0] + len(new[found]):
            words[found] = token.i
    return words


def _set_words(doc: Any, new: Any, words: dict[int, int]) -> None:
    for now, before in words.items():
        token, old = new[now], doc[before]
        if token.text == old.text:
            for name in _OF_WORDS:
                setattr(token, name, getattr(old, name))
            if old.has_morph():
                token.set_morph(old.morph)


def _set_tree(doc: Any, new: Any, words: dict[int, int], dropped: Counter[str]) -> None:
    """Heads and dependencies, if each token has become one token in the same order."""
    if not doc.has_annotation("DEP"):
        return
    if len(new) != len(doc) or any(words.get(number) != number for number in range(len(new))):
        dropped["dependencies"] += 1
        return
    with_heads = Doc(
        new.vocab,
        words=[token.text for token in new],
        spaces=[bool(token.whitespace_) for token in new],
        heads=[token.head.i for token in doc],
        deps=[token.dep_ for token in doc],
    )
    new.from_array(["HEAD", "DEP"], with_heads.to_array(["HEAD", "DEP"]))


def _set_sentences(new: Any, starts: Sequence[int]) -> None:
    places = [token.idx for token in new]
    first = {max(0, bisect_right(places, start) - 1) for start in starts}
    for token in new:
        token.is_sent_start = token.i in first or token.i == 0


def _set_entities(
    doc: Any, new: Any, places: _Places, spans: dict[int, tuple[int, int]], words: dict[int, int], dropped: Counter[str]
) -> None:
    if not doc.has_annotation("ENT_IOB"):
        return
    entities: list[Any] = []
    unknown = [new[now : now + 1] for now, before in words.items() if doc[before].ent_iob_ == ""]
    taken: set[int] = set()
    for number, entity in enumerate(places.entities):
        span = _char_span(new, entity, spans.get(number))
        if span is not None and taken.isdisjoint(range(span.start, span.end)):
            taken.update(range(span.start, span.end))
            entities.append(span)
            continue
        dropped["entities"] += 1
        if number in spans:
            around = new.char_span(*spans[number], alignment_mode="expand")
            unknown += [around] if around is not None else []
    blank = [span for each in unknown for span in _apart(new, each, taken)]
    new.set_ents(entities, missing=blank, default="outside")


def _apart(new: Any, span: Any, taken: set[int]) -> list[Any]:
    """The tokens of a span that are not taken yet; they are now."""
    free = [number for number in range(span.start, span.end) if number not in taken]
    taken.update(free)
    return [new[number : number + 1] for number in free]


def _set_groups(doc: Any, new: Any, places: _Places, spans: dict[int, tuple[int, int]], dropped: Counter[str]) -> None:
    found: dict[str, list[Any]] = {name: [] for name in doc.spans}
    for number, (name, old) in enumerate(places.groups, len(places.entities)):
        span = _char_span(new, old, spans.get(number))
        if span is None:
            dropped[f"spans[{name!r}]"] += 1
        else:
            found[name].append(span)
    for name, group in doc.spans.items():
        new.spans[name] = SpanGroup(new, name=group.name, attrs=dict(group.attrs), spans=found[name])


def _char_span(new: Any, old: Span, place: tuple[int, int] | None) -> Any:
    """A span of the new document like one of the old; None where its edges are no edges of tokens."""
    if place is None or place[0] == place[1]:
        return None
    return new.char_span(*place, label=old.label, kb_id=old.kb_id, span_id=old.id)
