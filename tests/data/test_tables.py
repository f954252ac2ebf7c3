"""Tables as data sets, read as csv, json and pyarrow wrote them."""

import csv
import json

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from writing import check_dataset, write_picture, write_text

from covary.data.dataset import SampleError
from covary.data.instances import AnnotationError
from covary.data.table_files import read_table
from covary.data.tables import TableDataset


def write_csv(path, rows, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, **options).writerows(rows)
    return path


def write_jsonl(path, rows):
    return write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def column(dataset, name):
    return [dataset.read(index)[name] for index in range(len(dataset))]


ROWS = [
    ["path", "label", "split", "width", "weight", "note", "zip"],
    ["b.jpg", "dog", "train", "16", "0.5", "one, two", "007"],
    ["sub/a.jpg", "cat", "valid", "17", "", "", "10"],
    ["c.jpg", "dog", "", "18", "2", 'a "quote"', "11"],
]


@pytest.mark.parametrize(("name", "delimiter"), (("t.csv", ","), ("t.csv", ";"), ("t.tsv", "\t"), ("t.csv", "|")))
def test_pictures_by_csv(tmp_path, name, delimiter):
    data = [write_picture(tmp_path / row[0], number) for number, row in enumerate(ROWS[1:])]
    dataset = TableDataset(write_csv(tmp_path / name, ROWS, delimiter=delimiter))
    assert list(dataset.keys) == ["b.jpg", "sub/a.jpg", "c.jpg"]
    assert dataset.classes == ("cat", "dog") and dataset.labels.tolist() == [1, 0, 1]
    assert list(dataset.splits) == ["train", "val", ""]
    assert [image.data for image in column(dataset, "image")] == data
    assert column(dataset, "label") == [1, 0, 1]
    assert column(dataset, "width") == [16, 17, 18]
    assert column(dataset, "note") == ["one, two", "", 'a "quote"']
    assert column(dataset, "zip") == ["007", "10", "11"]
    weights = column(dataset, "weight")
    assert weights[0] == 0.5 and np.isnan(weights[1]) and weights[2] == 2
    assert list(dataset.read(0)) == ["image", "label", "width", "weight", "note", "zip"]
    check_dataset(dataset)


def test_the_same_table_in_every_form(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow has no wheel for this platform")
    import pyarrow

    for number, row in enumerate(ROWS[1:]):
        write_picture(tmp_path / row[0], number)
    rows = [
        {"path": path, "label": label, "split": split, "width": int(width), "note": note, "tags": [note, label]}
        for path, label, split, width, _, note, _ in ROWS[1:]
    ]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "t.parquet")
    write_text(tmp_path / "t.json", json.dumps(rows))
    names = list(rows[0])
    write_csv(tmp_path / "t.csv", [names] + [[*list(row.values())[:5], json.dumps(row["tags"])] for row in rows])
    write_csv(tmp_path / "bare.csv", [[*list(row.values())[:5], json.dumps(row["tags"])] for row in rows])
    sets = [
        TableDataset(write_jsonl(tmp_path / "t.jsonl", rows)),
        TableDataset(tmp_path / "t.parquet"),
        TableDataset(tmp_path / "t.json"),
        TableDataset(tmp_path / "t.csv"),
        TableDataset(tmp_path / "bare.csv", columns=names),
    ]
    for dataset in sets:
        assert list(dataset.keys) == list(sets[0].keys) and list(dataset.splits) == list(sets[0].splits)
        for field in ("label", "width", "note", "tags"):
            assert column(dataset, field) == column(sets[0], field)
    assert column(sets[0], "tags") == [row["tags"] for row in rows]


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), st.sampled_from(",\t;|"))
@settings(max_examples=40, deadline=None)
def test_what_csv_writes_is_read(tmp_path_factory, rows, delimiter):
    path = write_csv(tmp_path_factory.mktemp("t") / "t.csv", [["text", "other"], *rows], delimiter=delimiter)
    table = read_table(path)
    # csv reads "\r\n" within a cell as it stands.
    assert list(zip(*table.columns.values(), strict=True)) == rows


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), json_values), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_json_columns_come_back_as_json_reads_them(tmp_path_factory, rows):
    path = write_jsonl(tmp_path_factory.mktemp("t") / "t.jsonl", [{"text": "x", **row} for row in rows])
    dataset = TableDataset(path, label="", split="", key="")
    for name in "abc":
        if any(name in row for row in rows):
            assert column(dataset, name) == [json.loads(json.dumps(row.get(name))) for row in rows]


@pytest.mark.parametrize(
    ("cells", "classes", "labels"),
    (
        (["2", "0", "2"], ("0", "1", "2"), [2, 0, 2]),
        (["2.0", "", "1.0"], ("0", "1", "2"), [2, -1, 1]),
        (["b", "", "a"], ("a", "b"), [1, -1, 0]),
        (["900001", "5", "900001"], ("5", "900001"), [1, 0, 1]),  # ids, not numbers of classes
    ),
)
def test_labels_are_classes(tmp_path, cells, classes, labels):
    dataset = TableDataset(write_csv(tmp_path / "t.csv", [["text", "label"], *(["x", cell] for cell in cells)]))
    assert dataset.classes == classes and dataset.labels.tolist() == labels and column(dataset, "label") == labels


def test_labels_are_numbers_to_be_predicted(tmp_path):
    for number, cells in enumerate((["0.5", "-2", "3"], ["-5", "-7", "1"])):
        dataset = TableDataset(write_csv(tmp_path / f"{number}.csv", [["text", "label"], *(["x", c] for c in cells)]))
        assert dataset.labels is None and dataset.classes == ()
        assert column(dataset, "label") == [float(cell) for cell in cells]


def test_several_labels_are_rows_of_zero_and_one(tmp_path):
    path = write_csv(tmp_path / "t.csv", [["text", "label"], ["x", "cat|dog"], ["x", ""], ["x", "owl | cat"]])
    lists = write_jsonl(tmp_path / "t.jsonl", [{"text": "x", "label": v} for v in (["cat", "dog"], [], ["owl", "cat"])])
    hot = write_csv(tmp_path / "h.csv", [["text", "cat", "dog", "owl"], ["x", 1, 1, 0], ["x", 0, 0, 0], ["x", 1, 0, 1]])
    for dataset in (
        TableDataset(path, multi_label="|"),
        TableDataset(lists),
        TableDataset(hot, label=["cat", "dog", "owl"]),
    ):
        assert dataset.classes == ("cat", "dog", "owl") and dataset.labels is None
        rows = column(dataset, "label")
        assert all(row.dtype == np.float32 for row in rows)
        assert np.array_equal(rows, [[1, 1, 0], [0, 0, 0], [1, 0, 1]])
        check_dataset(dataset)
    numbers = TableDataset(
        write_jsonl(tmp_path / "n.jsonl", [{"text": "x", "label": [0, 1]}, {"text": "y", "label": [1, 1]}])
    )
    assert np.array_equal(column(numbers, "label"), [[0, 1], [1, 1]]) and numbers.labels is None


def test_classes_of_the_users_own(tmp_path):
    path = write_csv(tmp_path / "t.csv", [["text", "label"], ["x", "b"], ["y", "a"]])
    assert TableDataset(path, classes=["b", "c", "a"]).labels.tolist() == [0, 2]
    with pytest.raises(AnnotationError, match=r"t\.csv: label 'a' is none of the 2 classes"):
        TableDataset(path, classes=["b", "c"])


def test_texts_with_spans(tmp_path):
    spans = [[[0, 3, "PER"]], [], [[1, 2, "LOC"], [4, 5, "ORG"]]]
    texts = ["Ann\nsaid", "é ü", "London, UK"]
    jsonl = write_jsonl(
        tmp_path / "t.jsonl",
        [{"text": t, "spans": s, "id": 7 - n} for n, (t, s) in enumerate(zip(texts, spans, strict=True))],
    )
    table = write_csv(
        tmp_path / "t.csv", [["sentence", "spans"], *([t, json.dumps(s)] for t, s in zip(texts, spans, strict=True))]
    )
    for dataset, keys in ((TableDataset(jsonl), ["7", "6", "5"]), (TableDataset(table), [0, 1, 2])):
        assert list(dataset.keys) == keys
        assert column(dataset, "text") == texts and column(dataset, "spans") == spans
        check_dataset(dataset)
    tokens = TableDataset(write_jsonl(tmp_path / "n.jsonl", [{"tokens": ["a", "b"], "tags": [0, 3]}]))
    assert tokens.read(0) == {"tokens": ["a", "b"], "tags": [0, 3]}


def test_a_half_surrogate_in_json_is_kept(tmp_path):
    path = write_text(tmp_path / "t.jsonl", '{"text": "ok", "note": "\\ud800"}\n')
    assert TableDataset(path).read(0)["note"] == "\ud800"


def write_audio(path, seconds=2.0, rate=8000, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (round(seconds * rate), channels)).astype(np.float32)
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return samples.T


def test_nemo_manifest_reads_its_part_of_the_file(tmp_path):
    samples = write_audio(tmp_path / "wavs" / "a.wav")
    rows = [
        {"audio_filepath": "a.wav", "offset": 0.5, "duration": 0.25, "text": "yes", "lang": "en"},
        {"audio_filepath": "a.wav", "offset": 1.9, "duration": 0.5, "text": "no", "lang": "en"},
        {"audio_filepath": str(tmp_path / "wavs" / "a.wav"), "duration": 2.0, "text": "", "lang": "de"},
        {"audio_filepath": "a.wav", "offset": 0.5, "duration": 0.25, "text": "again", "lang": "en"},
    ]
    dataset = TableDataset(write_jsonl(tmp_path / "train_manifest.json", rows))
    assert list(dataset.keys) == ["a.wav@0.5", "a.wav@1.9", "a.wav", "a.wav@0.5#2"] and set(dataset.splits) == {"train"}
    for sample, part in zip(
        map(dataset.read, range(4)),
        (slice(4000, 6000), slice(15200, 16000), slice(None), slice(4000, 6000)),
        strict=True,
    ):
        assert sample["rate"] == 8000 and sample["audio"].dtype == np.float32
        assert np.array_equal(sample["audio"], samples[:, part])
    assert column(dataset, "text") == ["yes", "no", "", "again"] and column(dataset, "lang") == ["en", "en", "de", "en"]
    assert "duration" not in dataset.read(0)
    check_dataset(dataset)


def test_kaldi_like_lines_and_audio_by_csv(tmp_path):
    samples = write_audio(tmp_path / "a.flac.wav", channels=2)
    dataset = TableDataset(write_jsonl(tmp_path / "data.jsonl", [{"utt": "u1", "wav": "a.flac.wav", "txt": "hello"}]))
    assert list(dataset.keys) == ["u1"] and dataset.read(0)["text"] == "hello"
    assert np.array_equal(dataset.read(0)["audio"], samples)
    esc = write_csv(tmp_path / "esc.csv", [["filename", "fold", "category"], ["a.flac.wav", "3", "dog"]])
    sample = TableDataset(esc, split="fold").read(0)
    assert sample["label"] == 0 and np.array_equal(sample["audio"], samples)
    assert list(TableDataset(esc, split="fold").splits) == ["3"]


def test_a_part_beyond_the_end_names_its_sample(tmp_path):
    write_audio(tmp_path / "a.wav")
    dataset = TableDataset(write_jsonl(tmp_path / "t.jsonl", [{"audio": "a.wav", "offset": 3.0}, {"audio": "b.wav"}]))
    with pytest.raises(SampleError, match=r"a\.wav: it ends at 2\.000 s, before the offset of 3\.0 s"):
        dataset.read(0)
    with pytest.raises(FileNotFoundError, match=r"b\.wav"):
        dataset.read(1)


def test_masks_objects_and_paths_without_ending(tmp_path):
    write_picture(tmp_path / "images" / "p.jpg")
    data = write_picture(tmp_path / "images" / "p_m.jpg", 4)
    path = write_csv(tmp_path / "t.csv", [["image", "mask"], ["p", "p_m"]])
    assert TableDataset(path, ending=".jpg").read(0)["mask"].data == data
    rows = [
        {"file_name": "p.jpg", "objects": {"bbox": [[1, 2, 3, 4], [5, 6, 7, 8]], "categories": [1, 0]}},
        {"file_name": "p_m.jpg", "objects": {"bbox": [], "categories": []}},
    ]
    dataset = TableDataset(write_jsonl(tmp_path / "metadata.jsonl", rows))
    assert [(each.category, each.box) for each in dataset.read(0)["objects"]] == [(1, (1, 2, 3, 4)), (0, (5, 6, 7, 8))]
    assert dataset.read(1)["objects"] == () and sorted(dataset.categories) == [0, 1]
    check_dataset(dataset)


def test_several_tables_are_parts(tmp_path):
    for part, label in (("train", "a"), ("test", "b")):
        write_csv(tmp_path / f"{part}.csv", [["text", "label"], [part, label]])
    dataset = TableDataset([tmp_path / "train.csv", tmp_path / "test.csv"])
    assert list(dataset.splits) == ["train", "test"] and dataset.labels.tolist() == [0, 1]
    write_csv(tmp_path / "other.csv", [["text"], ["x"]])
    with pytest.raises(AnnotationError, match=r"other\.csv: columns text, but .*train\.csv has text, label"):
        TableDataset([tmp_path / "train.csv", tmp_path / "other.csv"])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    (
        ("t.csv", "text,label\nx,1\ny\n", "line 3: 1 cells, but there are 2 columns"),
        ("t.csv", 'text,label\nx,1\n"y,2\n', "line 3: unexpected end of data"),
        ("t.csv", "text,text\nx,1\n", "line 1: two columns are called 'text'"),
        ("t.csv", "path,label\na.jpg,1\n,2\n", "line 3: column 'path' names no file: ''"),
        ("t.csv", "a,b\n1,2\n", "no column names a file or holds a text; it has a, b"),
        ("t.csv", "text,label\n", "no rows"),
        ("t.jsonl", '{"text": "x"}\n\n{"text": \n', "line 3: not JSON"),
        ("t.jsonl", '{"text": "x"}\n[1]\n', "line 2: a row is an object"),
        ("t.jsonl", '{"text": "x"}\n{"text": 5}\n', "line 2: column 'text' holds no text: 5"),
        (
            "t.jsonl",
            '{"text": "x", "label": 1}\n{"text": "y", "label": "a"}\n',
            "labels are of several kinds: name, whole",
        ),
        ("t.json", "5", "no list of objects"),
        ("t.json", '{"a": 1}', "no column names a file"),
        ("t.txt", "x", "not a table"),
    ),
)
def test_rows_that_cannot_be_used_name_file_and_line(tmp_path, name, content, said):
    with pytest.raises(AnnotationError, match=said) as caught:
        TableDataset(write_text(tmp_path / name, content))
    assert str(tmp_path / name) in str(caught.value)


def test_bytes_that_are_no_text_name_the_file(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"text,label\nok,1\n\xff\xfe,2\n")
    with pytest.raises(AnnotationError, match=r"t\.csv, line 1 or behind it: not UTF-8 text"):
        TableDataset(tmp_path / "t.csv")


def test_columns_that_are_told_and_not_there(tmp_path):
    path = write_csv(tmp_path / "t.csv", [["text", "k"], ["x", "1"], ["y", "1"]])
    with pytest.raises(AnnotationError, match="label='z', but its columns are text, k"):
        TableDataset(path, label="z")
    with pytest.raises(AnnotationError, match="key='k', but in that column values are missing or occur twice"):
        TableDataset(path, key="k")


def test_five_thousand_rows_stay_small_in_a_pickle(tmp_path):
    rows = [[f"{n:05}.jpg", f"class {n % 7}", f"note {n}", n / 3, json.dumps([n])] for n in range(5_000)]
    for number in range(12):
        write_picture(tmp_path / f"{number:05}.jpg", number)
    check_dataset(TableDataset(write_csv(tmp_path / "t.csv", [["path", "label", "note", "x", "list"], *rows])))
