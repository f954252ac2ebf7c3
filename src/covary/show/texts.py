"""Texts and their variations, with the edits marked, as data that a terminal or a page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from covary.data.dataset import Dataset
from covary.data.folder import Problem
from covary.ops.text.page import Change
from covary.pipeline import Pipeline
from covary.show.drawn import Drawn, drawn_by
from covary.show.marks import Piece, marked, places_of
from covary.show.subject import Subject, rows_of
from covary.texts import TEXT_FIELDS, vary


@dataclass(frozen=True, slots=True)
class TextVersion:
    """The original, or one variation.

    Attributes:
        title: "original", or "variation 3".
        pieces: of the text.
        drawn: what each operation drew and did; of a variation.
        dropped: labels of the spans that went with their words.
    """

    title: str
    pieces: tuple[Piece, ...]
    drawn: tuple[Drawn, ...] = ()
    dropped: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text itself."""
        return "".join(piece.text for piece in self.pieces if piece.kind != "deleted")


@dataclass(frozen=True, slots=True)
class TextRow:
    """A sample: its key, its class, and its versions, the original first."""

    name: str
    label: str
    versions: tuple[TextVersion, ...]


def text_rows(
    dataset: Dataset, pipeline: Pipeline, *, count: int, times: int
) -> tuple[list[TextRow], tuple[Problem, ...]]:
    """Texts of a data set with their variations, and those that could not be shown.

    Args:
        dataset: of samples with a `text`.
        pipeline: what varies them; variation k is epoch k.
        count: texts to show, taken evenly from the classes.
        times: variations of each.
    """
    return rows_of(dataset, "text", lambda subject: _row(subject, pipeline, times), count)


def _row(subject: Subject, pipeline: Pipeline, times: int) -> TextRow:
    text = subject.fields["text"]
    fields = {name: subject.fields[name] for name in TEXT_FIELDS if subject.fields.get(name) is not None}
    done = vary(
        pipeline.operations,
        [text] * times,
        [fields] * times,
        seed=pipeline.seed,
        keys=[subject.key] * times,
        epoch=range(times),
        draws=pipeline.draws,
        protect=pipeline.protect,
    )
    versions = [TextVersion("original", tuple(marked(text, (), places_of(fields, text))))]
    for epoch in range(times):
        places = places_of(done.fields[epoch], done.texts[epoch])
        versions.append(
            TextVersion(
                f"variation {epoch}",
                tuple(marked(text, done.edits[epoch], places)),
                drawn_by(pipeline, subject.key, epoch, _remarks(done.changes[epoch]), text=text),
                tuple(_dropped(entry) for entry in done.dropped[epoch]),
            )
        )
    return TextRow(str(subject.key), subject.label, tuple(versions))


def _remarks(changes: Sequence[Change]) -> Mapping[str, str]:
    """What each operation did to a text: how many edits, or why none."""
    return {change.operation: change.note or _edits(len(change.edits)) for change in changes}


def _edits(count: int) -> str:
    return "1 edit" if count == 1 else f"{count} edits"


def _dropped(entry: tuple[str, int, Any]) -> str:
    field, index, label = entry
    return str(label) if label is not None else f"{field}[{index}]"
