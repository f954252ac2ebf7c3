"""Shards, against the webdataset library, and against files that it and tar wrote."""

import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from covary.data.dataset import Dataset, Encoded, SampleError
from covary.data.decode import decode
from covary.data.encode import encode
from covary.data.shard_paths import braced, shard_paths, shard_split
from covary.data.webdataset import WebDataset, write_shard

wds = pytest.importorskip("webdataset")


def picture(seed, height=12, width=16, channels=3):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def sound(rate=8000, channels=1):
    file = io.BytesIO()
    wave = np.sin(np.arange(400)[:, None] * np.arange(1, channels + 1) / 7).astype(np.float32)
    soundfile.write(file, wave, rate, format="WAV", subtype="FLOAT")
    return file.getvalue(), wave


def sample(index, **more):
    return {
        "__key__": f"{index:06}",
        "png": encode(picture(index), "png"),
        "cls": index % 3,
        "json": {"place": f"town {index}", "weight": index / 2},
        **more,
    }


def shard(path, count=5, first=0, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_shard(path, [sample(index, **more) for index in range(first, first + count)])
    return path


def through_webdataset(path):
    return list(wds.WebDataset(str(path), shardshuffle=False).decode())


def tarred(path, files, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_webdataset_reads_what_write_shard_wrote(tmp_path):
    array = np.arange(6.0).reshape(2, 3)
    path = shard(tmp_path / "a.tar", txt="ein Wort: Öl", npy=array)
    found = through_webdataset(path)
    assert [entry["__key__"] for entry in found] == [f"{index:06}" for index in range(5)]
    for index, entry in enumerate(found):
        assert entry["cls"] == index % 3 and entry["txt"] == "ein Wort: Öl"
        assert entry["json"] == {"place": f"town {index}", "weight": index / 2}
        assert np.array_equal(entry["npy"], array)
        assert np.array_equal(cv2.imdecode(np.frombuffer(entry["png"], np.uint8), 1)[..., ::-1], picture(index))


@pytest.mark.parametrize("compress", [False, True])
def test_what_webdataset_tarwriter_wrote_is_read(tmp_path, compress):
    path = tmp_path / ("a.tar.gz" if compress else "a.tar")
    with wds.TarWriter(str(path), compress=compress) as writer:
        for index in range(4):
            entry = {"__key__": f"deep/er/{index}", "jpg": picture(index), "cls": index, "npy": np.ones(3)}
            writer.write(entry | {"json": {"a": [1]}, "txt": "text"})
    dataset = WebDataset(path)
    expected = list(wds.WebDataset(str(path), shardshuffle=False))
    assert list(dataset.keys) == [entry["__key__"] for entry in expected] and len(dataset) == 4
    for index, raw in enumerate(expected):
        found = dataset.read(index)
        assert found["image"].data == raw["jpg"] and found["label"] == index and found["text"] == "text"
        assert found["a"] == [1] and np.array_equal(found["npy"], np.ones(3))
        assert set(found) == {"image", "label", "text", "a", "npy"}


def test_what_webdataset_shardwriter_wrote_is_read(tmp_path):
    with wds.ShardWriter(str(tmp_path / "train-%06d.tar"), maxcount=3, verbose=0) as writer:
        for index in range(8):
            writer.write({"__key__": f"{index:04}", "png": picture(index), "cls": index % 2})
    dataset = WebDataset(str(tmp_path / "train-{000000..000002}.tar"))
    assert isinstance(dataset, Dataset) and len(dataset) == 8
    assert list(dataset.keys) == [f"{index:04}" for index in range(8)]
    assert list(dataset.splits) == ["train"] * 8 and dataset.classes == ("0", "1")
    assert dataset.labels.tolist() == [index % 2 for index in range(8)]
    for index in (7, 0, 3, 3):
        assert np.array_equal(decode(dataset.read(index)["image"].data), picture(index))


def test_the_same_samples_give_the_same_bytes_in_any_order_of_their_files(tmp_path):
    one = shard(tmp_path / "one.tar")
    os.utime(one, (1, 1))
    file = io.BytesIO()
    assert write_shard(file, [dict(reversed(sample(index).items())) for index in range(5)]) == 5
    assert file.getvalue() == one.read_bytes()
    with tarfile.open(one) as archive:
        assert archive.getnames()[:4] == ["000000.cls", "000000.json", "000000.png", "000001.cls"]


def test_a_shard_is_never_there_in_part(tmp_path):
    path = shard(tmp_path / "a.tar")
    before = path.read_bytes()

    def broken():
        yield sample(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(path, broken())
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"__key__": "a.b", "cls": 1}, "'a.b' cannot be kept"),
        ({"__key__": "", "cls": 1}, "'' cannot be kept"),
        ({"__key__": "a/", "cls": 1}, "'a/' cannot be kept"),
        ({"cls": 1}, "__key__ is None"),
        ({"__key__": "a", "jpg": picture(1)}, "jpg: got a ndarray"),
        ({"__key__": "a", "json": {"x": object()}}, "json: JSON cannot hold a object"),
        ({"__key__": "a", "npy": [object()]}, "npy: Object arrays cannot be saved"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, entry, said):
    with pytest.raises(ValueError, match=said):
        write_shard(tmp_path / "a.tar", [entry])
    with pytest.raises(ValueError, match="two samples"):
        write_shard(tmp_path / "a.tar", [sample(1), sample(1)])


def test_suffixes_say_what_a_file_is(tmp_path):
    wave, samples = sound()
    both, channels = sound(channels=2)
    mask = encode(picture(9, channels=1), "png")
    files = {
        "000.jpg": encode(picture(1), "jpeg"),
        "000.seg.png": mask,
        "000.wav": wave,
        "000.left.wav": both,
        "000.txt": b"said",
        "000.caption.txt": b"seen",
        "000.depth.png": mask,
        "000.npz": b"",
        "000.bin": b"\0\1",
        "000.id": b"77",
        "000.CLS": b" 4\n",
    }
    file = io.BytesIO()
    np.savez(file, a=np.arange(3))
    files["000.npz"] = file.getvalue()
    found = WebDataset(tarred(tmp_path / "a.tar", files.items())).read(0)
    assert found["image"].data == files["000.jpg"] and found["mask"].data == mask and found["depth"].data == mask
    assert isinstance(found["image"], Encoded) and found["image"].name == "a.tar: 000.jpg"
    assert np.array_equal(found["audio"], samples[:, 0]) and found["rate"] == 8000
    assert np.array_equal(found["left"], channels.T) and found["left_rate"] == 8000
    assert found["audio"].dtype == np.float32
    assert (found["text"], found["caption"], found["bin"], found["id"], found["label"]) == (
        "said",
        "seen",
        b"\0\1",
        77,
        4,
    )
    assert found["npz"]["a"].tolist() == [0, 1, 2]


def test_a_png_beside_a_jpeg_is_its_mask(tmp_path):
    mask = encode(picture(9, channels=1), "png")
    files = [("a.jpg", encode(picture(1), "jpeg")), ("a.png", mask), ("b.png", mask)]
    dataset = WebDataset(tarred(tmp_path / "a.tar", files))
    assert set(dataset.read(0)) == {"image", "mask"} and set(dataset.read(1)) == {"image"}


def test_a_pickle_is_never_loaded(tmp_path):
    data = pickle.dumps([1])
    found = WebDataset(tarred(tmp_path / "a.tar", [("a.pyd", data), ("a.pickle", data), ("a.cls", b"1")])).read(0)
    assert found == {"pyd": data, "pickle": data, "label": 1}
    file = io.BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(SampleError, match="npy: Object arrays cannot be loaded"):
        WebDataset(tarred(tmp_path / "b.tar", [("a.npy", file.getvalue())])).read(0)


def test_files_of_a_sample_need_not_stand_together(tmp_path):
    files = [(f"{i}.cls", b"%d" % i) for i in range(3)] + [(f"{i}.png", encode(picture(i), "png")) for i in (2, 0, 1)]
    dataset = WebDataset(tarred(tmp_path / "a.tar", files))
    assert list(dataset.keys) == ["0", "1", "2"]
    for index in range(3):
        found = dataset.read(index)
        assert found["label"] == index and np.array_equal(decode(found["image"].data), picture(index))


def test_of_two_files_with_one_name_the_later_counts_as_tar_unpacks(tmp_path):
    path = tarred(tmp_path / "a.tar", [("a.cls", b"1"), ("b.cls", b"5"), ("a.cls", b"2")])
    with pytest.warns(RuntimeWarning, match="1 files come twice"):
        dataset = WebDataset(path)
    assert dataset.labels.tolist() == [2, 5] and [dataset.read(i)["label"] for i in (0, 1)] == [2, 5]
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    assert (tmp_path / "out/a.cls").read_bytes() == b"2"


def test_keys_that_come_in_several_shards_are_told_apart(tmp_path):
    shard(tmp_path / "a.tar", 2)
    shard(tmp_path / "b.tar", 3)
    assert list(WebDataset(tmp_path).keys) == ["000000", "000001", "b.tar/000000", "b.tar/000001", "000002"]


def test_hidden_files_and_files_about_the_archive_are_no_samples(tmp_path):
    files = [("._a.cls", b"7"), ("__info__/i.cls", b"8"), ("README", b""), ("d/.b.cls", b"9"), ("d/a.cls", b"1")]
    assert list(WebDataset(tarred(tmp_path / "a.tar", files)).keys) == ["d/a"]


def test_class_names_from_labels_from_text_and_from_beside(tmp_path):
    shard(tmp_path / "n/a.tar")
    assert WebDataset(tmp_path / "n").classes == ("0", "1", "2")
    (tmp_path / "n/classnames.txt").write_text("cat\ndog\nowl\n")
    dataset = WebDataset(tmp_path / "n")
    assert dataset.classes == ("cat", "dog", "owl") and dataset.labels.tolist() == [0, 1, 2, 0, 1]
    assert WebDataset(tmp_path / "n", classes=["x", "y", "z", "w"]).classes == ("x", "y", "z", "w")
    with pytest.raises(ValueError, match="000002 has label 2, but there are 2 classes"):
        WebDataset(tmp_path / "n", classes=["x", "y"])
    text = tarred(tmp_path / "t.tar", [("a.cls", b"dog"), ("b.cls", b"cat"), ("c.txt", b"-")])
    dataset = WebDataset(text)
    assert dataset.classes == ("cat", "dog") and dataset.labels.tolist() == [1, 0, -1]
    assert dataset.read(0)["label"] == 1 and dataset.read(2)["label"] == -1


def test_labels_in_json_and_labels_that_are_no_classes(tmp_path):
    write_shard(tmp_path / "j.tar", [{"__key__": str(i), "json": {"label": i, "more": "x"}} for i in range(3)])
    dataset = WebDataset(tmp_path / "j.tar")
    assert dataset.labels.tolist() == [0, 1, 2] and dataset.read(1) == {"label": 1, "more": "x"}
    write_shard(tmp_path / "m.tar", [{"__key__": str(i), "json": {"label": [i, 1, 0]}} for i in range(3)])
    dataset = WebDataset(tmp_path / "m.tar")
    assert dataset.labels is None and dataset.read(2)["label"].tolist() == [2, 1, 0]
    write_shard(tmp_path / "f.tar", [{"__key__": str(i), "cls": b"0.5"} for i in range(3)])
    assert WebDataset(tmp_path / "f.tar").labels is None and WebDataset(tmp_path / "f.tar").read(0)["label"] == 0.5


def test_coco_like_objects(tmp_path):
    box = {"bbox": [1, 2, 5, 6], "category_id": 7, "score": 0.5}
    outline = {"segmentation": [[1, 1, 9, 1, 9, 8, 1, 8]], "category_id": 3}
    points = {"keypoints": [1, 2, 2, 3, 4, 1], "category_id": 7, "bbox": [0, 0, 4, 4]}
    jpeg = encode(picture(1), "jpeg")
    write_shard(
        tmp_path / "a.tar",
        [
            {"__key__": "a", "jpg": jpeg, "json": {"annotations": [box, outline], "width": 16}},
            {"__key__": "b", "jpg": jpeg, "json": {"objects": {"bbox": [[1, 2, 3, 4]], "category": ["dog"]}}},
            {"__key__": "c", "jpg": jpeg, "json": [points]},
            {"__key__": "d", "jpg": jpeg, "json": {"objects": []}},
        ],
    )
    dataset = WebDataset(tmp_path / "a.tar")
    assert {number: each.name for number, each in dataset.categories.items()} == {3: "3", 7: "7", 8: "dog"}
    first, second = dataset.read(0)["objects"]
    assert first.box == (1, 2, 5, 6) and first.category == 7 and first.extra == {"score": 0.5}
    assert second.mask.shape == (12, 16) and second.mask.sum() == 8 * 7 and second.box == (1, 1, 8, 7)
    assert dataset.read(0)["width"] == 16
    assert [(each.category, each.box) for each in dataset.read(1)["objects"]] == [(8, (1, 2, 3, 4))]
    assert dataset.read(2)["objects"][0].keypoints.tolist() == [[1, 2, 2], [3, 4, 1]]
    assert dataset.read(3)["objects"] == ()


def test_splits_by_name_and_the_shards_of_one(tmp_path):
    for name, first in (("train-000.tar", 0), ("train-001.tar", 5), ("validation_0.tar", 10), ("test/x.tar", 15)):
        shard(tmp_path / name, first=first)
    dataset = WebDataset(tmp_path)
    assert list(dataset.splits) == ["test"] * 5 + ["train"] * 10 + ["val"] * 5
    assert list(WebDataset(tmp_path, split="val").keys) == [f"{index:06}" for index in range(10, 15)]
    with pytest.raises(ValueError, match=r"split='extra'; the shards are of test, train, val"):
        WebDataset(tmp_path, split="extra")
    assert shard_split(tmp_path / "trainers.tar") == "" and WebDataset(shard(tmp_path / "x/y.tar")).splits is None


def test_braces_expand_as_the_braceexpand_library_does():
    expand = pytest.importorskip("braceexpand").braceexpand
    for pattern in (
        "a-{000..003}.tar",
        "{a,b{1..2}}x{3..1}",
        "x{a}",
        "{0..8..2}",
        "{08..11}",
        "{-1..2}",
        "{a..d}",
        "pre{,x}post",
        "{a,b}{c,d}",
        "{{1..2},z}",
        "plain",
    ):
        assert braced(pattern) == list(expand(pattern)), pattern
    assert braced("a{b") == ["a{b"]


def test_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("b.tar", "a.tar", "c/d.TAR", ".hidden/e.tar", "{odd}.tar"):
        shard(tmp_path / name, 1)
    assert [str(path) for path in shard_paths("*.tar")] == ["a.tar", "b.tar", "{odd}.tar"]
    assert [str(path) for path in shard_paths("{b,a}.tar")] == ["b.tar", "a.tar"]
    assert [str(path) for path in shard_paths(["b.tar", "c", "b.tar"])] == ["b.tar", "c/d.TAR"]
    assert [path.name for path in shard_paths(tmp_path)] == ["a.tar", "b.tar", "d.TAR", "{odd}.tar"]
    assert [str(path) for path in shard_paths("{odd}.tar")] == ["{odd}.tar"]
    (tmp_path / "empty").mkdir()
    for missing in ("x.tar", "x-{0..1}.tar", "x*.tar", "empty", ["a.tar", "x.tar"]):
        with pytest.raises(FileNotFoundError, match=r"x.*tar|empty"):
            shard_paths(missing)
    for remote in ("https://host/a.tar", "s3://bucket/{0..3}.tar", "pipe:cat a.tar"):
        with pytest.raises(ValueError, match="fetch them first"):
            shard_paths(remote)
    with pytest.raises(ValueError, match="empty list"):
        shard_paths([])


def test_a_shard_that_is_cut_off_gives_its_whole_samples(tmp_path):
    path = shard(tmp_path / "a.tar")
    shard(tmp_path / "b.tar", first=5)
    with tarfile.open(path) as archive:
        end = archive.getmember("000003.png").offset_data  # its cls and json are whole, its picture is not
    path.write_bytes(path.read_bytes()[: end + 5])
    with pytest.warns(
        RuntimeWarning, match=r"a\.tar: cut off within 000003\.png; its last sample, 000003, is not whole"
    ):
        dataset = WebDataset(tmp_path)
    assert list(dataset.keys) == [f"{index:06}" for index in (0, 1, 2, 5, 6, 7, 8, 9)] and len(dataset.problems) == 1
    assert dataset.labels.tolist() == [0, 1, 2, 2, 0, 1, 2, 0]
    for index, seed in enumerate((0, 1, 2, 5, 6, 7, 8, 9)):
        assert np.array_equal(decode(dataset.read(index)["image"].data), picture(seed))
    (tmp_path / "no.tar").write_bytes(b"<html>")
    with pytest.raises(ValueError, match=r"no samples in 1 shards: .*no\.tar: cut off"):
        WebDataset(tmp_path / "no.tar")


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz"])
def test_compressed_shards_are_unpacked_once(tmp_path, ending):
    plain = shard(tmp_path / "plain.tar")
    path = tarred(tmp_path / f"a.tar.{ending}", [], f"w:{ending}")
    opener = {"gz": gzip.open, "bz2": __import__("bz2").open, "xz": __import__("lzma").open}[ending]
    with opener(path, "wb") as file:
        file.write(plain.read_bytes())
    dataset = WebDataset(path)
    folder = dataset._unpacked._folder
    assert [dataset.read(i)["place"] for i in range(5)] == [f"town {i}" for i in range(5)]
    assert len(list(folder.iterdir())) == 1
    del dataset
    assert not folder.exists()
    kept = tmp_path / "kept"
    for _ in range(2):
        WebDataset(path, unpack=kept)
        assert len(list(kept.iterdir())) == 1
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(["plain.tar", path.name, "kept"])


def test_of_a_compressed_shard_that_is_cut_off_the_beginning_is_used(tmp_path):
    plain = shard(tmp_path / "plain.tar", 200)
    path = tmp_path / "a.tar.gz"
    data = gzip.compress(plain.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    with pytest.warns(RuntimeWarning, match="cut off"):
        dataset = WebDataset(path)
    assert 20 < len(dataset) < 200 and dataset.read(len(dataset) - 1)["place"] == f"town {len(dataset) - 1}"


def test_zstandard_is_refused_with_what_helps(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(600))
    with pytest.raises(ValueError, match="unpack it: zstd -d"):
        WebDataset(tmp_path / "a.tar")


def test_threads_read_what_one_thread_reads_with_few_files_open(tmp_path):
    for number in range(40):
        shard(tmp_path / f"{number:02}.tar", 2, first=2 * number)
    dataset = WebDataset(tmp_path)
    order = np.random.default_rng(1).permutation(np.repeat(np.arange(80), 10)).tolist()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda index: dataset.read(index)["place"], order))
    assert found == [f"town {index}" for index in order]
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= 32


def read_places(dataset):
    return [dataset.read(index)["place"] for index in range(len(dataset))]


READ_IN_FORKS = """
import json, sys
from multiprocessing import get_context
from covary.data.webdataset import WebDataset

def places(dataset):
    return [dataset.read(index)["place"] for index in range(len(dataset))]

dataset = WebDataset(sys.argv[1])
expected = places(dataset)
with get_context("fork").Pool(2) as pool:
    assert pool.map(places, [dataset] * 4) == [expected] * 4
assert places(dataset) == expected
"""


def test_forks_read_what_one_process_reads(tmp_path):
    shard(tmp_path / "a.tar", 4)
    # A process of its own: others may have threads by now, with which none should fork.
    subprocess.run([sys.executable, "-c", READ_IN_FORKS, str(tmp_path)], check=True, timeout=60)


def test_processes_read_what_one_process_reads(tmp_path):
    shard(tmp_path / "a.tar.gz", 4)
    data = gzip.compress((tmp_path / "a.tar.gz").read_bytes())
    (tmp_path / "a.tar.gz").write_bytes(data)
    shard(tmp_path / "b.tar", 4, first=4)
    dataset = WebDataset(tmp_path)
    expected = read_places(dataset)
    with get_context("spawn").Pool(2) as pool:
        assert pool.map(read_places, [dataset] * 4) == [expected] * 4
    assert read_places(dataset) == expected, "what a process removes at its end is its own"


def test_where_the_unpacked_copy_is_gone_it_is_made_again(tmp_path):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(shard(tmp_path / "a.tar").read_bytes()))
    dataset = WebDataset(path)
    copy = pickle.loads(pickle.dumps(dataset))
    expected = read_places(dataset)
    del dataset
    assert read_places(copy) == expected


def test_a_shard_that_changed_is_not_read_at_old_places(tmp_path):
    path = shard(tmp_path / "a.tar")
    dataset = WebDataset(path)
    shard(path, 60)
    with pytest.raises(OSError, match="changed since it was indexed"):
        dataset.read(0)


def test_bad_json_is_an_error_of_its_sample(tmp_path):
    dataset = WebDataset(tarred(tmp_path / "a.tar", [("a.json", b'{"label": 1}'), ("b.json", b"{"), ("b.txt", b"x")]))
    assert dataset.read(0) == {"label": 1}
    with pytest.raises(SampleError, match=r"b: in .*a\.tar: json: Expecting property name") as caught:
        dataset.read(1)
    assert caught.value.key == "b"
    with pytest.raises(IndexError):
        dataset.read(2)


def test_index_file_beside_shards_names_classes_and_splits(tmp_path):
    shard(tmp_path / "a.tar")
    described = {"format": "webdataset", "classes": ["x", "y", "z"], "shards": [{"name": "a.tar", "split": "val"}]}
    (tmp_path / "index.json").write_text(json.dumps(described))
    dataset = WebDataset(tmp_path)
    assert dataset.classes == ("x", "y", "z") and set(dataset.splits) == {"val"}
    (tmp_path / "index.json").write_text("[1, 2]")
    assert WebDataset(tmp_path).classes == ("0", "1", "2")


def test_an_index_that_is_kept_is_the_one_that_is_made(tmp_path, monkeypatch):
    wave, _ = sound()
    shard(tmp_path / "s/a.tar", wav=wave)
    files = [("\udcff.cls", b"dog"), ("b.cls", b"cat"), ("b.json", b'{"__key__": "x.y.jpg", "objects": []}')]
    tarred(tmp_path / "t.tar", files)
    write_shard(
        tmp_path / "n.tar", [{"__key__": str(i), "json": {"__key__": 9 - i, "label": [i, 1]}} for i in range(4)]
    )
    kept = tmp_path / "index.npz"
    for source in (tmp_path / "s", tmp_path / "t.tar", tmp_path / "n.tar"):
        made = WebDataset(source)
        WebDataset(source, index=kept)
        with monkeypatch.context() as patch:
            patch.setattr("covary.data.webdataset.index_shards", lambda paths: pytest.fail("the shards were read"))
            found = WebDataset(source, index=kept)
        assert list(found.keys) == list(made.keys) and found.classes == made.classes
        assert found.labels is made.labels is None or np.array_equal(found.labels, made.labels)
        assert [str(found.read(i)) for i in range(len(made))] == [str(made.read(i)) for i in range(len(made))]
    shard(tmp_path / "n.tar", 7)
    assert len(WebDataset(tmp_path / "n.tar", index=kept)) == 7, "other shards, another index"
    kept.write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"index\.npz is no index of shards"):
        WebDataset(tmp_path / "n.tar", index=kept)
    assert kept.read_bytes() == b"mine"
