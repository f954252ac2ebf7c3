"""Texts in, texts out: read back by the csv and json modules, by pyarrow and by the library datasets."""

import csv
import datetime
import decimal
import json
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from expansions import state, tree
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import covary.expand.work as work
from covary import Pipeline, image, text
from covary.cli import app
from covary.data.text_columns import TextColumn
from covary.expand import ExpandError, expand, verify
from covary.expand.kinds.text import TextTableLayout
from covary.expand.manifest import Manifest
from covary.expand.work import do_task
from covary.texts import variations

VARIED = Pipeline([text.SynonymReplacement(0.3), text.RandomSwap(0.2), text.KeyboardTypo(0.05, p=0.5)], seed=7)
SENTENCES = [
    "Anna quickly bought the old house near the river.",
    "The small dog runs after a large ball in the garden.",
    "He doubts that the new method works in New York.",
    "A happy child eats cold soup, slowly.",
    "They sold the broken car to a friend of Anna.",
]


def write_lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read_lines(path):
    with path.open(encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]


def read_csv(path, **options):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, **options))


def labelled(count=10):
    return [
        {"id": f"t{n}", "text": f"{SENTENCES[n % 5]} It is number {n}.", "label": "ab"[n % 3 == 0], "n": n}
        for n in range(count)
    ]


@pytest.fixture
def source(tmp_path):
    return write_lines(tmp_path / "in" / "t.jsonl", labelled())


def test_rows_are_the_first_different_epochs_of_the_stream_as_variations_gives_them(tmp_path, source):
    pipeline = Pipeline([text.RandomSwap(0.1, p=0.5)], seed=3)
    expand(source, tmp_path / "out", pipeline, times=4)
    made = read_lines(tmp_path / "out/t.jsonl")
    skipping = 0
    for row in labelled():
        its = [each for each in made if each["covary_source"] == row["id"]]
        truth = variations(pipeline.operations, row["text"], 4, seed=3, key=row["id"])
        assert [each["text"] for each in its] == truth.texts
        assert [each["covary_epoch"] for each in its] == truth.epochs
        skipping += truth.epochs != [0, 1, 2, 3]
        for each in its:
            assert each["text"] == pipeline(text=row["text"], key=row["id"], epoch=each["covary_epoch"])["text"]
            assert all(each[name] == row[name] for name in ("id", "label", "n"))
    assert skipping > 3 and [each["covary_seed"] for each in made] == [3] * len(made)


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.sampled_from(",;\t"))
def test_cells_of_a_csv_come_back_as_the_csv_module_wrote_them(tmp_path_factory, cells, end, delimiter):
    base = tmp_path_factory.mktemp("csv")
    path = base / ("t.tsv" if delimiter == "\t" else "t.csv")
    names = ["text", 'said "by"', "more"]
    rows = [["the old house", *row] for row in cells]
    with path.open("w", encoding="utf-8", newline="") as file:
        # The csv module itself leaves a lone carriage return bare where lines end in line feeds.
        writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerows([names, *rows])
    report = expand(path, base / "out", Pipeline([text.RandomSwap(1.0)]), times=2)
    with (base / "out" / path.name).open(encoding="utf-8", newline="") as file:
        made = list(csv.reader(file, delimiter=delimiter))
    assert made[0] == [*names, "covary_source", "covary_epoch", "covary_seed"] and report.ok
    assert [row[1:3] for row in made[1::2]] == [list(row) for row in cells] and not report.fewer
    assert {tuple(row[1:3]) for row in made[1:]} == set(cells)
    assert all(row[0] != "the old house" for row in made[1:])
    shutil.rmtree(base)


def test_texts_of_a_csv_keep_quotes_line_ends_and_unicode(tmp_path):
    cell = 'She said "no",\r\nand\nthen\rleft \u2028 the old \U0001f600 house: naïve; \u05e9\u05dc\u05d5\u05dd.'
    path = tmp_path / "t.csv"
    path.write_bytes("\ufeffid,text\r\n".encode() + f'1,"{cell.replace(chr(34), chr(34) * 2)}"\r\n'.encode())
    expand(path, tmp_path / "out", Pipeline([text.WordReplacement({"old": "ancient"}, 1.0)]), times=1)
    data = (tmp_path / "out/t.csv").read_bytes()
    assert data.startswith("\ufeffid,text,covary_source,covary_epoch,covary_seed\r\n1,".encode())
    assert data.endswith(b"\r\n")
    (row,) = read_csv(tmp_path / "out/t.csv")
    assert row["text"] == cell.replace("old", "ancient")


def test_json_keeps_types_order_and_what_utf8_cannot_hold(tmp_path):
    row = {"z": [1, {"b": None, "a": 1.5}], "text": "the old\u2028 house \x85 here", "half": "\ud83d", "big": 2**70}
    path = tmp_path / "t.jsonl"
    path.write_bytes((json.dumps(row) + "\r\n" + json.dumps({**row, "text": "an old\x0b dog"})).encode())
    expand(path, tmp_path / "out", Pipeline([text.WordReplacement({"old": "ancient"}, 1.0)]), times=1)
    data = (tmp_path / "out/t.jsonl").read_bytes()
    made = [json.loads(line) for line in data.split(b"\r\n") if line]
    assert [list(each) for each in made] == [[*row, "covary_source", "covary_epoch", "covary_seed"]] * 2
    assert [each["text"] for each in made] == ["the ancient\u2028 house \x85 here", "an ancient\x0b dog"]
    assert all(each[name] == row[name] for each in made for name in ("z", "half", "big"))


def test_parquet_keeps_the_types_of_all_columns_by_pyarrow(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    rows = {
        "text": pa.array(SENTENCES, pa.large_string()),
        "when": pa.array([1_700_000_000_123_456_789] * 5, pa.timestamp("ns", "UTC")),
        "day": pa.array([datetime.date(2024, 2, 29)] * 5),
        "cost": pa.array([decimal.Decimal("1.10")] * 4 + [None], pa.decimal128(9, 2)),
        "kind": pa.array(["a", "b", "a", "b", "a"]).dictionary_encode(),
        "small": pa.array([1, 2, 3, None, 5], pa.int8()),
        "map": pa.array([[("k", 1)]] * 5, pa.map_(pa.string(), pa.int32())),
        "bytes": pa.array([b"\xff\x00"] * 5),
        "spans": pa.array([[{"start": 0, "end": 1, "label": "X"}]] * 5),
    }
    table = pa.table(rows)
    parquet.write_table(table, tmp_path / "t.parquet")
    expand(tmp_path / "t.parquet", tmp_path / "out", VARIED, times=3, originals="copy")
    made = parquet.read_table(tmp_path / "out/t.parquet")
    kinds = {"covary_source": pa.string(), "covary_epoch": pa.int64(), "covary_seed": pa.uint64()}
    assert made.schema.equals(pa.schema([*table.schema, *(pa.field(*each) for each in kinds.items())]))
    originals = made.filter(pa.compute.is_null(made["covary_epoch"]))
    assert originals.drop_columns(list(kinds)).equals(table)
    again = table.take([row for row in range(5) for _ in range(4)])
    for name in ("when", "day", "cost", "kind", "small", "map", "bytes"):
        assert made[name].equals(again[name])
    assert verify(tmp_path / "out").ok


def test_parquet_of_the_library_datasets_is_read_by_it_and_numbers_of_tags_move(tmp_path):
    datasets = pytest.importorskip("datasets", reason="datasets is not installed: it has no wheel for this platform")
    names = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    features = datasets.Features(
        {
            "tokens": datasets.Sequence(datasets.Value("string")),
            "ner_tags": datasets.Sequence(datasets.ClassLabel(names=names)),
            "source": datasets.ClassLabel(names=["web", "book"]),
        }
    )
    tokens = ["Anna", "Smith", "bought", "a", "house", "in", "New", "York", "."]
    rows = {"tokens": [tokens] * 3, "ner_tags": [[1, 2, 0, 0, 0, 0, 3, 4, 0]] * 3, "source": [0, 1, 1]}
    datasets.Dataset.from_dict(rows, features).to_parquet(tmp_path / "t.parquet")
    pipeline = Pipeline([text.RandomDeletion(0.2), text.WordReplacement({"house": "big flat"}, 0.5)])
    expand(tmp_path / "t.parquet", tmp_path / "out", pipeline, times=4)
    made = datasets.Dataset.from_parquet(str(tmp_path / "out/t.parquet"), cache_dir=str(tmp_path / "cache"))
    assert made.features["ner_tags"].feature.names == names and made.features["source"].names == ["web", "book"]
    assert len(made) == 12
    lengths = set()
    for row in made:
        tagged = list(zip(row["tokens"], (names[tag] for tag in row["ner_tags"]), strict=True))
        people = [token for token, tag in tagged if tag.endswith("PER")]
        assert people and set(people) <= {"Anna", "Smith"}
        lengths.add(len(tagged))
    assert len(lengths) > 1


def test_spans_in_any_cell_follow_their_words(tmp_path):
    spans = {"spans": [{"text": "Anna", "start": 0, "end": 4, "label": "PER"}]}
    columns = {"start": [0], "end": [4], "label": ["PER"]}
    words = [f"Anna {sentence[0].lower()}{sentence[1:]}" for sentence in SENTENCES]
    pipeline = Pipeline([text.RandomSwap(0.5), text.CharacterInsertion(0.1)], seed=2)
    write_lines(tmp_path / "in/a.jsonl", [{"sentence": each, **spans} for each in words])
    write_lines(tmp_path / "in/b.jsonl", [{"sentence": each, "marks": columns} for each in words])
    with (tmp_path / "in/c.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["sentence", "entities"], *([each, json.dumps([[0, 4, "PER"]])] for each in words)])
    expand(tmp_path / "in/a.jsonl", tmp_path / "a", pipeline, times=3)
    expand(tmp_path / "in/b.jsonl", tmp_path / "b", pipeline, times=3, fields={"spans": "marks"})
    expand(tmp_path / "in/c.csv", tmp_path / "c", pipeline, times=3)
    ones, others = read_lines(tmp_path / "a/a.jsonl"), read_lines(tmp_path / "b/b.jsonl")
    moved = 0
    for one, other, cell in zip(ones, others, read_csv(tmp_path / "c/c.csv"), strict=True):
        (span,) = one["spans"]
        start, end = span["start"], span["end"]
        assert list(span) == ["text", "start", "end", "label"]
        assert one["sentence"] == other["sentence"] == cell["sentence"] and span["text"] == one["sentence"][start:end]
        assert other["marks"] == {"start": [start], "end": [end], "label": ["PER"]}
        assert json.loads(cell["entities"]) == [[start, end, "PER"]]
        moved += start > 0
    assert moved > 5


def test_questions_and_contexts_draw_by_keys_of_their_own_and_answers_stay_in_the_context(tmp_path):
    context = "The house was built in 1906 by Anna Smith. It stands near the river in New York."
    answers = {"text": ["Anna Smith"], "answer_start": [31]}
    rows = [{"id": f"q{n}", "question": SENTENCES[n], "context": context, "answers": answers} for n in range(5)]
    expand(write_lines(tmp_path / "q.jsonl", rows), tmp_path / "out", VARIED, times=3)
    made = read_lines(tmp_path / "out/q.jsonl")
    assert len(made) == 15
    for row in made:
        (answer,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
        assert row["context"][start : start + len(answer)] == answer
        for column, original in (("question", rows[int(row["id"][1])]["question"]), ("context", context)):
            key = f"{row['id']}/{column}"
            marked = {"spans": [(31, 41)]} if column == "context" else {}
            assert row[column] == VARIED(text=original, key=key, epoch=row["covary_epoch"], **marked)["text"]
    named = expand(tmp_path / "q.jsonl", tmp_path / "one", VARIED, times=1, text="question", fields={"answer": ""})
    assert named.made == 5
    for row, original in zip(read_lines(tmp_path / "one/q.jsonl"), rows, strict=True):
        assert row["context"] == context and row["answers"] == original["answers"]
        assert row["question"] == VARIED(text=original["question"], key=row["id"], epoch=row["covary_epoch"])["text"]


def test_lines_of_text_files_stay_lines_and_parts_stay_apart(tmp_path):
    for part, end in (("train", "\r\n"), ("test", "\n")):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / f"in/{part}.txt").write_bytes((end + end.join(SENTENCES)).encode())
    report = expand(tmp_path / "in", tmp_path / "out", VARIED, times=2)
    assert report.made == 10 and "left out: 5 of test" in report.notes[0]
    assert list(tree(tmp_path / "out")) == [b"train.txt"]
    lines = (tmp_path / "out/train.txt").read_bytes().decode().split("\r\n")
    keyed = {f"train.txt:{number}": sentence for number, sentence in enumerate(SENTENCES, 1)}
    truth = [variations(VARIED.operations, each, 2, seed=7, key=key).texts for key, each in keyed.items()]
    assert lines == [*(each for pair in truth for each in pair), ""]
    expand(tmp_path / "in", tmp_path / "out", VARIED, times=2, originals="copy")
    assert (tmp_path / "out/test.txt").read_bytes().decode() == "".join(f"{each}\n" for each in SENTENCES)
    assert verify(tmp_path / "out").ok


def text_folder(root):
    for n, sentence in enumerate(SENTENCES):
        path = root / "pn"[n % 2] / f"{n}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(("\ufeff" if n == 0 else "").encode() + f"{sentence}\r\nThe end of it.\n".encode())
    return root


def test_files_in_folders_of_classes_stay_files(tmp_path):
    source = text_folder(tmp_path / "in")
    report = expand(source, tmp_path / "out", VARIED, times={"p": 3, "*": 1}, originals="link")
    assert report.made == 3 * 3 + 2 * 1 + 5 and str(report).startswith("5 texts: 16 variations made")
    first = variations(VARIED.operations, f"{SENTENCES[0]}\r\nThe end of it.\n", 3, seed=7, key="p/0.txt")
    for number, new in enumerate(first.texts):
        assert (tmp_path / f"out/p/0__{number}.txt").read_bytes() == ("\ufeff" + new).encode()
    assert (tmp_path / "out/n/1.txt").is_symlink() and verify(tmp_path / "out").ok
    (source / "p/0.txt").unlink()
    (tmp_path / "out/p/2__1.txt").write_text("altered")
    assert verify(tmp_path / "out").altered == ("p/2__1.txt",)
    report = expand(source, tmp_path / "out", VARIED, times={"p": 3, "*": 1}, originals="link")
    assert report.removed == 4 and report.made == 1 and verify(tmp_path / "out").ok


def test_what_cannot_be_made_different_is_counted_and_told_and_not_tried_again(tmp_path):
    rows = [{"text": "the house"}, {"text": "house"}, {"text": SENTENCES[0]}]
    path = write_lines(tmp_path / "t.jsonl", rows)
    pipeline = Pipeline([text.RandomSwap(0.5)])
    report = expand(path, tmp_path / "out", pipeline, times=3)
    assert report.ok and report.made == 1 + 0 + 3 and "not as many as asked for of 2" in str(report)
    assert [(each.name, each.reason[:44]) for each in report.fewer] == [
        ("t.jsonl/0", "150 draws gave only 1 different texts (asked"),
        ("t.jsonl/1", "150 draws gave only 0 different texts (asked"),
    ]
    again = expand(path, tmp_path / "out", pipeline, times=3)
    assert (again.made, again.kept, len(again.fewer)) == (0, 4, 2)
    fewer = expand(path, tmp_path / "out", pipeline, times=1)
    assert (fewer.made, fewer.kept, fewer.removed, len(fewer.fewer)) == (0, 2, 2, 1)
    other = expand(path, tmp_path / "out", Pipeline([text.WordReplacement({"house": ["hut", "home"]}, 1.0)]), times=3)
    assert other.made == 2 + 2 + 2 and len(other.fewer) == 3 and verify(tmp_path / "out").ok


def test_rows_that_cannot_be_used_are_skipped_with_the_reason(tmp_path):
    spans = [[], [[5, 900, "X"]], []]
    rows = [{"text": each, "spans": its} for each, its in zip([*SENTENCES[:2], None], spans, strict=True)]
    path = write_lines(tmp_path / "t.jsonl", rows)
    report = expand(path, tmp_path / "out", VARIED, times=2, fields={"spans": "spans"})
    assert report.made == 2
    assert [each.name for each in report.skipped] == ["t.jsonl/1", "t.jsonl/2"]
    assert "spans[0] is 5 to 900" in report.skipped[0].reason and report.skipped[1].reason == "no text in text"
    with pytest.raises(ExpandError, match=r"t\.jsonl/[12]"):
        expand(path, tmp_path / "other", VARIED, times=2, fields={"spans": "spans"}, on_error="raise")


def test_balance_and_counts_per_class(tmp_path, source):
    expand(source, tmp_path / "out", VARIED, times=3, balance=True)
    labels = [row["label"] for row in read_lines(tmp_path / "out/t.jsonl")]
    assert labels.count("a") == labels.count("b") == 18
    expand(source, tmp_path / "out", VARIED, times={"b": 2, "*": 0})
    made = read_lines(tmp_path / "out/t.jsonl")
    assert [row["id"] for row in made] == [f"t{n}" for n in (0, 0, 3, 3, 6, 6, 9, 9)]


def test_a_held_out_part_is_refused(tmp_path):
    path = write_lines(tmp_path / "test.jsonl", labelled(3))
    with pytest.raises(ExpandError, match="held-out data"):
        expand(path, tmp_path / "out", VARIED)
    rows = [{**row, "split": part} for row, part in zip(labelled(4), ("train", "val", "train", "test"), strict=True)]
    expand(write_lines(tmp_path / "all.jsonl", rows), tmp_path / "out", VARIED, times=2)
    assert [row["id"] for row in read_lines(tmp_path / "out/all.jsonl")] == ["t0", "t0", "t2", "t2"]


def test_shares_together_equal_a_single_run(tmp_path, source):
    expand(source, tmp_path / "whole", VARIED, times=3, originals="copy")
    for share in ("1/3", "0/3", "2/3"):
        report = expand(source, tmp_path / "shared", VARIED, times=3, originals="copy", shard=share)
    assert "3 shares merged: 10 sources, 40 outputs" in report.notes[-1]
    assert state(tmp_path / "shared") == state(tmp_path / "whole") and verify(tmp_path / "shared").ok


def test_a_changed_row_alone_is_made_anew_and_a_pipeline_all(tmp_path, source):
    expand(source, tmp_path / "out", VARIED, times=3)
    rows = labelled()
    rows[4]["n"] = -1
    write_lines(source, rows)
    report = expand(source, tmp_path / "out", VARIED, times=3)
    assert (report.made, report.kept) == (3, 27)
    expand(source, tmp_path / "fresh", VARIED, times=3)
    assert state(tmp_path / "out") == state(tmp_path / "fresh")
    write_lines(source, rows[:5])
    other = Pipeline(VARIED.operations, seed=8)
    report = expand(source, tmp_path / "out", other, times=2)
    assert report.made == 10 and {row["covary_seed"] for row in read_lines(tmp_path / "out/t.jsonl")} == {8}
    assert verify(tmp_path / "out").ok


def test_verify_finds_another_cell_another_source_and_another_manifest(tmp_path, source):
    expand(source, tmp_path / "out", VARIED, times=2)
    made = tmp_path / "out/t.jsonl"
    content = made.read_bytes()
    made.write_bytes(content.replace(b'"n": 3', b'"n": 4'))
    assert verify(tmp_path / "out").altered == ("t.jsonl",)
    made.write_bytes(content)
    db = sqlite3.connect(tmp_path / "out/manifest.sqlite")
    db.execute("UPDATE outputs SET labels = replace(labels, 'text', 'TEXT') WHERE source = 't.jsonl/t5'")
    db.commit()
    db.close()
    found = verify(tmp_path / "out")
    assert {problem.name for problem in found.differing} == {"t.jsonl/t5__0", "t.jsonl/t5__1"} and found.altered
    rows = labelled()
    rows[2]["text"] += "!"
    write_lines(source, rows)
    assert "t.jsonl/t2__0" in {each.name for each in verify(tmp_path / "out").differing}


class Stop(BaseException):
    """Stands for the process's end: nothing catches it."""


@pytest.mark.parametrize("form", ["rows", "files"])
@pytest.mark.parametrize("step", range(0, 12, 2))
def test_stopped_between_two_steps_and_run_again_equals_an_undisturbed_run(tmp_path, monkeypatch, source, step, form):
    if form == "files":
        source = text_folder(tmp_path / "folder")
    count = [0]

    def stopping(function):
        def stepped(*arguments, **options):
            count[0] += 1
            if count[0] == step + 1:
                raise Stop
            return function(*arguments, **options)

        return stepped

    with monkeypatch.context() as patch:
        patch.setattr(work, "place", stopping(work.place))
        patch.setattr("covary.expand.whole_files.place", stopping(work.place))
        patch.setattr("covary.expand.run.COMMIT_INTERVAL", 0)
        patch.setattr("covary.expand.run.PLANNED_AT_ONCE", 2)
        patch.setattr(Manifest, "commit", stopping(Manifest.commit))
        patch.setattr(Manifest, "close", lambda self, keep: self._db.close())  # nothing is committed on the way out
        with pytest.raises(Stop):
            expand(source, tmp_path / "out", VARIED, times=3, workers=1)
    other = VARIED if step % 4 else Pipeline(VARIED.operations, seed=9)
    expand(source, tmp_path / "out", other, times=3)
    expand(source, tmp_path / "whole", other, times=3)
    assert state(tmp_path / "out") == state(tmp_path / "whole") and verify(tmp_path / "out").ok


def test_killed_by_the_system_and_run_again_equals_an_undisturbed_run(tmp_path):
    source = write_lines(tmp_path / "t.jsonl", labelled(400))
    VARIED.to_yaml(tmp_path / "p.yaml")
    command = [sys.executable, "-W", "ignore", "-m", "covary.cli", "expand", source, tmp_path / "out"]
    with subprocess.Popen([*command, "-p", tmp_path / "p.yaml", "-n", "8"], stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not (tmp_path / "out/manifest.sqlite").exists():
            time.sleep(0.01)
        time.sleep(0.2)
        process.kill()
    assert process.returncode == -signal.SIGKILL and not (tmp_path / "out/t.jsonl").exists()
    report = expand(source, tmp_path / "out", VARIED, times=8)
    expand(source, tmp_path / "whole", VARIED, times=8)
    assert report.made + report.kept == 3200 and state(tmp_path / "out") == state(tmp_path / "whole")


def test_the_command_names_columns_and_lists_what_could_not_be_made_different(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "r.jsonl", [{"review": "old house", "marks": [[4, 9, "X"]]}])
    Pipeline([text.RandomSwap(0.5)]).to_yaml("p.yaml")
    command = ["expand", "r.jsonl", "out", "-p", "p.yaml", "-n", "2", "--text", "review"]
    done = CliRunner().invoke(app, [*command, "--field", "spans=marks"])
    assert done.exit_code == 0, done.output
    assert done.stdout == "out: 1 texts: 1 variations made, 0 already there; not as many as asked for of 1\n"
    assert done.stderr.startswith("covary: fewer: r.jsonl/0: 100 draws gave only 1 different texts")
    (row,) = read_lines(tmp_path / "out/r.jsonl")
    assert (row["review"], row["marks"]) == ("house old", [[0, 5, "X"]])
    done = CliRunner().invoke(app, [*command[:-2], "--field", "spans"])
    assert done.exit_code == 2 and "'spans' is no FIELD=COLUMN" in done.stderr
    done = CliRunner().invoke(app, command[:-2])
    assert done.exit_code == 1 and "its columns are review, marks; say which: text= (--text)" in done.stderr


def test_a_worker_of_another_process_does_the_same_work(tmp_path, source, monkeypatch):
    """Orders and tasks pickle, as Ray's and multiprocessing's workers need."""
    expand(source, tmp_path / "whole", VARIED, times=2)

    def elsewhere(order, item):
        return pickle.loads(pickle.dumps(do_task(*pickle.loads(pickle.dumps((order, item))))))

    monkeypatch.setattr("covary.expand.engines.do_task", elsewhere)
    expand(source, tmp_path / "out", VARIED, times=2)
    assert state(tmp_path / "out") == state(tmp_path / "whole")


def test_the_layout_comes_back_from_its_settings():
    tokens = TextColumn("", (("tokens", "t"), ("tags", "n")), ("O",))
    columns = (TextColumn("context", (("answer", "answers"),)), tokens)
    layout = replace(TextTableLayout(), chosen=columns)
    assert TextTableLayout.restored(layout.settings()).columns == columns


def test_errors_list_the_columns_and_say_what_is_allowed(tmp_path, source):
    rows = write_lines(tmp_path / "r.jsonl", [{"review": "good", "stars": 5}])
    with pytest.raises(ExpandError, match=r"no column holds texts by its name .* columns are review, stars; say which"):
        expand(rows, tmp_path / "out", VARIED)
    with pytest.raises(ExpandError, match=r"text='body' is no column; its columns are review, stars"):
        expand(rows, tmp_path / "out", VARIED, text="body")
    with pytest.raises(ExpandError, match=r"spans='marks' is no column; its columns are review, stars"):
        expand(rows, tmp_path / "out", VARIED, text="review", fields={"spans": "marks"})
    with pytest.raises(ExpandError, match="fields has 'entity'; allowed: spans, sentences, answer"):
        expand(rows, tmp_path / "out", VARIED, text="review", fields={"entity": "stars"})
    assert expand(rows, tmp_path / "named", Pipeline([text.CharacterDeletion(0.9)]), times=1, text="review").made == 1
    with pytest.raises(ValueError, match="originals='link' with rows"):
        expand(source, tmp_path / "out", VARIED, originals="link")
    with pytest.raises(ValueError, match="format='png' with texts"):
        expand(source, tmp_path / "out", VARIED, format="png")
    flips = Pipeline([image.HorizontalFlip()])
    with pytest.raises(ValueError, match="text='text' is for pipelines with operations on text alone"):
        expand(source, tmp_path / "out", flips, text="text")
    with pytest.raises(ExpandError, match="the pipeline has no operations on text"):
        expand(text_folder(tmp_path / "folder"), tmp_path / "out", flips)
    expand(source, tmp_path / "once", VARIED, times=1)
    with pytest.raises(ExpandError, match="a column covary_source already"):
        expand(tmp_path / "once/t.jsonl", tmp_path / "twice", VARIED, times=1)
