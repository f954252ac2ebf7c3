"""Texts with their edits marked: in pieces, in a terminal, and as a page."""

from __future__ import annotations

import io
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import Pipeline, text
from covary.data.arrays import Arrays
from covary.plan.edits import Copy, Edit, apply_edits
from covary.show import show
from covary.show.marks import Piece, marked, places_of
from covary.show.terminal import in_signs, in_styles, print_texts
from covary.show.text_page import as_html, text_page
from covary.show.texts import TextRow, TextVersion, text_rows
from tests.show.reading import Element, needs_nothing_else, read_page
from tests.text.editing import edits_of, texts

SENTENCE = "Anna moved from Rome to New York in spring."
SPANS = [(0, 4, "PER"), (16, 20, "LOC"), (24, 32, "LOC"), (28, 32, "PART")]


def words(pieces: list[Piece], *kinds: str) -> str:
    return "".join(piece.text for piece in pieces if piece.kind in kinds)


@settings(max_examples=50)
@given(st.data())
def test_pieces_hold_the_new_text_of_apply_edits_and_all_of_the_old(data: st.DataObject) -> None:
    original = data.draw(texts)
    edits = data.draw(edits_of(original))
    pieces = marked(original, edits)
    assert words(pieces, "kept", "inserted", "replacing", "moved") == apply_edits(original, edits)
    moved = {place for edit in edits for copy in edit.copies for place in range(copy.start, copy.end)}
    edited = {place for edit in edits for place in range(edit.start, edit.end)}
    assert words(pieces, "kept") == "".join(c for place, c in enumerate(original) if place not in edited)
    assert words(pieces, "deleted") == "".join(original[place] for place in sorted(edited - moved))


@settings(max_examples=50)
@given(st.data())
def test_pieces_of_a_span_are_the_characters_that_it_covers(data: st.DataObject) -> None:
    original = data.draw(texts)
    edits = data.draw(edits_of(original))
    after = apply_edits(original, edits)
    spans = []
    for number in range(3):
        start, end = sorted(data.draw(st.tuples(st.integers(0, len(after)), st.integers(0, len(after)))))
        if start < end:
            spans.append((start, end, f"label {number}"))
    pieces = marked(original, edits, spans)
    for start, end, label in spans:
        covering = [piece for piece in pieces if label in piece.labels and piece.kind != "deleted"]
        assert "".join(piece.text for piece in covering) == after[start:end]
        assert [label in piece.ends for piece in covering] == [False] * (len(covering) - 1) + [True]


def test_kinds_of_pieces_are_those_of_the_edits() -> None:
    edits = [Edit(0, 4, "Jane"), Edit(10, 10, " far"), Edit(16, 21, ""), Edit(33, 35, "York?", (Copy(0, 28, 32),))]
    assert [piece[:2] for piece in marked(SENTENCE, edits)] == [
        ("deleted", "Anna"),
        ("replacing", "Jane"),
        ("kept", " moved"),
        ("inserted", " far"),
        ("kept", " from "),
        ("deleted", "Rome "),
        ("kept", "to New York "),
        ("deleted", "in"),
        ("moved", "York"),
        ("replacing", "?"),
        ("kept", " spring."),
    ]


def test_a_replacement_that_a_diff_would_find_smaller_is_shown_as_the_edit_that_it_was() -> None:
    assert [piece[:2] for piece in marked("a cat", [Edit(2, 5, "car")])] == [
        ("kept", "a "),
        ("deleted", "cat"),
        ("replacing", "car"),
    ]


def test_signs_of_edits_and_nested_spans_where_there_is_no_colour() -> None:
    edits = [Edit(5, 10, "went"), Edit(24, 28, "")]
    spans = [(0, 4, "PER"), (15, 19, None), (23, 27, "LOC"), (23, 27, "PART")]
    assert in_signs(marked(SENTENCE, edits, spans)) == (
        "⟨Anna|PER⟩ [-moved-]{+went+} from ⟨Rome⟩ to [-New -]⟨⟨York|PART⟩|LOC⟩ in spring."
    )


def test_colours_of_a_terminal_strike_and_underline_as_well() -> None:
    line = in_styles(marked(SENTENCE, [Edit(5, 10, "went"), Edit(33, 36, "")], SPANS[:1]))
    styles = {line.plain[span.start : span.end]: str(span.style) for span in line.spans}
    assert "underline" in styles["Anna"]
    assert "strike" in styles["moved"] and "strike" in styles["in "]
    assert styles["went"] not in ("", styles["moved"])
    assert "⟨PER⟩" in line.plain


def test_nothing_in_a_text_drives_the_terminal() -> None:
    wicked = "a\x1b[31mb\x07\rc\u202e"
    row = TextRow(wicked, wicked, (TextVersion("original", tuple(marked(wicked, [Edit(1, 1, "\x1b]0;x\x07\u200b")]))),))
    for signs in (True, False):
        file = io.StringIO()
        if signs:
            print_texts("t", "a", [row], file)
            printed = file.getvalue()
        else:
            printed = in_styles(row.versions[0].pieces).plain
        assert not [c for c in printed if unicodedata.category(c) == "Cc" and c != "\n"]
        assert "U+001B" in printed and "U+200B" in printed


def test_a_terminal_without_utf_8_halves_gets_escapes() -> None:
    file = io.StringIO()
    print_texts("t", "a", [TextRow("k", "", (TextVersion("original", tuple(marked("x\ud83dy", []))),))], file)
    file.getvalue().encode("utf-8")
    assert "xU+D83Dy" in file.getvalue()


def version(text: str, edits: list[Edit], spans: Any = ()) -> TextVersion:
    return TextVersion("variation 0", tuple(marked(text, edits, spans)))


def paragraphs(root: Element) -> list[Element]:
    return root.all("p", "text")


def test_markup_in_a_text_is_text_on_the_page() -> None:
    wicked = "<script>alert('x')</script> & \"<b>\" ]]> <!-- --> &lt;"
    label = '"><img src=x onerror=alert(1)>'
    row = TextRow(wicked, label, (version(wicked, [Edit(0, 8, "<i>")], [(9, 14, label)]),))
    data = text_page(wicked, wicked, [row])
    root = read_page(data)
    assert not root.all("script") and not root.all("b") and not root.all("img") and not root.all("i")
    assert b"<script" not in data and b"<img" not in data
    assert paragraphs(root)[0].text(without="del") == "<i>" + wicked[8:]
    assert root.all("h1")[0].text() == wicked
    assert label in [element.attributes.get("title") for element in root.all("span")]


@settings(max_examples=50)
@given(st.data())
def test_a_page_parses_and_holds_the_new_text_outside_del_and_the_old_one_inside(data: st.DataObject) -> None:
    # What HTML has no way to write: control characters and halves of surrogate pairs.
    plain = texts.map(
        lambda s: "".join(c for c in s if unicodedata.category(c) not in ("Cc", "Cs", "Cn") or c in "\n\t\r")
    )
    original = data.draw(plain)
    edits = data.draw(edits_of(original))
    root = read_page(text_page("title", "about", [TextRow("k", "", (version(original, edits),))]))
    assert paragraphs(root)[0].text(without="del") == apply_edits(original, edits)
    gone = "".join(element.text() for element in paragraphs(root)[0].all("del"))
    assert gone == words(marked(original, edits), "deleted")


@pytest.mark.parametrize("broken", ["\x00a", "\ud83d", "\x1b"])
def test_characters_that_html_cannot_hold_are_named(broken: str) -> None:
    assert f"U+{ord(broken[0]):04X}" in text_page("t", "", [TextRow("k", "", (version(broken, []),))]).decode("utf-8")


def test_edits_are_told_without_colour() -> None:
    data = text_page(
        "t", "", [TextRow("k", "", (version(SENTENCE, [Edit(5, 10, "went"), Edit(43, 43, "!")], SPANS[:1]),))]
    )
    root = read_page(data)
    line = paragraphs(root)[0]
    assert [element.text() for element in line.all("del")] == ["moved"]
    assert [element.text() for element in line.all("ins", "instead")] == ["went"]
    assert [element.text() for element in line.all("ins", "new")] == ["!"]
    assert [(e.text(), e.attributes["data-ends"]) for e in line.all("span", "span")] == [("Anna", "PER")]
    style = root.all("style")[0].text()
    for rule in ("line-through", "underline", "dashed", "dotted", "prefers-color-scheme: dark", "[deleted: "):
        assert rule in style


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_in_light_and_dark_is_that_of_wcag_aa() -> None:
    style = read_page(text_page("t", "", [])).all("style")[0].text()
    light, dark = style.split("@media")[0], style.split("@media")[1]
    pairs = [(name, f"{name}-back") for name in ("new", "instead", "gone", "moved")]
    pairs += [(name, back) for name in ("ink", "pale", "span") for back in ("paper", "card")]
    for scheme in (light, dark):
        colours = dict(part.strip().split(": ") for part in scheme.replace("{", ";").split(";") if "--" in part)
        for front, back in pairs:
            a, b = sorted((luminance(_hex(colours[f"--{name}"])) for name in (front, back)), reverse=True)
            assert (a + 0.05) / (b + 0.05) >= 4.5, (front, back)


def _hex(value: str) -> str:
    value = value.split("}")[0].strip()
    return value if len(value) == 7 else "#" + "".join(2 * digit for digit in value[1:])


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    rows = [
        {"id": "a", "text": SENTENCE, "label": "good", "spans": [[0, 4, "PER"], [24, 32, "LOC"]]},
        {"id": "b", "text": "The <script> ran. It was <b>slow</b> and bad.", "label": "bad", "spans": []},
        {"id": "c", "text": "Everyone liked the small garden behind the house.", "label": "good", "spans": []},
    ]
    path = tmp_path / "reviews.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


PIPELINE = Pipeline([text.SynonymReplacement(0.4), text.RandomSwap(0.2), text.RandomDeletion(0.2)], seed=4)


def test_a_page_holds_what_the_pipeline_makes_of_each_text(reviews: Path, tmp_path: Path) -> None:
    shown = show(reviews, PIPELINE, tmp_path / "page.html", count=3, times=4)
    assert shown.path == tmp_path / "page.html" and not shown.skipped
    root = read_page(shown.path.read_bytes())
    assert needs_nothing_else(root)
    assert not root.all("script")
    from covary.data.open import open_dataset

    dataset = open_dataset(reviews)
    sections = {section.all("h2")[0].text(): section for section in root.all("section")}
    assert sections.keys() == {"a", "b", "c"}
    for index in range(3):
        sample, key = dataset.read(index), dataset.keys[index]
        found = [line.text(without="del") for line in paragraphs(sections[str(key)])]
        fields = {"text": sample["text"], "spans": sample["spans"]}
        varied = [PIPELINE(**fields, key=key, epoch=epoch) for epoch in range(4)]
        assert found == [sample["text"], *(each["text"] for each in varied)]
        for line, each in zip(paragraphs(sections[str(key)])[1:], varied, strict=True):
            covered = "".join(element.text(without="del") for element in line.all("span", "span"))
            assert covered == "".join(each["text"][start:end] for start, end, _ in sorted(each["spans"]))


def test_captions_say_what_each_operation_drew_and_did(reviews: Path, tmp_path: Path) -> None:
    pipeline = Pipeline([text.RandomDeletion((0.2, 0.3)), text.RandomSwap(0.3, p=0.5)], seed=1)
    rows, _ = text_rows(open_texts(reviews), pipeline, count=1, times=8)
    drawn = [version.drawn for version in rows[0].versions[1:]]
    trace = pipeline.trace(key="a", epoch=0, text=SENTENCE)
    assert drawn[0][0].said.startswith(f"alpha {trace['operations'][0]['values']['alpha']:.4g}, ")
    assert {each[1].active for each in drawn} == {True, False}
    assert {str(each[1]) for each in drawn if not each[1].active} == {"RandomSwap not applied"}


def open_texts(path: Path) -> Any:
    from covary.data.open import open_dataset

    return open_dataset(path)


def test_texts_are_printed_by_default_and_dropped_spans_are_named(reviews: Path) -> None:
    file = io.StringIO()
    shown = show(reviews, PIPELINE, file=file, times=6)
    assert shown.path is None
    printed = file.getvalue()
    assert "\x1b" not in printed and "⟨Anna|PER⟩" in printed and "variation 5" in printed
    two = Arrays({"text": ["Anna left. Bob stayed here."], "spans": [[(0, 4, "PER")]]})
    file = io.StringIO()
    show(two, Pipeline([text.SentenceDeletion(0.9)]), file=file, times=8)
    assert "[-Anna left. -]" in file.getvalue() and "dropped: PER" in file.getvalue()


def test_classes_come_in_turns(reviews: Path) -> None:
    rows, _ = text_rows(open_texts(reviews), PIPELINE, count=2, times=1)
    assert {row.label for row in rows} == {"good", "bad"}


def test_samples_that_cannot_be_shown_are_reported_and_nothing_to_show_is_an_error(tmp_path: Path) -> None:
    dataset = Arrays({"text": ["fine words here", "short"], "spans": [[], [(0, 99, "X")]]})
    rows, skipped = text_rows(dataset, PIPELINE, count=3, times=1)
    assert [row.versions[0].text for row in rows] == ["fine words here"]
    assert len(skipped) == 1 and "spans[0]" in skipped[0].reason
    with pytest.raises(ValueError, match="no text there can be shown"):
        show(Arrays({"number": [1, 2]}), PIPELINE, tmp_path / "x.html")
    with pytest.raises(ValueError, match=r"allowed: \.html"):
        show(dataset, PIPELINE, tmp_path / "x.png")


def test_places_are_those_of_all_marked_fields() -> None:
    fields = {
        "spans": [{"start": 0, "end": 4, "label": "PER"}],
        "sentences": [(0, 43)],
        "answer": {"text": ["New York"], "answer_start": [24]},
        "tokens": ["Anna", "Rome"],
        "tags": ["O", "B-LOC"],
    }
    assert places_of(fields, SENTENCE) == [
        (0, 4, "PER"),
        (0, 43, "sentence"),
        (24, 32, "answer"),
        (16, 20, "LOC"),
    ]


def test_html_of_pieces_nests_spans() -> None:
    pieces = marked("New York", [], [(0, 8, "LOC"), (4, 8, "PART")])
    root = read_page(as_html(pieces).encode())
    assert [(e.text(), e.attributes["title"], e.attributes.get("data-ends")) for e in root.all("span")] == [
        ("New ", "LOC", None),
        ("York", "PART in LOC", "PART LOC"),
    ]


def test_a_pipeline_without_operations_shows_what_the_data_are(reviews: Path) -> None:
    file = io.StringIO()
    show(reviews, Pipeline([]), file=file, times=1)
    assert "variation 0    ⟨Anna|PER⟩ moved" in file.getvalue()
