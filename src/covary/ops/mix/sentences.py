"""Texts mixed by their sentences, or by runs of words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import ClassVar, TypeAlias

import numpy as np

from covary.ops.base import operation
from covary.ops.mix.base import BetaMixer, Draws, Floats, PairMixer
from covary.ops.mix.batch import Batch, Made
from covary.ops.mix.splices import UNITS, Ranges, Unit, between, gap, part, put_spliced, sizes

Saliency: TypeAlias = Callable[[list[list[str]]], Sequence[Sequence[float]]]


def texts_of(batch: Batch) -> Sequence[str]:
    """The texts of a batch.

    Raises:
        TypeError, ValueError: there are none, or one is no string.
    """
    texts: Sequence[str] = batch.field("text")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"text[{index}] is a {type(text).__name__}; a string is needed")
    return texts


def run_of(lengths: Sequence[int], target: float, place: float, most: int) -> tuple[int, int]:
    """Which neighbouring sentences to take: the first, and the one behind the last.

    Args:
        lengths: of all sentences.
        target: about how long the run should be; it ends where it comes nearest.
        place: where it begins, in [0, 1), among the places from which it can get so long.
        most: how many sentences it may have.
    """
    sums = [0, *accumulate(lengths)]
    starts = max(1, sum(sums[-1] - before >= target for before in sums[:-1]))
    first = int(place * starts)
    ends = range(first, min(first + most, len(lengths)) + 1)
    return first, min(ends, key=lambda end: abs(sums[end] - sums[first] - target))


@operation
class SentenceCutMix(BetaMixer):
    """Put some of the partner's sentences in the place of some of a text's own; labels mixed by what each text gives.

    A run of neighbouring sentences, as near to 1 - lam of the text as sentences can be, gives way to a run of the
    partner's of about the same length. At least one sentence stays and at least one comes, so that a text of one
    sentence is joined by one before or behind it. What is not exchanged stays byte for byte.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda, the share of the text that stays. Default 1.
        unit: in what shares are counted, those of the labels too: "words" or "characters". Default "words".
        pairs: whether `target_a`, `target_b` and `lam` come out too.

    The field is `text`, B strings. `spans`, `sentences`, `protected` and `tokens` with `tags` go with the sentences
    that hold them, the partner's come along; an `answer` is the sample's own, and gone where its sentence is. A `tree`
    becomes None. Texts without any sentence are left alone.

    Paper: Yun et al. 2019, "CutMix", for sentences; label shares are those really taken.

    Helps: classification of documents: topics, sentiment of several sentences.
    Hurts: texts whose meaning hangs on the order or unity of their sentences; single sentences; question answering.
    """

    uniforms: ClassVar[tuple[str, ...]] = ("lam", "cut", "taken")

    unit: Unit = "words"

    def check(self) -> None:
        BetaMixer.check(self)
        self.one_of("unit", UNITS)

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        from covary.ops.text.segment import sentences

        texts, partners = texts_of(batch), draw.partners().tolist()
        lam, cut, taken = (values.tolist() for values in (self.shares(draw), draw("cut"), draw("taken")))
        for row in rows:
            partner = partners[row]
            both = (texts[row], texts[partner])
            ranges = (sentences(both[0]), sentences(both[1]))
            if ranges[0] and ranges[1]:
                share = self._mixed(batch, made, (row, partner), both, ranges, lam[row], cut[row], taken[row])
                made.pair(row, partner, share)

    def _mixed(
        self,
        batch: Batch,
        made: Made,
        samples: tuple[int, int],
        texts: tuple[str, str],
        ranges: tuple[Ranges, Ranges],
        lam: float,
        cut: float,
        taken: float,
    ) -> float:
        """Mix one text; what comes back is the share of its own."""
        own, other = (sizes(text, each, self.unit) for text, each in zip(texts, ranges, strict=True))
        target = (1 - lam) * sum(own)
        low, high = run_of(own, target, cut, len(own) - 1)
        first, last = run_of(other, sum(own[low:high]) or target, taken, len(other))
        last = max(last, first + 1)
        came = part(texts, 1, ranges[1][first][0], ranges[1][last - 1][1])
        if low < high:
            begin, end = ranges[0][low][0], ranges[0][high - 1][1]
            parts = [part(texts, 0, 0, begin), came, part(texts, 0, end, len(texts[0]))]
        else:
            # Nothing gives way: the partner's come before a sentence or behind the last.
            boundary = int(cut * (len(own) + 1))
            space = between(gap(texts, ranges, boundary))
            at = ranges[0][boundary][0] if boundary < len(own) else ranges[0][-1][1]
            middle = [came, space] if boundary < len(own) else [space, came]
            parts = [part(texts, 0, 0, at), *middle, part(texts, 0, at, len(texts[0]))]
        put_spliced(batch, made, *samples, parts)
        kept, new = sum(own) - sum(own[low:high]), sum(other[first:last])
        return kept / (kept + new)


@operation
class SameLabelSplice(PairMixer):
    """Join the first half of a text and the second half of another of the same label at a sentence boundary.

    A half is the sentences that come nearest to half of the words, at least one; of a text of one sentence, that
    sentence. The partner is the next of its label in the batch; a text that is alone with its label stays as it is.

    Args:
        unit: in what halves are counted: "words" or "characters". Default "words".
        pairs: whether `target_a`, `target_b` and `lam` come out too; both targets are the same.

    The fields are `text`, B strings, and `label`, which stays what it is (rows and quantities are the same where all
    their numbers are). Spans, tokens and answers as for SentenceCutMix.

    Paper: Luque 2019, "Atalaya at TASS 2019: data augmentation and robust embeddings for sentiment analysis" (instance
    crossover).

    Helps: few documents of each class.
    Hurts: texts whose label hangs on one sentence only: its half may lack it; texts with an argument that is followed.
    """

    unit: Unit = "words"

    def check(self) -> None:
        self.one_of("unit", UNITS)

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        from covary.ops.text.segment import sentences

        texts, partners = texts_of(batch), _partners_alike(batch, draw)
        for row in rows:
            partner = partners[row]
            both = (texts[row], texts[partner])
            ranges = (sentences(both[0]), sentences(both[1]))
            if partner == row or not ranges[0] or not ranges[1]:
                continue
            own, other = (sizes(text, each, self.unit) for text, each in zip(both, ranges, strict=True))
            head, tail = _half(own), _half(other) if len(other) > 1 else 0
            parts = [
                part(both, 0, 0, ranges[0][head - 1][1]),
                between(gap(both, ranges, head)),
                part(both, 1, ranges[1][tail][0], len(both[1])),
            ]
            put_spliced(batch, made, row, partner, parts)
            kept, new = sum(own[:head]), sum(other[tail:])
            made.pair(row, partner, kept / (kept + new))


def _half(lengths: Sequence[int]) -> int:
    """How many sentences come nearest to half of all, at least one and, of several, not all."""
    sums = list(accumulate(lengths))
    return 1 + min(range(max(1, len(sums) - 1)), key=lambda index: abs(2 * sums[index] - sums[-1]))


def _partners_alike(batch: Batch, draw: Draws) -> list[int]:
    """For each sample the next of its label in the batch's cycle; itself where there is none."""
    if batch.labels is None:
        raise ValueError("label is needed: texts of the same label are joined")
    own = batch.labels.of(np.arange(batch.count))
    order = draw.order().tolist()
    alike: dict[bytes, list[int]] = {}
    for row in order:
        # No label is minus zero.
        alike.setdefault((own[row] + 0).tobytes(), []).append(row)
    partners = list(range(batch.count))
    for several in alike.values():
        for row, following in zip(several, [*several[1:], several[0]], strict=True):
            partners[row] = following
    return partners


@operation
class SpanMix(BetaMixer):
    """Put a run of the partner's words in the place of as many of a text's own; labels mixed by words.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda, the share of the words that stay. Default 1.
        saliency: called with the words of texts, gives for each text a number for each word, such as the size of the
            loss's gradient: the least salient run gives way, the partner's most salient one comes, as in the paper.
            None: runs at random. Default None.
        pairs: whether `target_a`, `target_b` and `lam` come out too.

    At least one word of each stays; texts of less than two words are left alone, as are partners without words. Spans,
    tokens and answers as for SentenceCutMix; a span through which a run's edge goes is gone.

    Paper: Yoon et al. 2021, "SSMix: saliency-based span mixup for text classification".

    Helps: classification of single sentences, and pairs of them.
    Hurts: labels that hang on one word (negation); tasks on grammar.
    """

    uniforms: ClassVar[tuple[str, ...]] = ("lam", "cut", "taken")

    saliency: Saliency | None = None

    def check(self) -> None:
        BetaMixer.check(self)
        if self.saliency is not None and not callable(self.saliency):
            self.refuse("saliency", repr(self.saliency), "a callable that takes lists of words, or None")

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        from covary.ops.text.segment import words

        texts, partners = texts_of(batch), draw.partners().tolist()
        lam, cut, taken = (values.tolist() for values in (self.shares(draw), draw("cut"), draw("taken")))
        needed = sorted({*rows, *(partners[row] for row in rows)})
        ranges: dict[int, Ranges] = {row: words(texts[row]) for row in needed}
        scores = self._scores(texts, ranges)
        for row in rows:
            partner = partners[row]
            own, other = ranges[row], ranges[partner]
            count = min(round((1 - lam[row]) * len(own)), len(own) - 1, len(other))
            if count < 1:
                continue
            if scores is None:
                low, first = int(cut[row] * (len(own) - count + 1)), int(taken[row] * (len(other) - count + 1))
            else:
                low, first = int(_runs(scores[row], count).argmin()), int(_runs(scores[partner], count).argmax())
            both = (texts[row], texts[partner])
            parts = [
                part(both, 0, 0, own[low][0]),
                part(both, 1, other[first][0], other[first + count - 1][1]),
                part(both, 0, own[low + count - 1][1], len(both[0])),
            ]
            put_spliced(batch, made, row, partner, parts)
            made.pair(row, partner, 1 - count / len(own))

    def _scores(self, texts: Sequence[str], ranges: dict[int, Ranges]) -> dict[int, Sequence[float]] | None:
        if self.saliency is None:
            return None
        asked = [[texts[row][start:end] for start, end in places] for row, places in ranges.items()]
        given = self.saliency(asked)
        lengths = ([len(each) for each in asked], [len(each) for each in given])
        if lengths[0] != lengths[1]:
            raise ValueError(f"saliency gives {lengths[1]} numbers for texts of {lengths[0]} words")
        return dict(zip(ranges, given, strict=True))


def _runs(scores: Sequence[float], count: int) -> Floats:
    """The sums of all runs of so many scores."""
    sums: Floats = np.concatenate([[0.0], np.cumsum(np.asarray(scores, np.float64))])
    made: Floats = sums[count:] - sums[:-count]
    return made
