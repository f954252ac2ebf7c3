"""Pictures and masks in, pictures and masks out."""

import numpy as np
import pytest
from expansions import dataset_names, picture, state

from covary import Pipeline, image
from covary.data.decode import decode
from covary.data.encode import encode
from covary.data.masks import decode_mask
from covary.data.pairs import MaskPairs
from covary.data.webdataset import WebDataset
from covary.expand import expand, verify

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")

FILES = {
    "folders": ("images/a.jpg", "masks/a.png", "images/a__{k}.jpg", "masks/a__{k}.png"),
    "parts": (
        "train/images/a.png",
        "train/masks/a_mask.tif",
        "train/images/a__{k}.png",
        "train/masks/a__{k}_mask.tif",
    ),
    "side by side": ("sub/a.png", "sub/a_seg.bmp", "sub/a__{k}.png", "sub/a__{k}_seg.png"),
}


def pairs_set(root, layout):
    """Pictures whose first channel is their mask, so that both can be compared after any exact change."""
    picture_name, mask_name, *_ = FILES[layout]
    for index, letter in enumerate("abc"):
        pixels = picture(index, 20, 30)
        mask = pixels[:, :, 0].copy()
        for name, values in ((picture_name, pixels), (mask_name, mask)):
            path = root / name.replace("a.", f"{letter}.").replace("a_", f"{letter}_")
            path.parent.mkdir(parents=True, exist_ok=True)
            kind = {"jpg": "png", "tif": "tiff"}.get(path.suffix[1:], path.suffix[1:])
            path.write_bytes(encode(values, kind))
    return root


@pytest.mark.parametrize("layout", FILES)
def test_masks_move_as_their_pictures_do(tmp_path, layout):
    exact = Pipeline([image.HorizontalFlip(p=0.5), image.RandomCrop((12, 18)), image.Pad(2, border="constant")], seed=4)
    source, out = pairs_set(tmp_path / "in", layout), tmp_path / "out"
    report = expand(MaskPairs(source), out, exact, times=3)
    assert report.ok and report.made == 9
    _, _, picture_name, mask_name = FILES[layout]
    names = {
        name.format(k=k).replace("a__", f"{x}__") for name in (picture_name, mask_name) for k in range(3) for x in "abc"
    }
    assert set(dataset_names(out)) == names
    if layout != "folders":  # JPEG keeps no numbers
        for k in range(3):
            pixels, numbers = decode(out / picture_name.format(k=k)), decode_mask(out / mask_name.format(k=k))
            assert numbers.dtype == np.uint8 and np.array_equal(pixels[:, :, 0], numbers)
    made = MaskPairs(out)
    assert len(made) == 9 and all(made.read(index)["mask"].data for index in range(9))
    assert verify(out, MaskPairs(source)).ok


def test_numbers_of_classes_are_never_mixed(tmp_path):
    root = tmp_path / "in"
    for name, values in (("images/a.png", picture(1, 40, 40)), ("masks/a.png", np.zeros((40, 40), np.uint8))):
        (root / name).parent.mkdir(parents=True)
        if "masks" in name:
            values[10:30, 10:30], values[0:10] = 200, 7
        (root / name).write_bytes(encode(values, "png"))
    turning = Pipeline([image.Rotate((-45, 45), border="constant"), image.Resize(64)], mask_fill=99, seed=2)
    expand(root, tmp_path / "out", turning, times=4)
    for k in range(4):
        numbers = decode_mask(tmp_path / f"out/masks/a__{k}.png")
        assert set(np.unique(numbers)) <= {0, 7, 99, 200} and 99 in numbers


def test_a_picture_without_a_mask_is_skipped_and_reruns_follow_the_masks(tmp_path):
    source, out = pairs_set(tmp_path / "in", "folders"), tmp_path / "out"
    (source / "masks/b.png").unlink()
    report = expand(source, out, Pipeline([image.HorizontalFlip(p=1)]), times=2)
    assert report.made == 4 and [(p.name, p.reason) for p in report.skipped] == [("images/b.jpg", "it has no mask")]
    (source / "masks/a.png").write_bytes(encode(np.zeros((20, 30), np.uint8), "png"))
    (source / "masks/c.png").write_bytes(encode(np.zeros((7, 7), np.uint8), "png"))
    report = expand(source, out, Pipeline([image.HorizontalFlip(p=1)]), times=2)
    assert report.made == 2 and "mask" in report.skipped[1].reason and report.skipped[1].name == "images/c.jpg"
    assert not decode_mask(out / "masks/a__0.png").any() and not (out / "masks/c__0.png").exists()
    expand(source, tmp_path / "fresh", Pipeline([image.HorizontalFlip(p=1)]), times=2)
    assert state(out) == state(tmp_path / "fresh")


def test_masks_painted_in_colours_keep_their_colours(tmp_path):
    root = tmp_path / "in"
    colours = {"sky": (0, 0, 128), "road": (128, 64, 128)}
    numbers = np.zeros((30, 40), np.uint8)
    numbers[15:, 10:30] = 1
    for name, values in (
        ("images/a.png", picture(1, 30, 40)),
        ("masks/a.png", np.array([*colours.values()], np.uint8)[numbers]),
    ):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_bytes(encode(values, "png"))
    turning = Pipeline([image.Rotate((-45, 45), border="reflect")], seed=3)
    for source in (root, MaskPairs(root, colours=colours)):
        out = tmp_path / type(source).__name__
        assert expand(source, out, turning, times=3, originals="copy").made == 4
        made = MaskPairs(out, colours=colours)
        assert all(set(np.unique(made.read(index)["mask"])) == {0, 1} for index in range(4))
        assert verify(out, source).ok
    expand(MaskPairs(root, colours=colours), tmp_path / "shards", turning, times=3, format="webdataset")
    expected = turning(image=picture(1, 30, 40), mask=numbers, key="images/a.png", epoch=2)["mask"]
    shard = WebDataset(tmp_path / "shards/data-v2-00000.tar").read(0)
    assert np.array_equal(decode_mask(shard["mask"]), expected)
