"""Data sets that are no files of pictures: arrays, shards, Parquet files, Hugging Face data sets."""

import numpy as np
import pytest
from expansions import picture, pipeline, small_set

from covary.data import Arrays, ImageFolder, WebDataset, open_dataset
from covary.data.decode import decode
from covary.expand import ExpandError, expand, verify

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


def arrays():
    return Arrays(
        {"image": [picture(n, 12 + n, 14) for n in range(5)], "label": [0, 1, 0, 1, 1], "note": list("abcde")}
    )


@pytest.mark.parametrize("format", ("webdataset", "parquet"))
def test_arrays_become_shards(tmp_path, format):
    out = tmp_path / "out"
    report = expand(arrays(), out, pipeline(), times=2, format=format, originals="copy")
    assert report.ok and report.made == 15
    made = open_dataset(out)
    assert len(made) == 15
    pictures = {}
    for index in range(15):
        sample = made.read(index)
        pictures[decode(sample["image"].data).tobytes()] = sample
    for number in range(5):
        given = arrays().read(number)
        pixels, label, note = given["image"], given["label"], given["note"]
        for wanted in (pixels, *(pipeline()(image=pixels, key=number, epoch=k)["image"] for k in range(2))):
            sample = pictures[wanted.tobytes()]
            assert (sample["label"], sample["note"]) == (label, note)
    assert verify(out, arrays()).ok
    assert expand(arrays(), out, pipeline(), times=2, format=format, originals="copy").made == 0
    with pytest.raises(ExpandError, match="the source folder is not there"):
        verify(out)


def test_arrays_have_no_files_to_write_in_kind(tmp_path):
    with pytest.raises(ExpandError, match="choose a format that has shards: webdataset or parquet"):
        expand(arrays(), tmp_path / "out", pipeline(), times=1)


@pytest.mark.parametrize("format", ("webdataset", "parquet"))
def test_shards_in_shards_out(tmp_path, format):
    expand(small_set(tmp_path / "in"), tmp_path / "shards", pipeline(), times=2, format=format)
    (tmp_path / "shards" / "manifest.sqlite").unlink()
    report = expand(tmp_path / "shards", tmp_path / "out", pipeline(seed=9), times=2)
    assert report.ok and report.made == 16
    before, after = open_dataset(tmp_path / "shards"), open_dataset(tmp_path / "out")
    assert type(before) is type(after) and len(after) == 16 and after.classes == ("cats", "dogs")
    original = decode(before.read(0)["image"].data)
    made = {decode(after.read(index)["image"].data).tobytes() for index in range(16)}
    for epoch in range(2):
        expected = pipeline(seed=9)(image=original, key=before.keys[0], epoch=epoch)["image"]
        assert expected.tobytes() in made
    assert verify(tmp_path / "out").ok
    assert expand(tmp_path / "shards", tmp_path / "out", pipeline(seed=9), times=2).made == 0


def test_a_folder_that_is_open_already(tmp_path):
    source = small_set(tmp_path / "in")
    assert expand(ImageFolder(source), tmp_path / "one", pipeline(), times=1).made == 4
    assert verify(tmp_path / "one").ok


def test_epochs_of_a_stream_are_variations_of_shards(tmp_path):
    """What a Loader draws for a sample, by its key, is what an expansion writes."""
    images = np.stack([picture(n, 10, 10) for n in range(3)])
    expand(Arrays({"image": images}), tmp_path / "out", pipeline(), times=2, format="webdataset")
    made = WebDataset(tmp_path / "out")
    names = {key: decode(made.read(index)["image"].data) for index, key in enumerate(made.keys)}
    for number in range(3):
        for epoch in range(2):
            expected = pipeline()(image=images[number], key=number, epoch=epoch)["image"]
            assert np.array_equal(names[f"{number}__{epoch}"], expected)
