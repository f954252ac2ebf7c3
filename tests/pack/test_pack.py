"""Packed data sets, against OpenCV's area averages, the webdataset library, and runs that nothing disturbed."""

import json
import struct
import tarfile
import zlib

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import covary.data
from covary import Pipeline, image
from covary.cli import app
from covary.data.dataset import Encoded, SampleError
from covary.data.decode import decode
from covary.data.encode import encode
from covary.data.images import ImageFolder
from covary.data.indexed import Indexed
from covary.data.instances import Category, Instance
from covary.data.masks import decode_mask
from covary.data.shard_writing import write_shard
from covary.data.webdataset import WebDataset
from covary.expand import ExpandError
from covary.expand.files import locked
from covary.pack import pack, packing
from covary.pack.packed import stems

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


def smooth(height, width, channels=3, seed=0):
    """A picture without detail finer than some pixels, as photographs are."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (max(2, height // 16), max(2, width // 16), channels), dtype=np.uint8)
    made = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return made.reshape(height, width, channels)


def with_orientation(jpeg, value):
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([value, 0, 0, 0]) + b"\0\0\0\0"
    block = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


def with_palette(numbers, palette):
    """A palette PNG, by its specification."""
    height, width = numbers.shape

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    lines = np.concatenate([np.zeros((height, 1), np.uint8), numbers], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"PLTE", palette.tobytes()), chunk(b"IDAT", zlib.compress(lines))]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*parts, chunk(b"IEND", b"")])


def folder(root, count=9):
    """Pictures of two classes: some larger than 32 pixels, some not."""
    for index in range(count):
        path = root / ("cats" if index % 2 else "dogs") / f"{index}.{'jpg' if index % 3 else 'png'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = (20, 30) if index % 4 == 0 else (64 + index, 96)
        path.write_bytes(encode(smooth(*size, seed=index), "png" if path.suffix == ".png" else "jpeg"))
    return root


def files(out):
    return {path.name: path.read_bytes() for path in out.iterdir()}


class Samples(Indexed):
    """Samples in memory, some of which cannot be read."""

    def __init__(self, samples, **options):
        self.samples = samples
        self.reads = 0
        super().__init__([str(index) for index in range(len(samples))], **options)

    def read(self, index):
        self.reads += 1
        if isinstance(self.samples[index], Exception):
            raise self.samples[index]
        return dict(self.samples[index])


def test_what_is_packed_is_the_data_set_within_bounds(tmp_path):
    dataset = ImageFolder(folder(tmp_path / "in"))
    report = pack(dataset, tmp_path / "out", side=32)
    assert report.ok and report.samples == 9 and report.shards == report.made == 1
    found = WebDataset(tmp_path / "out")
    assert sorted(found.keys) == sorted(dataset.keys) and found.classes == dataset.classes == ("cats", "dogs")
    place = {key: row for row, key in enumerate(found.keys)}
    for index, key in enumerate(dataset.keys):
        before, after = dataset.read(index), found.read(place[key])
        assert after["label"] == before["label"] == dataset.labels[index] == found.labels[place[key]]
        picture, small = decode(before["image"].data), decode(after["image"].data)
        if min(picture.shape[:2]) <= 32:
            assert after["image"].data == before["image"].data, "what needs no shrinking is copied byte for byte"
            continue
        scale = 32 / min(picture.shape[:2])
        assert min(small.shape[:2]) == 32
        assert small.shape[:2] == tuple(round(side * scale) for side in picture.shape[:2])
        averaged = cv2.resize(picture, small.shape[1::-1], interpolation=cv2.INTER_AREA)
        error = np.abs(small.astype(int) - averaged)
        assert error.max() == 0 if key.endswith("png") else error.mean() < 2
    first = next(index for index, name in enumerate(found.keys) if name.endswith("jpg"))
    pipeline = Pipeline([image.HorizontalFlip(), image.Rotate((-20, 20))], seed=3)
    traces = [pipeline.trace(key=key, epoch=2, size=(9, 9)) for key in (found.keys[first], str(found.keys[first]))]
    assert traces[0] == traces[1]


def test_webdataset_reads_the_shards(tmp_path):
    wds = pytest.importorskip("webdataset")
    dataset = ImageFolder(folder(tmp_path / "in"))
    pack(dataset, tmp_path / "out", side=32, per_shard=4, format="jpeg", shuffle=False)
    shards = sorted(str(path) for path in (tmp_path / "out").glob("*.tar"))
    assert [path[-15:] for path in shards] == [f"data-{number:06}.tar" for number in range(3)]
    found = list(wds.WebDataset(shards, shardshuffle=False).decode("rgb8"))
    assert [entry["json"]["__key__"] for entry in found] == list(dataset.keys)
    assert [entry["cls"] for entry in found] == dataset.labels.tolist()
    assert [entry["json"]["class"] for entry in found] == [dataset.classes[label] for label in dataset.labels]
    assert all(min(entry["jpg"].shape[:2]) <= 32 and entry["jpg"].dtype == np.uint8 for entry in found)


def test_a_photograph_decoded_at_an_eighth_is_the_average_of_all_its_pixels(tmp_path):
    picture = smooth(512, 768)
    data = encode(picture, "jpeg", quality=98)
    pack(Samples([{"image": Encoded(data, "a")}]), tmp_path / "out", side=64, format="png")
    small = decode(WebDataset(tmp_path / "out").read(0)["image"].data)
    averaged = decode(data).reshape(64, 8, 96, 8, 3).mean((1, 3))
    assert small.shape == (64, 96, 3) and np.abs(small - averaged).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(64, 96), (65, 97)])
def test_exif_orientation_is_applied(tmp_path, orientation, size):
    data = with_orientation(encode(smooth(*size), "jpeg"), orientation)
    pack(Samples([{"image": Encoded(data, "a")}]), tmp_path / "out", side=16, format="png")
    small = decode(WebDataset(tmp_path / "out").read(0)["image"].data)
    picture = decode(data)
    averaged = cv2.resize(picture, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert (small.shape[0] > small.shape[1]) == (orientation >= 5)
    assert np.abs(small.astype(int) - averaged).mean() < 2


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_keeps_its_kind(tmp_path, channels, dtype):
    picture = smooth(40, 60, channels).astype(dtype) * (257 if dtype == np.uint16 else 1)
    pack(Samples([{"image": Encoded(encode(picture, "png"), "a")}]), tmp_path / "out", side=20)
    small = decode(WebDataset(tmp_path / "out").read(0)["image"].data)
    assert small.dtype == dtype and small.shape == (20, 30, channels)
    averaged = picture.reshape(20, 2, 30, 2, channels).mean((1, 3))
    assert np.abs(small - averaged).max() <= 0.5


def annotated(side=60):
    """A picture with a disc: its mask, its box, its centre."""
    y, x = np.mgrid[:60, :80] + 0.5
    disc = (x - 30) ** 2 + (y - 24) ** 2 < 12**2
    picture = np.where(disc[..., None], 220, 30).astype(np.uint8).repeat(3, 2)
    instance = Instance(5, (18, 12, 24, 24), disc, np.array([[29.5, 23.5, 2.0]]), extra={"score": 0.5})
    fields = {"image": Encoded(encode(picture, "png"), "a"), "mask": Encoded(encode(disc * np.uint8(7), "png"), "m")}
    return fields | {"objects": (instance,)}, disc


def test_labels_lie_where_the_pixels_lie(tmp_path):
    sample, _ = annotated()
    categories = {5: Category(5, "disc", ("centre",), (), {"supercategory": "shape"})}
    pack(Samples([sample], categories=categories), tmp_path / "out", side=30)
    dataset = WebDataset(tmp_path / "out")
    assert dataset.categories[5].name == "disc" and dataset.categories[5].keypoints == ("centre",)
    found = dataset.read(0)
    picture = decode(found["image"].data)
    assert picture.shape == (30, 40, 3)
    (instance,) = found["objects"]
    mask = decode_mask(found["mask"].data)
    inside = picture[..., 0] > 125
    assert set(np.unique(mask)) == {0, 7} and (mask == 7).mean() == pytest.approx(inside.mean(), rel=0.05)
    assert np.array_equal(instance.mask, mask == 7)
    y, x = np.nonzero(inside)
    assert instance.keypoints[0] == pytest.approx([x.mean(), y.mean(), 2], abs=0.1)
    assert instance.box == pytest.approx((9, 6, 12, 12), abs=1) and instance.extra == {"score": 0.5}


def test_a_mask_keeps_its_palette(tmp_path):
    sample, disc = annotated()
    palette = np.arange(30, dtype=np.uint8).reshape(10, 3)
    mask = with_palette(disc * np.uint8(7), palette)
    pack(Samples([sample | {"mask": Encoded(mask, "m"), "objects": ()}]), tmp_path / "out", side=30)
    found = WebDataset(tmp_path / "out").read(0)["mask"].data
    assert decode_mask(found).shape == (30, 40) and set(np.unique(decode_mask(found))) == {0, 7}
    assert np.array_equal(decode(found)[decode_mask(found) == 7][0], palette[7])


def test_labels_of_what_needs_no_shrinking_stay(tmp_path):
    sample, disc = annotated()
    pack(Samples([sample], categories={5: Category(5, "disc")}), tmp_path / "out", side=60)
    found = WebDataset(tmp_path / "out").read(0)
    assert found["image"].data == sample["image"].data and found["mask"].data == sample["mask"].data
    assert found["objects"][0].box == (18, 12, 24, 24) and np.array_equal(found["objects"][0].mask, disc)


def test_columns_text_audio_and_arrays_are_kept(tmp_path):
    fields = {
        "audio": np.sin(np.arange(100, dtype=np.float32)),
        "rate": 16000,
        "text": "Öl",
        "label": np.array([0, 1, 1]),
        "weight": 0.25,
        "tags": ["a", "b"],
        "embedding": np.arange(4.0),
        "blob": b"\0\1",
        "json": {"x": 1},
        "depth": Encoded(encode(smooth(8, 9), "png"), "d"),
    }
    pack(Samples([fields]), tmp_path / "out")
    found = WebDataset(tmp_path / "out").read(0)
    assert np.array_equal(found["audio"], fields["audio"]) and found["rate"] == 16000
    assert found["label"].tolist() == [0, 1, 1] and found["embedding"].tolist() == [0, 1, 2, 3]
    assert found["depth"].data == fields["depth"].data
    for name in ("text", "weight", "tags", "blob", "json"):
        assert found[name] == fields[name]
    assert set(found) == set(fields)


def test_splits_have_shards_of_their_own(tmp_path):
    for part in ("train", "val"):
        folder(tmp_path / "in" / part, 6)
    pack(ImageFolder(tmp_path / "in"), tmp_path / "out", side=32, per_shard=4)
    assert sorted(files(tmp_path / "out")) == [
        "index.json",
        "train-000000.tar",
        "train-000001.tar",
        "val-000000.tar",
        "val-000001.tar",
    ]
    for part in ("train", "val"):
        found = WebDataset(tmp_path / "out", split=part)
        assert len(found) == 6 and all(key.startswith(part + "/") for key in found.keys)
    index = json.loads((tmp_path / "out/index.json").read_text())
    assert index["complete"] and index["samples"] == 12 and index["classes"] == ["cats", "dogs"]


def test_shards_stay_below_their_size(tmp_path):
    dataset = ImageFolder(folder(tmp_path / "in", 12))
    limit = 30_000
    pack(dataset, tmp_path / "out", side=48, shard_size=limit)
    sizes = []
    for path in (tmp_path / "out").glob("*.tar"):
        with tarfile.open(path) as archive:
            sizes.append(sum(512 + -(-entry.size // 512) * 512 for entry in archive))
    assert len(sizes) > 2 and max(sizes) <= limit and len(WebDataset(tmp_path / "out")) == 12
    pack(dataset, tmp_path / "each", side=48, shard_size="1kB")
    assert len(list((tmp_path / "each").glob("*.tar"))) == 12


def test_samples_are_mixed_in_an_order_of_their_own(tmp_path):
    dataset = ImageFolder(folder(tmp_path / "in", 12))
    pack(dataset, tmp_path / "a", side=32, workers=1)
    pack(dataset, tmp_path / "b", side=32, workers=3)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    mixed = list(WebDataset(tmp_path / "a").keys)
    assert mixed != list(dataset.keys)
    pack(dataset, tmp_path / "c", side=32, shuffle=False)
    assert list(WebDataset(tmp_path / "c").keys) == list(dataset.keys)
    (tmp_path / "in/cats/1.jpg").unlink()
    pack(ImageFolder(tmp_path / "in"), tmp_path / "d", side=32)
    assert list(WebDataset(tmp_path / "d").keys) == [key for key in mixed if key != "cats/1.jpg"]


def test_bad_samples_are_reported_and_skipped(tmp_path):
    root = folder(tmp_path / "in")
    (root / "cats/cut.jpg").write_bytes((root / "cats/1.jpg").read_bytes()[:300])
    (root / "cats/small cut.png").write_bytes((root / "dogs/0.png").read_bytes()[:-40])
    (root / "dogs/empty.png").write_bytes(b"")
    dataset = ImageFolder(root)
    report = pack(dataset, tmp_path / "out", side=32, per_shard=3)
    assert not report.ok and report.samples == 9 and report.shards == 3
    assert sorted(problem.name for problem in report.skipped) == [
        "cats/cut.jpg",
        "cats/small cut.png",
        "dogs/empty.png",
    ]
    again = pack(dataset, tmp_path / "out", side=32, per_shard=3)
    assert again.made == 0 and sorted(again.skipped, key=str) == sorted(report.skipped, key=str)
    with pytest.raises(ExpandError, match="the file is"):
        pack(dataset, tmp_path / "raise", side=32, on_error="raise")
    errors = [SampleError("0", "odd"), OSError(5, "Input/output error"), KeyError("lost"), {"image": smooth(9, 9)}]
    errors.append({"image": smooth(9, 9), "mask": np.zeros((8, 9), np.uint8)})
    report = pack(Samples(errors), tmp_path / "odd")
    assert {problem.name: problem.reason for problem in report.skipped} == {
        "0": "odd",
        "1": "it cannot be read: Input/output error",
        "2": "KeyError: 'lost'",
        "4": "its mask has 9 x 8 pixels, the picture 9 x 9",
    }
    nothing = pack(Samples(errors[:2]), tmp_path / "nothing")
    assert nothing.samples == nothing.shards == 0 and len(nothing.skipped) == 2


class Stop(BaseException):
    """Stands for the process's end."""


@pytest.mark.parametrize("step", range(1, 14, 2))
def test_stopped_at_any_file_operation_then_rerun_equals_an_undisturbed_run(tmp_path, monkeypatch, step):
    dataset = ImageFolder(folder(tmp_path / "in"))
    options = {"side": 32, "per_shard": 2, "workers": 2}
    pack(dataset, tmp_path / "whole", **options)
    steps = [0]
    place = packing.place

    def stopping(temporary, final):
        steps[0] += 1
        if steps[0] == step:
            raise Stop
        place(temporary, final)
        steps[0] += 1
        if steps[0] == step:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(packing, "place", stopping)
        with pytest.raises(Stop):
            pack(dataset, tmp_path / "out", **options)
    names = {path.name for path in (tmp_path / "out").glob("*.tar")}
    stamps = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in names}
    report = pack(dataset, tmp_path / "out", **options)
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    kept = [name for name in names if (tmp_path / "out" / name).stat().st_mtime_ns == stamps[name]]
    assert report.shards - report.made == len(kept) >= len(names) - 1


def test_a_finished_shard_is_not_made_again_and_a_lost_one_is(tmp_path):
    dataset = ImageFolder(folder(tmp_path / "in"))
    pack(dataset, tmp_path / "out", side=32, per_shard=2)
    before = files(tmp_path / "out")
    assert pack(dataset, tmp_path / "out", side=32, per_shard=2).made == 0
    (tmp_path / "out/data-000001.tar").unlink()
    report = pack(dataset, tmp_path / "out", side=32, per_shard=2)
    assert report.made == 1 and files(tmp_path / "out") == before


def test_another_packing_in_the_folder_is_left_alone(tmp_path):
    dataset = ImageFolder(folder(tmp_path / "in"))
    pack(dataset, tmp_path / "out", side=32)
    before = files(tmp_path / "out")
    with pytest.raises(ExpandError, match=r"differs in side \(32\)"):
        pack(dataset, tmp_path / "out", side=48)
    (tmp_path / "in/cats/1.jpg").unlink()
    with pytest.raises(ExpandError, match="differs in the sources"):
        pack(ImageFolder(tmp_path / "in"), tmp_path / "out", side=32)
    assert files(tmp_path / "out") == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/index.json").write_text("{}")
    with pytest.raises(ExpandError, match=r"index\.json is in the way"):
        pack(dataset, tmp_path / "mine")
    (tmp_path / "other").mkdir()
    write_shard(tmp_path / "other/data-000000.tar", [{"__key__": "a", "cls": 1}])
    with pytest.raises(ExpandError, match=r"data-000000\.tar is in the way"):
        pack(dataset, tmp_path / "other")
    with locked(tmp_path / "out"), pytest.raises(ExpandError, match="another run is writing there"):
        pack(dataset, tmp_path / "out", side=32)
    for inside in ("in", "in/packed"):
        with pytest.raises(ExpandError, match="lies inside the source"):
            pack(tmp_path / "in", tmp_path / inside)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"side": 0}, "side=0"),
        ({"shard_size": "much"}, "shard_size='much'"),
        ({"per_shard": -1}, "per_shard=-1"),
        ({"format": "gif"}, "format='gif'; allowed: same, jpeg, png, webp"),
        ({"quality": 101}, "quality=101"),
        ({"on_error": "stop"}, "on_error='stop'"),
    ],
)
def test_wrong_arguments(tmp_path, options, said):
    with pytest.raises(ValueError, match=f"pack: {said}"):
        pack(Samples([{"text": "a"}]), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_number_keys_stay_numbers(tmp_path):
    dataset = Samples([{"text": str(index)} for index in range(5)])
    dataset.keys = np.array([3, 1, 10, 7, 2])
    pack(dataset, tmp_path / "out")
    found = WebDataset(tmp_path / "out")
    assert {key: found.read(row)["text"] for row, key in enumerate(found.keys)} == {
        3: "0",
        1: "1",
        10: "2",
        7: "3",
        2: "4",
    }


def test_names_in_shards_hold_any_keys():
    keys = ["a/b.jpg", "a/b.png", "a/b", "a.b/c.d.jpg", "../x.jpg", "/", "", ".hidden.jpg", "__m__/x.jpg", "a/b_png"]
    names = stems(keys)
    assert names == ["a/b", "a/b_png", "a/b_2", "a.b/c_d", "x", "_", "__2", "_hidden", "k__m__/x", "a/b_png_2"]
    assert len(set(names)) == len(names)


def test_the_command(tmp_path):
    root = folder(tmp_path / "in")
    arguments = ["pack", str(root), str(tmp_path / "out"), "--side", "32", "--per-shard", "4", "--shard-size", "1MB"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "9 samples in 3 shards" in done.stdout and "3 made" in done.stdout
    packed = covary.data.open_dataset(tmp_path / "out")
    assert isinstance(packed, WebDataset) and packed.classes == ("cats", "dogs") and len(packed) == 9
    done = CliRunner().invoke(app, arguments)
    assert "0 made, 3 already there" in done.stdout
    (root / "cats/bad.jpg").write_bytes(b"")
    done = CliRunner().invoke(app, ["pack", str(root), str(tmp_path / "more"), "--side", "0"])
    assert done.exit_code == 1 and done.stderr.endswith("covary: skipped: cats/bad.jpg: the file is empty\n")
    done = CliRunner().invoke(app, ["pack", str(root), str(tmp_path / "x"), "--shard-size", "big"])
    assert done.exit_code == 1 and "shard_size='big'" in done.stderr
