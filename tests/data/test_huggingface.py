"""Hugging Face data sets against the library `datasets` itself, and Parquet files as it writes them."""

import io

import numpy as np
import pytest
import soundfile
from writing import check_dataset, picture, write_picture

from covary.data.dataset import Encoded, SampleError
from covary.data.huggingface import HuggingFaceDataset
from covary.data.instances import AnnotationError

datasets = pytest.importorskip("datasets", reason="`datasets` has no wheel for this platform")
parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow has no wheel for this platform")
pyarrow = pytest.importorskip("pyarrow", reason="pyarrow has no wheel for this platform")

BOXES = [[[1, 2, 3, 4], [5, 6, 7, 8.5]], [], [[0, 0, 2, 2]]]


def files(folder, count):
    return [write_picture(folder / f"{number:04}.png", number) for number in range(count)]


def photos(tmp_path, count=30):
    data = files(tmp_path, count)
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["cat", "dog", "owl"]),
            "note": datasets.Value("string"),
            "objects": {
                "bbox": datasets.List(datasets.List(datasets.Value("float32"), length=4)),
                "category": datasets.List(datasets.ClassLabel(names=["nose", "tail"])),
                "area": datasets.List(datasets.Value("float32")),
                "occluded": datasets.List(datasets.Value("bool")),
            },
        }
    )
    boxes = [BOXES[n % 3] for n in range(count)]
    rows = {
        "image": [{"bytes": each, "path": f"{n:04}.png"} for n, each in enumerate(data)],
        "label": [n % 3 for n in range(count)],
        "note": [f"note {n}" for n in range(count)],
        "objects": [
            {
                "bbox": b,
                "category": [at % 2 for at in range(len(b))],
                "area": [1.0] * len(b),
                "occluded": [True] * len(b),
            }
            for b in boxes
        ],
    }
    return datasets.Dataset.from_dict(rows, features=features, split="train"), data


def check_photos(dataset, theirs, data):
    assert dataset.classes == ("cat", "dog", "owl")
    assert dataset.labels.tolist() == theirs["label"][:]
    assert {number: kind.name for number, kind in dataset.categories.items()} == {0: "nose", 1: "tail"}
    for index in (0, 1, 7, len(data) - 1):
        sample = dataset.read(index)
        assert list(sample) == ["image", "label", "objects", "note"]
        assert sample["image"].data == data[index] and isinstance(sample["image"], Encoded)
        assert np.array_equal(np.array(theirs[index]["image"]), picture(index))
        assert sample["label"] == theirs[index]["label"] and sample["note"] == theirs[index]["note"]
        assert [list(each.box) for each in sample["objects"]] == theirs[index]["objects"]["bbox"]
        assert [each.category for each in sample["objects"]] == theirs[index]["objects"]["category"]
        assert all(each.extra == {"occluded": True} for each in sample["objects"])


def test_a_dataset_object(tmp_path):
    theirs, data = photos(tmp_path)
    dataset = HuggingFaceDataset(theirs)
    check_photos(dataset, theirs, data)
    assert set(dataset.splits) == {"train"} and list(dataset.keys) == list(range(30))
    check_dataset(dataset, most=10_000)


def test_selected_rows_of_a_dataset_object(tmp_path):
    theirs, data = photos(tmp_path)
    dataset = HuggingFaceDataset(theirs.select([9, 3, 20]).rename_column("note", "id"))
    assert [dataset.read(index)["image"].data for index in range(3)] == [data[9], data[3], data[20]]
    assert list(dataset.keys) == ["note 9", "note 3", "note 20"]


def test_a_dict_of_parts(tmp_path):
    theirs, data = photos(tmp_path)
    parts = datasets.DatasetDict({"train": theirs.select(range(20)), "validation": theirs.select(range(20, 30))})
    dataset = HuggingFaceDataset(parts)
    assert list(dataset.splits) == ["train"] * 20 + ["val"] * 10
    assert list(dataset.keys)[18:22] == ["train:18", "train:19", "validation:0", "validation:1"]
    assert dataset.read(21)["image"].data == data[21]


def test_what_is_saved_on_disk_pickles_without_its_contents(tmp_path):
    photos(tmp_path / "files")[0].save_to_disk(str(tmp_path / "saved"))
    check_dataset(HuggingFaceDataset(datasets.load_from_disk(str(tmp_path / "saved"))))


@pytest.mark.parametrize("cache", (0, 256_000_000))
def test_parquet_files_that_datasets_wrote(tmp_path, cache):
    theirs, data = photos(tmp_path)
    for at, part in enumerate((theirs.select(range(20)), theirs.select(range(20, 30)))):
        part.to_parquet(str(tmp_path / f"train-{at:05}-of-00002.parquet"), batch_size=7)
    paths = sorted(tmp_path.glob("*.parquet"))
    assert parquet.ParquetFile(paths[0]).num_row_groups == 3
    dataset = HuggingFaceDataset(paths, cache=cache)
    check_photos(dataset, theirs, data)
    assert dataset.keys[20] == "train-00001-of-00002.parquet:0" and set(dataset.splits) == {"train"}
    check_dataset(dataset)


def test_row_groups_beyond_the_cache_are_forgotten(tmp_path):
    theirs, _ = photos(tmp_path)
    theirs.to_parquet(str(tmp_path / "a.parquet"), batch_size=5)
    dataset = HuggingFaceDataset(tmp_path / "a.parquet", cache=1)
    for index in (0, 29, 0, 12):
        dataset.read(index)
        assert len(dataset._rows._groups) == 1


def test_parquet_without_their_metadata(tmp_path):
    data = files(tmp_path, 4)
    masks = files(tmp_path / "m", 4)
    rows = [
        {
            "img": {"bytes": d, "path": None},
            "mask": {"bytes": m, "path": None},
            "class": "ab"[n % 2],
            "id": 7 - n,
            "png": d,
        }
        for n, (d, m) in enumerate(zip(data, masks, strict=True))
    ]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    dataset = HuggingFaceDataset(tmp_path / "x.parquet")
    sample = dataset.read(2)
    assert sample["image"].data == data[2] and sample["mask"].data == masks[2] and sample["png"].data == data[2]
    assert dataset.classes == ("a", "b") and sample["label"] == 0
    assert list(dataset.keys) == ["7", "6", "5", "4"] and sample["id"] == 5
    check_dataset(dataset)


def test_several_labels_texts_and_corners(tmp_path):
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "labels": datasets.List(datasets.ClassLabel(names=["x", "y", "z"])),
            "objects": [{"bbox": datasets.List(datasets.Value("int64")), "label": datasets.Value("string")}],
        }
    )
    rows = {
        "text": ["a", "b"],
        "labels": [[0, 2], []],
        "objects": [[{"bbox": [2, 3, 10, 20], "label": "q"}, {"bbox": [0, 0, 1, 1], "label": "p"}], []],
    }
    dataset = HuggingFaceDataset(datasets.Dataset.from_dict(rows, features=features), boxes="xyxy")
    first, second = dataset.read(0), dataset.read(1)
    assert first["text"] == "a" and first["label"].tolist() == [1, 0, 1] and second["label"].tolist() == [0, 0, 0]
    assert dataset.classes == ("x", "y", "z") and dataset.splits is None
    assert [(each.category, each.box) for each in first["objects"]] == [(1, (2, 3, 8, 17)), (0, (0, 0, 1, 1))]
    assert [kind.name for kind in dataset.categories.values()] == ["p", "q"]


def test_audio_by_bytes_and_by_path(tmp_path):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (800, 2)).astype(np.float32)
    file = io.BytesIO()
    soundfile.write(file, samples, 8000, format="WAV", subtype="FLOAT")
    (tmp_path / "a.wav").write_bytes(file.getvalue())
    rows = {
        "audio": [{"bytes": file.getvalue(), "path": "x.wav"}, {"bytes": None, "path": str(tmp_path / "a.wav")}],
        "sentence": ["yes", "no"],
    }
    dataset = HuggingFaceDataset(datasets.Dataset.from_dict(rows).cast_column("audio", datasets.Audio(decode=False)))
    for index in (0, 1):
        sample = dataset.read(index)
        assert list(sample) == ["audio", "rate", "text"] and sample["rate"] == 8000
        assert np.array_equal(sample["audio"], samples.T)


def test_what_cannot_be_used_is_named(tmp_path):
    rows = [{"image": {"bytes": b"x", "path": None}, "t": 1}, {"image": {"bytes": None, "path": None}, "t": 2}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    dataset = HuggingFaceDataset(tmp_path / "x.parquet")
    with pytest.raises(SampleError, match="1: column 'image' holds no bytes and names no file"):
        dataset.read(1)
    with pytest.raises(ValueError, match="label='y', but its free columns are t"):
        HuggingFaceDataset(tmp_path / "x.parquet", label="y")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing of the kind")
    with pytest.raises(AnnotationError, match=r"bad\.parquet: not a Parquet file"):
        HuggingFaceDataset(tmp_path / "bad.parquet")
    with pytest.raises(FileNotFoundError, match=r"none\.parquet"):
        HuggingFaceDataset(tmp_path / "none.parquet")
    parquet.write_table(pyarrow.Table.from_pylist([{"other": 1}]), tmp_path / "z.parquet")
    with pytest.raises(AnnotationError, match=r"z\.parquet: columns other, but .*x\.parquet has image, t"):
        HuggingFaceDataset([tmp_path / "x.parquet", tmp_path / "z.parquet"])
    streaming = photos(tmp_path)[0].to_iterable_dataset()
    with pytest.raises(ValueError, match="a streaming data set has no samples by number"):
        HuggingFaceDataset(streaming)


def test_a_group_that_is_broken_names_the_file(tmp_path):
    theirs, _ = photos(tmp_path)
    path = tmp_path / "a.parquet"
    theirs.to_parquet(str(path), batch_size=10)
    dataset = HuggingFaceDataset(path)
    data = bytearray(path.read_bytes())
    data[4:200] = bytes(196)
    path.write_bytes(data)
    with pytest.raises((SampleError, OSError), match=r"a\.parquet: row group 0 cannot be read"):
        dataset.read(0)
    path.write_bytes(b"")
    with pytest.raises((SampleError, OSError), match=r"a\.parquet"):
        dataset.read(15)


def test_five_thousand_rows_stay_small_in_a_pickle(tmp_path):
    data = files(tmp_path, 1)[0]
    table = pyarrow.table(
        {"image": [{"bytes": data, "path": f"{n}"} for n in range(5_000)], "label": [n % 4 for n in range(5_000)]}
    )
    parquet.write_table(table, tmp_path / "x.parquet", row_group_size=100)
    check_dataset(HuggingFaceDataset(tmp_path / "x.parquet"))
