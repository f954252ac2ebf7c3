"""The cache: the same stream, from memory or from a pack, and nothing that is torn or stale."""

import gc
import os
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jpegs import jpeg, photograph
from loading import PIPELINE, Pictures, contents, loader, stream

from covary import Pipeline, image
from covary.data.arena import Arena
from covary.data.cache import Cache, parse_cache
from covary.data.dataset import Encoded
from covary.data.decode import decode
from covary.data.fetch import Row, fetch, halved

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


class Counting(Pictures):
    """Counts what is read of it."""

    def __init__(self, *arguments, **options):
        Pictures.__init__(self, *arguments, **options)
        self.reads = []

    def read(self, index):
        self.reads.append(index)
        return Pictures.read(self, index)


class Files(Pictures):
    """Pictures in a folder."""

    def __init__(self, root, count=6):
        Pictures.__init__(self, count)
        self.root = root
        for index in range(count):
            self.path(index).write_bytes(self.encoded(index))

    def path(self, index):
        return self.root / f"{index}.jpg"

    def read(self, index):
        return {"image": Encoded(self.path(index).read_bytes(), str(self.path(index))), "label": 1}


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("4GB", (True, 4 * 10**9, None)),
        ("1.5 GiB", (True, 3 * 2**29, None)),
        ("encoded:200mb", (False, 2 * 10**8, None)),
        ("disk:/somewhere/x.pack", (True, None, "/somewhere/x.pack")),
    ],
)
def test_what_caches_are_called(text, options):
    found = parse_cache(text)
    assert (found.decoded, found.limit, found.path) == options


@pytest.mark.parametrize("decode_mode", ["scaled", "full"])
@pytest.mark.parametrize("size", ["100MB", "300KB", "0MB"])
def test_the_stream_does_not_depend_on_what_fits_the_cache(decode_mode, size):
    data = Pictures(9, size=(280, 330))
    options = {"decode": decode_mode, "cache_side": 100, "batch_size": 4}
    expected = stream(loader(data, cache="1GB", **options), 3)
    assert stream(loader(data, cache=size, workers=2, **options), 3) == expected
    if decode_mode == "full":
        assert stream(loader(data, **options), 3) == expected


def test_encoded_caches_give_the_stream_of_no_cache():
    data = Pictures(9, size=(280, 330))
    expected = stream(loader(data), 3)
    assert stream(loader(data, cache="encoded:1GB", workers=2), 3) == expected
    assert stream(loader(data, cache="encoded:50KB", workers=2), 3) == expected


@pytest.mark.parametrize("kind", ["1GB", "encoded:1GB", "disk"])
def test_what_is_cached_is_read_once(kind, tmp_path):
    data = Counting(9)
    batches = loader(data, cache=f"disk:{tmp_path / 'x.pack'}" if kind == "disk" else kind, channels=3)
    stream(batches, 3)
    assert sorted(data.reads) == list(range(9))


def test_cached_pictures_are_halved_down_to_the_bound_at_most():
    sizes = [(64, 200), (65, 130), (63, 500), (300, 301)]
    for height, width in sizes:
        data = Pictures(1, size=(height, width))
        cached = loader(data, Pipeline([]), cache="1GB", cache_side=32)
        (batch,) = list(cached.epoch(0))
        assert batch.image.shape[1:3] == (height, width)  # the picture's size is what the pipeline sees
        row = cached._pool._producer.cache.get(0, 0)
        times = row.reduction
        assert row.picture.shape[:2] == (-(-height // 2**times), -(-width // 2**times))
        assert min(height, width) >> times >= 32 > min(height, width) >> (times + 1)
        assert np.array_equal(row.picture, decode(data.encoded(0), reduce=times))


def test_halving_takes_means_as_numpy_does():
    picture = photograph(7, 10)
    padded = np.pad(picture, ((0, 1), (0, 0), (0, 0)), mode="edge").astype(np.float64)
    means = (padded[::2, ::2] + padded[1::2, ::2] + padded[::2, 1::2] + padded[1::2, 1::2]) / 4
    assert np.abs(halved(picture) - means).max() <= 0.5
    assert halved(picture[:, :, :1]).shape == (4, 5, 1)


def test_masks_and_objects_come_out_of_the_cache_as_they_went_in():
    mask = np.arange(40 * 60, dtype=np.uint8).reshape(40, 60)

    class Masked(Pictures):
        def read(self, index):
            return {"image": Encoded(jpeg(photograph()), "x"), "mask": mask, "note": ["a", None]}

    batches = loader(Masked(4), Pipeline([image.HorizontalFlip(p=1.0)]), cache="1GB", workers=2)
    first, second = [contents(batch) for batch in batches.epoch(0)], [contents(batch) for batch in batches.epoch(0)]
    assert first == second and first[0]["note"] == [["a", None]] * 4
    (batch,) = batches.epoch(1)
    assert np.array_equal(batch.mask[2], mask[:, ::-1])


# Packs on disk


def test_a_second_run_takes_its_pictures_from_the_pack(tmp_path):
    cache = f"disk:{tmp_path / 'deep' / 'x.pack'}"
    expected = stream(loader(Pictures(9), cache="1GB"), 2)
    assert stream(loader(Pictures(9), cache=cache, workers=2), 2) == expected
    again = Counting(9)
    assert stream(loader(again, cache=cache, channels=None, workers=2), 2) == expected
    assert len(again.reads) <= 5  # to learn how many channels there are


def test_a_pack_of_other_data_or_options_is_refused_and_they_are_named(tmp_path):
    cache = f"disk:{tmp_path / 'x.pack'}"
    stream(loader(cache=cache), 1)
    for change, named in (
        ({"data": Pictures(25)}, "count was 26, is 25"),
        ({"cache_side": 99}, "side was 512, is 99"),
        ({"channels": 1}, "channels was 3, is 1"),
        ({"decode": "full"}, "side was 512, is None"),
    ):
        with pytest.raises(ValueError, match="made for other data or options") as refused:
            next(iter(loader(**{"cache": cache, **change})))
        assert named in str(refused.value)
    (tmp_path / "x.pack").write_bytes(b"something else" * 1000)
    with pytest.raises(ValueError, match="no pack of covary"):
        next(iter(loader(cache=cache)))


def test_a_file_that_changed_since_is_read_anew(tmp_path):
    data = Files(tmp_path)
    cache = f"disk:{tmp_path / 'x.pack'}"
    options = {"cache": cache, "shuffle": False, "pipeline": None}
    (before,) = list(loader(data, **options).epoch(0))
    data.path(2).write_bytes(jpeg(photograph(96, 130, seed=77)))
    for _ in range(2):
        (after,) = list(loader(data, **options).epoch(0))
        assert np.array_equal(after.image[2], decode(data.path(2)))
        assert np.array_equal(np.delete(after.image, 2, axis=0), np.delete(before.image, 2, axis=0))


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_torn_pack_is_never_believed(tmp_path_factory, data):
    """Whatever is overwritten or cut off behind the header: the stream stays that of the data."""
    folder = tmp_path_factory.mktemp("pack")
    path = folder / "x.pack"
    pictures = Pictures(5)
    options = {"cache": f"disk:{path}", "batch_size": 5}
    expected = stream(loader(pictures, **options), 2)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(4096, len(content) - 1))
    length = data.draw(st.integers(1, 5000))
    if data.draw(st.booleans()):
        content[at : at + length] = bytes(len(content[at : at + length]))
    else:
        del content[max(at, 8192) :]
    path.write_bytes(content)
    assert stream(loader(pictures, **options), 2) == expected


def test_a_pack_runs_no_code(tmp_path):
    """An entry that names a function is not read, whatever its checksum says."""
    path = tmp_path / "x.pack"
    arena = Arena.on_disk(str(path), 3, {})

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'done'}",)

    plain = pickle.dumps(Evil(), protocol=5)
    arena.put(1, [len(plain).to_bytes(8, "little"), bytes(8), plain])
    assert Cache(Arena.on_disk(str(path), 3, {}), True).get(1, 0) is None
    assert not (tmp_path / "done").exists()


def test_samples_of_other_things_than_data_are_not_kept_on_disk_and_that_is_told(tmp_path):
    class Odd(Pictures):
        def read(self, index):
            return {**Pictures.read(self, index), "path": Path("x")}

    batches = loader(Odd(4), cache=f"disk:{tmp_path / 'x.pack'}")
    with pytest.warns(UserWarning, match="not kept on disk: a field holds a pathlib"):
        stream(batches, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream(loader(Odd(4), cache="1GB"), 1)


def test_a_full_disk_stops_the_caching_and_nothing_else(tmp_path, monkeypatch):
    real = os.pwrite

    def pwrite(file, data, at):
        if at > 60_000:
            raise OSError(28, "No space left on device")
        return real(file, data, at)

    expected = stream(loader(cache="1GB"), 2)
    monkeypatch.setattr(os, "pwrite", pwrite)
    assert stream(loader(cache=f"disk:{tmp_path / 'x.pack'}"), 2) == expected


# The arena


def test_entries_come_back_and_can_be_replaced():
    arena = Arena.in_memory(4, 1000)
    assert arena.get(2) is None
    assert arena.put(2, [b"abc", memoryview(b"def")]) and bytes(arena.get(2)) == b"abcdef"
    assert arena.put(2, [b"other"]) and bytes(arena.get(2)) == b"other"
    assert not arena.put(1, [bytes(1000)]) and arena.get(1) is None
    entry = arena.get(2)
    del arena
    gc.collect()
    assert bytes(entry) == b"other" and entry.readonly


def test_two_openings_of_a_pack_take_turns_and_see_each_others_entries(tmp_path):
    path = str(tmp_path / "x.pack")
    one, other = Arena.on_disk(path, 50, {"a": 1}), Arena.on_disk(path, 50, {"a": 1})
    for number in range(50):
        (one if number % 2 else other).put(number, [bytes([number]) * (number + 1)])
    for number in range(50):
        for arena in (one, other):
            assert bytes(arena.get(number)) == bytes([number]) * (number + 1)


def test_a_row_of_the_cache_is_the_row_that_was_fetched():
    cache = Cache(Arena.in_memory(3, 10**6), decoded=False)
    row = fetch(Pictures(3), 1, 5, channels=3)
    cache.put(row)
    again = cache.get(1, 8)
    assert isinstance(again, Row) and again.variation == 8 and again.encoded.data == row.encoded.data
    assert (again.key, again.size, again.fields, again.header) == (row.key, row.size, row.fields, row.header)
    assert PIPELINE.seed == 5
