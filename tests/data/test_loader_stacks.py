"""Videos and volumes through the Loader: what `pipeline.batch` makes of the same samples with the same keys."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import Loader, Pipeline, audio, image, mix, volume
from covary.data import ArrayFolder, Arrays, open_dataset

COUNT = 7
VIDEO = Pipeline([image.RandomCrop((20, 24)), image.HorizontalFlip(), image.GaussianNoise((0.01, 0.05))], seed=3)
VOLUME = Pipeline(
    [volume.RandomAffine3D(rotate=15, fill=-1000), volume.HorizontalFlip3D(), volume.RandomCrop3D((6, 12, 12))], seed=5
)


def clips(lengths=(4,), dtype=np.uint8):
    """Samples with a video, a mask for each frame, and a track."""
    rng = np.random.default_rng(0)
    samples = []
    for number in range(COUNT):
        frames = lengths[number % len(lengths)]
        clip = rng.integers(0, 255, (frames, 30, 32, 3)).astype(dtype)
        track = rng.uniform(8, 20, (frames, 2, 2))
        samples.append({"video": clip, "mask": (clip[..., 0] > 128).astype(np.uint8), "keypoints": track, "label": 1})
    return samples


def scans(sizes=((8, 16, 16),)):
    """Samples with a volume, its organs, landmarks and spacing."""
    rng = np.random.default_rng(1)
    samples = []
    for number in range(COUNT):
        scan = rng.normal(0, 300, sizes[number % len(sizes)]).astype(np.int16)
        points = rng.uniform(2, 6, (3, 3))
        organs = (scan > 100).astype(np.uint8)
        samples.append({"volume": scan, "mask3d": organs, "keypoints3d": points, "spacing": (2.0, 1.0, 1.0)})
    return samples


class Listed:
    """Samples in a list, with keys of their own."""

    classes, labels, splits, categories = (), None, None, {}

    def __init__(self, samples):
        self.samples = samples
        self.keys = [f"scan/{number}" for number in range(len(samples))]

    def __len__(self):
        return len(self.samples)

    def read(self, index):
        return dict(self.samples[index])


def same(one, other):
    """Whether two values hold the same, whatever they are nested in."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return len(one) == len(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def plain(batch):
    """A batch that can be compared with others."""
    return {name: list(value) if name == "keys" else value for name, value in batch.items()}


def all_equal(batches, others):
    return len(batches) == len(others) and all(
        plain(one).keys() == plain(other).keys() and all(same(one[name], other[name]) for name in one)
        for one, other in zip(batches, others, strict=True)
    )


CASES = [(VIDEO, clips()), (VIDEO, clips((2, 5))), (VOLUME, scans()), (VOLUME, scans(((8, 16, 16), (9, 14, 17))))]


@pytest.mark.parametrize(("pipeline", "samples"), CASES)
@settings(max_examples=5, deadline=None)
@given(epoch=st.integers(0, 1000), size=st.integers(1, COUNT))
def test_the_stream_is_what_the_pipeline_makes_with_the_keys(pipeline, samples, epoch, size):
    data = Listed(samples)
    seen = []
    with Loader(data, pipeline, batch_size=size, workers=0) as loader:
        for batch in loader.epoch(epoch):
            chosen = [samples[data.keys.index(key)] for key in batch.keys]
            fields = {name: [sample[name] for sample in chosen] for name in samples[0]}
            expected = pipeline.batch(keys=list(batch.keys), epoch=epoch, **fields)
            assert all(same(batch[name], expected[name]) for name in fields)
            seen += batch.keys
    assert sorted(seen) == sorted(data.keys)


@pytest.mark.parametrize(("pipeline", "samples"), CASES)
def test_batches_are_stacked_where_shapes_agree(pipeline, samples):
    name = "video" if "video" in samples[0] else "volume"
    with Loader(Listed(samples), pipeline, batch_size=COUNT, workers=0) as loader:
        (batch,) = loader
    shapes = {value.shape for value in batch[name]}
    assert isinstance(batch[name], np.ndarray) == (len(shapes) == 1)
    assert isinstance(batch["keypoints" if name == "video" else "keypoints3d"], list)


@pytest.mark.parametrize("options", [{"workers": 1}, {"workers": 2}, {"workers": 2, "worker_type": "process"}], ids=str)
@pytest.mark.parametrize(("field", "pipeline"), [("video", VIDEO), ("volume", VOLUME)])
def test_the_stream_is_the_same_for_any_workers(field, pipeline, options):
    samples = clips() if field == "video" else scans()
    names = [name for name in (field, "mask", "mask3d") if name in samples[0]]
    data = Arrays({name: np.stack([sample[name] for sample in samples]) for name in names})
    options = {"worker_type": "thread", **options}
    with Loader(data, pipeline, batch_size=3, workers=0) as alone:
        expected = list(alone.epoch(4))
    with Loader(data, pipeline, batch_size=3, **options) as loader:
        assert all_equal(list(loader.epoch(4)), expected)


@pytest.mark.parametrize("cache", [None, "20MB", "encoded:20MB"])
@pytest.mark.parametrize(("pipeline", "samples"), CASES[1:3])
def test_a_resumed_stream_goes_on_with_the_next_batch(pipeline, samples, cache):
    def loader():
        return Loader(Listed(samples), pipeline, batch_size=2, workers=0, repeats=2, cache=cache)

    with loader() as whole:
        expected = list(whole) + list(whole)
    with loader() as first:
        stream = iter(first)
        begun = [next(stream), next(stream), next(stream)]
        state = first.state_dict()
    with loader() as second:
        second.load_state_dict(state)
        assert all_equal(begun + list(second) + list(second), expected)


def test_without_a_pipeline_samples_come_as_they_are():
    with Loader(Listed(scans()), batch_size=COUNT, workers=0, shuffle=False) as loader:
        (batch,) = loader
    assert np.array_equal(batch.volume, np.stack([sample["volume"] for sample in scans()]))


def test_tensors_of_other_axes_become_videos_and_volumes():
    torch = pytest.importorskip("torch")
    videos = torch.arange(2 * 4 * 3 * 8 * 9).reshape(2, 4, 3, 8, 9).to(torch.uint8)
    volumes = torch.arange(2 * 2 * 5 * 6 * 7, dtype=torch.float64).reshape(2, 2, 5, 6, 7)
    for name, values, axes in (("video", videos, (0, 2, 3, 1)), ("volume", volumes, (1, 2, 3, 0))):
        kept = np.asarray(values[1]).transpose(axes)
        assert np.array_equal(Arrays({name: values}).read(1)[name], kept)
        assert np.array_equal(Arrays({name: list(values)}).read(1)[name], kept)
        assert np.array_equal(open_dataset(Indexable([{name: value} for value in values])).read(1)[name], kept)


class Indexable:
    """A map-style data set of another library."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


def test_folders_of_numpy_files_stream_their_fields(tmp_path):
    samples = scans()
    for number, sample in enumerate(samples):
        folder = tmp_path / "train" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        if number == 0:
            np.save(folder / "0.npy", sample["volume"])
        else:
            np.savez(folder / f"{number}.npz", volume=sample["volume"], mask3d=sample["mask3d"])
    (tmp_path / "val").mkdir()
    np.savez_compressed(tmp_path / "val" / "9.npz", samples[0]["volume"])
    data = open_dataset(tmp_path)
    assert isinstance(data, ArrayFolder) and data.classes == ("a", "b") and len(data) == COUNT + 1
    with Loader(tmp_path, VOLUME, split="train", batch_size=2, workers=2, worker_type="thread") as loader:
        for batch in loader:
            for row, key in enumerate(batch.keys):
                sample = data.read(list(data.keys).index(key))
                alone = VOLUME(**sample, key=key)
                assert np.array_equal(batch.volume[row], alone["volume"])
                assert batch.label[row] == "ab".index(key.split("/")[1])
    assert np.array_equal(data.read(COUNT)["volume"], samples[0]["volume"])
    clip = clips()[0]["video"]
    (tmp_path / "clips").mkdir()
    np.save(tmp_path / "clips" / "0.npy", clip.astype(np.float64))
    video = ArrayFolder(tmp_path / "clips", field="video").read(0)["video"]
    assert video.dtype == np.float32 and np.array_equal(video, clip)


def test_bad_numpy_files_are_left_out_and_named(tmp_path):
    np.save(tmp_path / "a.npy", scans()[0]["volume"])
    (tmp_path / "b.npy").write_bytes(b"no array at all")
    (tmp_path / "c.npz").write_bytes(b"PK\x03\x04 and no more")
    np.save(tmp_path / "d.npy", np.array([{"code": "is refused"}], dtype=object), allow_pickle=True)
    with Loader(tmp_path, VOLUME, batch_size=4, workers=0) as loader, pytest.warns(UserWarning, match="3 samples"):
        (batch,) = loader
    assert list(batch.keys) == ["a.npy"]
    assert {problem.key for problem in loader.problems} == {"b.npy", "c.npz", "d.npy"}
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="no NumPy files"):
        ArrayFolder(empty)


def test_several_images_alone_are_varied_too():
    rng = np.random.default_rng(2)
    samples = [{"images": rng.integers(0, 255, (2, 30, 32, 3), dtype=np.uint8)} for _ in range(3)]
    with Loader(Listed(samples), VIDEO, batch_size=3, workers=0, shuffle=False) as loader:
        (batch,) = loader
    expected = VIDEO.batch(images=[sample["images"] for sample in samples], keys=list(batch.keys))
    assert same(batch.images, expected["images"]) and batch.images[0].shape == (2, 20, 24, 3)


def test_videos_in_one_array_are_blended():
    fields = Arrays(video=np.stack([sample["video"] for sample in clips()]), label=[0, 1, 0, 1, 0, 1, 1])
    with Loader(fields, VIDEO, batch_size=COUNT, workers=0, mix=mix.MixUp(field="video")) as loader:
        (batch,) = loader
    alone = VIDEO.batch(video=[fields.read(key)["video"] for key in batch.keys], keys=list(batch.keys))["video"]
    assert batch.video.shape == alone.shape and not np.array_equal(batch.video, alone) and batch.target.shape == (7, 2)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"channels": 3}, TypeError, "channels is for pictures; the samples hold videos or volumes"),
        ({"visible": True}, TypeError, "visible is for pictures; the samples hold videos or volumes"),
        ({"mix": mix.CutMix()}, ValueError, "CutMix: no image among the fields"),
        ({"mix": mix.MixUp()}, ValueError, "MixUp: no image among the fields"),
        (
            {"mix": mix.MixUp(field="video")},
            ValueError,
            "(mask|keypoints) beside video cannot be mixed",
        ),
    ],
)
def test_what_videos_cannot_be_combined_with_is_refused(options, error, message):
    samples = [{name: value for name, value in sample.items() if name != "label"} for sample in clips()]
    loader = Loader(Listed(samples), VIDEO, batch_size=4, workers=0, **options)
    with pytest.raises(error, match=message):
        list(loader)


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({"video": b"mp4"}, "video is a bytes; a NumPy array of three or four axes is needed"),
        ({"image": np.zeros((30, 32, 3), np.uint8), **clips()[0]}, "a picture and a video or volume"),
        ({"video": np.zeros((3, 4, 5, 3, 1), np.uint8)}, "video has shape"),
        ({"video": clips()[0]["video"], "mask": np.zeros((2, 30, 32))}, "give one entry for each frame"),
    ],
)
def test_samples_that_cannot_be_used_say_why(sample, message):
    with Loader(Listed([sample]), VIDEO, workers=0) as loader, pytest.raises(ValueError, match=message):
        list(loader)


def test_arrays_of_five_axes_ask_for_a_name():
    with pytest.raises(ValueError, match="name what it holds"):
        open_dataset(np.zeros((2, 3, 8, 8, 3), np.uint8))


def test_sounds_beside_videos_vary_too():
    pipeline = Pipeline([image.HorizontalFlip(), audio.Gain((-6, 6))], seed=2)
    wave = np.sin(np.arange(800) / 7).astype(np.float32)
    samples = [{"video": sample["video"], "audio": wave, "rate": 8000} for sample in clips()]
    with Loader(Listed(samples), pipeline, batch_size=COUNT, workers=0, shuffle=False) as loader:
        (batch,) = loader
    for row, key in enumerate(batch.keys):
        alone = pipeline(**samples[row], key=key)
        assert np.array_equal(batch.video[row], alone["video"]) and np.array_equal(batch.audio[row], alone["audio"])


def test_volumes_that_may_not_be_written_to_are_varied_as_others(tmp_path):
    sample = scans()[0]
    np.save(tmp_path / "scan.npy", sample["volume"])
    mapped = {**sample, "volume": np.load(tmp_path / "scan.npy", mmap_mode="r")}
    assert np.array_equal(VOLUME(**mapped, key=3)["volume"], VOLUME(**sample, key=3)["volume"])
