"""The texts in the rows of a table: which columns they are, what is marked in them, and variations of whole rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from covary.data.tables import TEXT_NAMES
from covary.draws.keys import Key
from covary.pipeline import Pipeline
from covary.texts import Different, Varied, different, vary

# What columns are called that say what is marked in a text, by the field that they are for a pipeline.
FIELD_NAMES: dict[str, tuple[str, ...]] = {
    "spans": ("spans", "entities", "ents"),
    "sentences": ("sentences",),
    "answer": ("answer", "answers"),
    "tokens": ("tokens",),
    "tags": ("tags", "ner_tags"),
    "protected": ("protected",),
}
# Columns of texts that stand in pairs. The answer to a question is marked in the context.
TEXT_PAIRS = (("question", "context"), ("premise", "hypothesis"), ("sentence1", "sentence2"), ("text1", "text2"))


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of texts, and the columns that say what is marked in them.

    Attributes:
        name: of the column; "" where a text is its tokens, joined by spaces.
        fields: (field of a pipeline, column) of each of the others.
        tags: names of the tags, where the column of tags holds their numbers.
    """

    name: str
    fields: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What the column is called in keys and messages."""
        return self.name or "tokens"

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that change."""
        return tuple(filter(None, (self.name, *(column for _, column in self.fields))))


def find_text_columns(
    columns: Sequence[str],
    example: Callable[[str], Any],
    *,
    text: str | Sequence[str] | None = None,
    fields: Mapping[str, str] | None = None,
    tags: Mapping[str, Sequence[str]] | None = None,
    where: str = "the table",
) -> tuple[TextColumn, ...]:
    """Which columns of a table hold texts, and which say what is marked in them.

    Args:
        columns: of the table.
        example: gives a value of a column, the first that is filled; None where all are empty.
        text: columns of texts. Default: the first of text, sentence, ... that is there; else question with context,
            premise with hypothesis, and alike; else tokens, whose text is they, joined by spaces.
        fields: field of a pipeline (spans, sentences, answer, tokens, tags, protected) -> its column, "" for none. With
            several columns of texts, "context.answer" is that of the column context. Default: columns with the usual
            names, if their values are of that form.
        tags: for a column of tags that holds numbers, what they stand for.
        where: what to call the table in messages.

    Raises:
        ValueError: there are no such columns; the message lists those of the table.
    """
    names = _texts(columns, text, where)
    told = _told(fields or {}, names, columns, where)
    numbered = tags or {}
    found = []
    for name in names:
        its = dict(told.get(name, {}))
        if _takes_usual_names(name, names):
            for field, usual in FIELD_NAMES.items():
                if field not in its:
                    there = next((column for column in usual if column in columns and column not in names), None)
                    if there is not None and _LOOKS[field](_cell(example(there))[0]):
                        its[field] = there
            if "tokens" not in its and "tags" not in told.get(name, {}):
                its.pop("tags", None)  # of something else, then: topics
        kept = tuple((field, column) for field, column in its.items() if column)
        of_tags = next((column for field, column in kept if field == "tags"), "")
        found.append(TextColumn(name, kept, tuple(numbered.get(of_tags, ()))))
    return tuple(found)


def _texts(columns: Sequence[str], text: str | Sequence[str] | None, where: str) -> tuple[str, ...]:
    listed = ", ".join(columns)
    if text is not None:
        names = (text,) if isinstance(text, str) else tuple(text)
        for name in names:
            if name not in columns:
                raise ValueError(f"{where}: text={name!r} is no column; its columns are {listed}")
        if not names or len(set(names)) < len(names):
            raise ValueError(f"{where}: text={names!r}; one or more different columns are needed, of {listed}")
        return names
    lower = {name.lower(): name for name in reversed(columns)}
    usual = next((lower[name] for name in TEXT_NAMES if name in lower), None)
    if usual is not None:
        return (usual,)
    for pair in TEXT_PAIRS:
        if set(pair) <= lower.keys():
            return tuple(lower[name] for name in pair)
    if any(name in columns for name in FIELD_NAMES["tokens"]):
        return ("",)
    raise ValueError(
        f"{where}: no column holds texts by its name ({', '.join(TEXT_NAMES)}); its columns are {listed}; say which: "
        "text= (--text)"
    )


def _told(
    fields: Mapping[str, str], names: Sequence[str], columns: Sequence[str], where: str
) -> dict[str, dict[str, str]]:
    """The user's fields by column of texts."""
    told: dict[str, dict[str, str]] = {}
    for place, column in fields.items():
        owner, dot, field = place.rpartition(".")
        if field not in FIELD_NAMES or (dot and owner not in names):
            raise ValueError(
                f"{where}: fields has {place!r}; allowed: {', '.join(FIELD_NAMES)}, or such a one behind a column of "
                f"texts and a dot: {names[0] or 'text'}.spans"
            )
        if column and column not in columns:
            raise ValueError(f"{where}: {place}={column!r} is no column; its columns are {', '.join(columns)}")
        owner = owner if dot else names[-1] if tuple(map(str.lower, names)) == TEXT_PAIRS[0] else names[0]
        told.setdefault(owner, {})[field] = column
    return told


def _takes_usual_names(name: str, names: Sequence[str]) -> bool:
    """Whether columns with the usual names are about this column of texts: of several, the first; the context."""
    if tuple(map(str.lower, names)) == TEXT_PAIRS[0]:
        return name == names[1]
    return name == names[0]


def _looks_like_spans(value: Any) -> bool:
    """Whether a value is a list of (start, end, ...) or of mappings with a start; an empty one may be."""
    if not isinstance(value, list | tuple):
        return False
    return all(_is_span(each) for each in value)


def _is_span(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(name in value for name in ("start", "start_offset", "start_char"))
    return isinstance(value, list | tuple) and len(value) >= 2 and all(type(each) is int for each in value[:2])


def _looks_like_answer(value: Any) -> bool:
    return (isinstance(value, Mapping) and "answer_start" in value) or _is_span(value)


def _looks_like_tokens(value: Any) -> bool:
    return isinstance(value, list | tuple) and (
        all(isinstance(each, str) for each in value) or all(map(_is_span, value))
    )


def _looks_like_tags(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str | int) for each in value)


_LOOKS: dict[str, Callable[[Any], bool]] = {
    "spans": _looks_like_spans,
    "sentences": _looks_like_spans,
    "answer": _looks_like_answer,
    "tokens": _looks_like_tokens,
    "tags": _looks_like_tags,
    "protected": _looks_like_spans,
}


def _cell(value: Any) -> tuple[Any, Callable[[Any], Any]]:
    """A cell as a pipeline takes it, and its way back: JSON in a text, and lists of columns, are such ways."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            inner, back = _cell(json.loads(value))
        except ValueError:
            return value, _same
        return inner, lambda new: json.dumps(back(new), ensure_ascii=False)
    if isinstance(value, Mapping) and "answer_start" not in value:
        lists = {name: list(each) for name, each in value.items() if isinstance(each, list | tuple)}
        if lists and len(lists) == len(value) and len({len(each) for each in lists.values()}) == 1:
            count = len(next(iter(lists.values())))
            rows = [{name: each[at] for name, each in lists.items()} for at in range(count)]
            return rows, lambda new: {name: [row[name] for row in new] for name in value}
    return value, _same


def _same(value: Any) -> Any:
    return value


PROVENANCE = ("covary_source", "covary_epoch", "covary_seed")
"""Columns that say where a row comes from: the key of its source, the epoch that gave it, the pipeline's seed."""


class VariedRow(NamedTuple):
    """A variation of a row.

    Attributes:
        values: the columns that change.
        about: for each column of texts the edits of the original, what the operations did, and what was dropped.
    """

    values: dict[str, Any]
    about: dict[str, Any]


def vary_rows(
    pipeline: Pipeline,
    columns: Sequence[TextColumn],
    rows: Sequence[Mapping[str, Any]],
    keys: Sequence[Key],
    epochs: Sequence[int],
) -> list[VariedRow]:
    """A variation of each row.

    A single column of texts draws by the row's key, as in online training: its text is `pipeline(text=..., key=key,
    epoch=epoch)["text"]`. Of several columns, each draws by "KEY/COLUMN", so all vary independently.

    Args:
        rows: their cells; an empty one (None) stays so.
        keys: of the rows.
        epochs: which of its variations is wanted of each.

    Raises:
        TypeError, ValueError: a cell of a wrong form; the message names it.
    """
    made = [VariedRow({}, {}) for _ in rows]
    for column in columns:
        read = [_of_row(column, row) for row in rows]
        places = [at for at, (text, _, _) in enumerate(read) if text is not None]
        if not places:
            continue
        varied = vary(
            pipeline.operations,
            [str(read[at][0]) for at in places],
            [read[at][1] for at in places],
            seed=pipeline.seed,
            keys=[keys[at] if len(columns) == 1 else f"{keys[at]}/{column.label}" for at in places],
            epoch=[epochs[at] for at in places],
            draws=pipeline.draws,
            protect=pipeline.protect,
        )
        for place, at in enumerate(places):
            _write(column, varied, place, rows[at], read[at][2], made[at])
    if not all(new.about for new in made):
        raise ValueError(f"no text in {', '.join(column.label for column in columns)}")
    return made


def _of_row(
    column: TextColumn, row: Mapping[str, Any]
) -> tuple[str | None, dict[str, Any], dict[str, Callable[[Any], Any]]]:
    """The text of a column in a row, its fields, and their ways back into the cells."""
    fields: dict[str, Any] = {}
    backs: dict[str, Callable[[Any], Any]] = {}
    for field, name in column.fields:
        if row.get(name) is not None and row[name] != "":
            fields[field], backs[field] = _cell(row[name])
    if column.tags and "tags" in fields:
        fields["tags"] = [column.tags[tag] if isinstance(tag, int) else tag for tag in fields["tags"]]
    if not column.name:
        tokens = fields.get("tokens")
        if tokens is None:
            return None, {}, {}
        if not all(isinstance(token, str) for token in tokens):
            raise ValueError("tokens without a column of texts are strings")
        return " ".join(tokens), fields, backs
    text = row.get(column.name)
    if text is not None and not isinstance(text, str):
        raise TypeError(f"{column.name} is {text!r:.60}; a text is needed")
    if "tags" in fields and "tokens" not in fields:
        raise ValueError(f"{dict(column.fields)['tags']} needs tokens beside it")
    return text, fields, backs


def _write(
    column: TextColumn,
    varied: Varied,
    at: int,
    row: Mapping[str, Any],
    backs: Mapping[str, Callable[[Any], Any]],
    new: VariedRow,
) -> None:
    edits = varied.edits[at]
    if column.name:
        new.values[column.name] = varied.texts[at]
    for field, name in column.fields:
        if field not in backs:
            continue
        value = varied.fields[at][field]
        if not edits:
            new.values[name] = row[name]
            continue
        if field == "tags" and column.tags:
            value = [_number(column, tag) for tag in value]
        new.values[name] = backs[field](value)
    new.about[column.label] = {
        "edits": [list(edit[:3]) for edit in edits],
        "operations": [_change(change) for change in varied.changes[at]],
        **({"dropped": [list(each) for each in varied.dropped[at]]} if varied.dropped[at] else {}),
    }


def _change(change: Any) -> list[Any]:
    return [change.operation, len(change.edits), *([change.note] if change.note else [])]


def _number(column: TextColumn, tag: str) -> int:
    if tag not in column.tags:
        raise ValueError(f"tags: {tag!r} has no number among {', '.join(column.tags)}")
    return column.tags.index(tag)


def different_rows(
    pipeline: Pipeline, columns: Sequence[TextColumn], row: Mapping[str, Any], key: Key, times: int
) -> Different[VariedRow]:
    """So many variations of a row, if there are so many, that differ in a text from each other and from the original.

    Args:
        times: how many; 0 gives none.

    Raises:
        TypeError, ValueError: as for `vary_rows`.
    """
    return different(
        lambda epochs: vary_rows(pipeline, columns, [row] * len(epochs), [key] * len(epochs), epochs),
        lambda made: _texts_of(columns, {**row, **made.values}),
        _texts_of(columns, row),
        times,
    )


def _texts_of(columns: Sequence[TextColumn], row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells variations of a row apart."""
    return tuple(row.get(column.name) if column.name else _joined(column, row) for column in columns)


def _joined(column: TextColumn, row: Mapping[str, Any]) -> str:
    return " ".join(_cell(row.get(dict(column.fields)["tokens"]) or [])[0])
