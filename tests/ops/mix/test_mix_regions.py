"""Where pixels of the partner go: shapes, places and counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixing import noise, numbered

from covary import mix
from covary.ops.mix.fourier import grey_map, highest
from covary.ops.mix.paste import extent_of, rectangle
from covary.ops.mix.saliency import most_salient

ALL_PAIRS: list[mix.PairMixer] = [
    mix.MixUp(1.0, pairs=True),
    mix.CutMix(pairs=True),
    mix.ResizeMix(pairs=True),
    mix.FMix(pairs=True),
    mix.PatchMix(grid=5, pairs=True),
    mix.SaliencyMix(pairs=True),
]
PASTING = ALL_PAIRS[1:]


@pytest.mark.parametrize("mixer", PASTING, ids=repr)
@pytest.mark.parametrize("shape", [(3, 30, 22), (30, 22, 3), (30, 22)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_lambda_is_the_share_of_pixels_that_are_left(mixer: mix.PairMixer, shape: tuple[int, ...], dtype: str) -> None:
    images = np.ones((5, *shape), dtype) * np.arange(5).astype(dtype).reshape(-1, *(1 for _ in shape))
    out = mixer({"image": images, "label": range(5)}, classes=5, seed=8)
    assert out["image"].dtype == images.dtype
    for row in range(5):
        values, counts = np.unique(out["image"][row], return_counts=True)
        assert set(values) <= {row, out["target_b"][row]}
        share = counts[values == row].sum() / counts.sum()
        assert out["lam"][row] == pytest.approx(share, abs=1e-6)
        assert out["target"][row, row] == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("mixer", ALL_PAIRS, ids=repr)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_layouts_give_the_same_pictures(mixer: mix.PairMixer, dtype: str) -> None:
    images = noise(4, 24, 32, dtype)
    planes = mixer({"image": images}, seed=6)["image"]
    rows = mixer({"image": np.ascontiguousarray(images.transpose(0, 2, 3, 1))}, seed=6)["image"]
    np.testing.assert_array_equal(rows.transpose(0, 3, 1, 2), planes)
    grey = mixer({"image": images[:, 0]}, seed=6)["image"]
    if not isinstance(mixer, mix.SaliencyMix):
        np.testing.assert_array_equal(grey, planes[:, 0])


@pytest.mark.parametrize("mixer", ALL_PAIRS[3:], ids=repr)
def test_mean_of_lambda_is_half_of_other_shapes_too(mixer: mix.PairMixer) -> None:
    lam = mixer({"image": np.zeros((600, 16, 16), np.uint8)}, seed=1)["lam"]
    assert abs(lam.mean() - 0.5) < 4 * (1 / 12 / 600) ** 0.5


@settings(max_examples=50, deadline=None)
@given(
    share=st.floats(0, 1), x=st.floats(0, 1, exclude_max=True), y=st.floats(0, 1, exclude_max=True),
    height=st.integers(1, 60), width=st.integers(1, 60),
)  # fmt: skip
def test_rectangles_lie_inside_and_have_their_area(share: float, x: float, y: float, height: int, width: int) -> None:
    x0, y0, x1, y1 = rectangle(share, x, y, height, width)
    assert 0 <= x0 <= x1 <= width and 0 <= y0 <= y1 <= height
    tall, wide = extent_of(share, height, width)
    assert (y1 - y0, x1 - x0) == (tall, wide)
    # Half a column, and where the height was rounded to nothing or to all of it, half a row.
    assert abs(tall * wide - share * height * width) <= max(tall, width, 1) / 2 + 1e-9 or tall in (0, height)


def test_resizemix_shrinks_the_whole_partner() -> None:
    ys, xs = np.mgrid[:64, :64].astype(np.float32) / 63
    images = np.stack([np.zeros((64, 64), np.float32), 1 + xs + 10 * ys])[:, None]
    out = mix.ResizeMix(scale=(0.5, 0.5), pairs=True)({"image": images})
    assert out["lam"][0] == 0.75
    rows, columns = np.nonzero(out["image"][0, 0])
    pasted = out["image"][0, 0, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert pasted.shape == (32, 32)
    truth = images[1, 0].reshape(32, 2, 32, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(pasted, truth, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**63), height=st.integers(1, 70), width=st.integers(1, 90), share=st.floats(0, 1)
)  # fmt: skip
def test_fmix_takes_exactly_the_highest_pixels(seed: int, height: int, width: int, share: float) -> None:
    grey = grey_map(np.uint64(seed), height, width, 3.0)
    count = round(share * height * width)
    chosen = highest(grey, count)
    assert chosen.sum() == count and np.isfinite(grey).all()
    if 0 < count < grey.size:
        assert grey[chosen].min() >= grey[~chosen].max()


def test_spectrum_of_the_grey_map_falls_with_the_decay() -> None:
    power = np.zeros((64, 33))
    for stream in range(200):
        power += np.abs(np.fft.rfft2(grey_map(np.uint64(stream), 64, 64, 1.5))) ** 2
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(64))
    some = (frequency > 0.05) & (frequency < 0.4)
    slope = np.polyfit(np.log(frequency[some]), np.log(power[some]), 1)[0]
    assert slope == pytest.approx(-2 * 1.5, abs=0.1)


@pytest.mark.parametrize("layout", ["CHW", "HWC", "HW"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_odd_one_out_is_salient(layout: Any, dtype: Any) -> None:
    rng = np.random.default_rng(1)
    image = np.tile(rng.integers(0, 60, (8, 8)), (16, 20)).astype(np.float32)
    image[90:100, 40:52] = 250
    if layout != "HW":
        image = np.stack([image] * 3, axis=0 if layout == "CHW" else 2)
    x, y = most_salient(image.astype(dtype), layout)
    assert abs(x - 46) < 12 and abs(y - 95) < 12


@pytest.mark.parametrize(("y", "x"), [(5, 5), (50, 8), (30, 40), (12, 52)])
def test_saliencymix_pastes_what_is_salient(y: int, x: int) -> None:
    images = np.zeros((2, 1, 64, 64), np.uint8)
    images[1, 0, y : y + 6, x : x + 6] = 200
    large = 0
    for epoch in range(20):
        out = mix.SaliencyMix(pairs=True)({"image": images}, epoch=epoch, layout="CHW")
        large += out["lam"][0] < 0.85
        assert out["lam"][0] >= 0.85 or (out["image"][0, 0, y : y + 6, x : x + 6] == 200).any()
    assert large > 10


def test_saliencymix_of_flat_pictures_pastes_their_middle() -> None:
    out = mix.SaliencyMix(pairs=True)({"image": numbered(4, 32, 32)})
    for row in range(4):
        ys, xs = np.nonzero(out["image"][row, 0] != row)
        assert abs(ys.min() + ys.max() - 31) <= 1 and abs(xs.min() + xs.max() - 31) <= 1


@pytest.mark.parametrize("fill", [0, 7, (1, 2, 3)])
@pytest.mark.parametrize("layout", ["CHW", "HWC"])
def test_cutout_paints_one_square_that_may_reach_beyond_the_edge(fill: Any, layout: str) -> None:
    images = np.full((40, 3, 20, 30) if layout == "CHW" else (40, 20, 30, 3), 99, np.uint8)
    out = mix.Cutout(0.4, fill=fill)({"image": images, "label": [1] * 40}, classes=2)
    planes = out["image"] if layout == "CHW" else out["image"].transpose(0, 3, 1, 2)
    areas = []
    for picture in planes:
        hole = (picture != 99).all(axis=0)
        ys, xs = np.nonzero(hole)
        areas.append(hole.sum())
        assert hole[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1].all()
        np.testing.assert_array_equal(picture[:, hole].T, np.broadcast_to(fill, (hole.sum(), 3)))
    assert max(areas) == 64 and min(areas) < 64
    assert out["target"].tolist() == [[0, 1]] * 40


def test_cutout_needs_no_partner() -> None:
    out = mix.Cutout()({"image": np.ones((1, 3, 8, 8), np.float32)})
    assert (out["image"] == 0).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mix.Cutout((0.5, 3)), "Cutout: size is 0.5 to 3; allowed: fractions"),
        (lambda: mix.Cutout(fill="noise"), "Cutout: fill is 'noise'"),
        (
            lambda: mix.Cutout(fill=300)({"image": noise(1, dtype="uint8")}),
            "fill is 300, which pictures of dtype uint8",
        ),
        (lambda: mix.Cutout(fill=(1, 2))({"image": noise(1)}), "fill has 2 values, the pictures have 3 channels"),
        (lambda: mix.PatchMix(grid=0), "PatchMix: grid is 0; allowed: a whole number from 1 to 64"),
        (lambda: mix.FMix(decay=0), "FMix: decay is 0; allowed: a number above 0, up to 10"),
        (lambda: mix.ResizeMix(scale=(0.5, 2)), "ResizeMix: scale is 0.5 to 2; allowed: values from 0 to 1"),
        (lambda: mix.Mosaic(size=0), "Mosaic: size is 0; allowed"),
        (lambda: mix.Mosaic(zoom=(0.5, 1)), "Mosaic: zoom is 0.5 to 1; allowed: values from 1"),
        (lambda: mix.CopyPaste(share=2), "CopyPaste: share is 2; allowed: a probability"),
        (lambda: mix.mix_batch([mix.Mosaic(), mix.CutMix(pairs=True)], {}), "pairs=True, but Mosaic makes a sample"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("mixer", [mix.FMix(), mix.PatchMix(), mix.SaliencyMix()], ids=repr)
def test_a_batch_of_equal_pictures_stays_as_it_is(mixer: mix.PairMixer) -> None:
    images = np.repeat(noise(1, 20, 20), 5, axis=0)
    out = mixer({"image": images, "label": [1] * 5}, classes=3)
    np.testing.assert_array_equal(out["image"], images)
    np.testing.assert_array_equal(out["target"], np.eye(3, dtype=np.float32)[[1] * 5])


def test_pictures_of_two_sizes_come_back_in_a_list() -> None:
    out = mix.Mosaic(size=12, p=0.5)({"image": noise(16, 20, 20), "label": range(16)}, classes=16)
    sizes = {picture.shape for picture in out["image"]}
    assert isinstance(out["image"], list) and sizes == {(3, 12, 12), (3, 20, 20)}
    for picture, target in zip(out["image"], out["target"], strict=True):
        assert (target.max() < 1) == (picture.shape == (3, 12, 12))


@pytest.mark.parametrize("mixer", [*ALL_PAIRS, mix.Mosaic(), mix.Cutout(), mix.PixMix()], ids=repr)
def test_an_empty_batch_comes_back_empty(mixer: mix.Mixer) -> None:
    out = mixer({"image": np.zeros((0, 3, 8, 8), np.uint8), "label": []}, classes=4)
    assert out["image"].shape == (0, 3, 8, 8) and out["target"].shape == (0, 4)


def test_patches_are_whole_and_as_many_as_lambda_says():
    images = np.stack([np.full((24, 32, 3), value, np.float32) for value in (0.0, 1.0)])
    fields = {"image": images, "label": np.array([0, 1])}
    for epoch in range(20):
        out = mix.PatchMix(grid=4, pairs=True)(fields, classes=2, seed=3, epoch=epoch, keys=[1, 2], layout="HWC")
        for row in (0, 1):
            kept = out["image"][row][..., 0] == row
            patches = kept.reshape(4, 6, 4, 8)
            assert np.array_equal(patches.all(axis=(1, 3)), patches.any(axis=(1, 3)))
            assert abs(kept.mean() - out["lam"][row]) < 1e-6 and abs(out["target"][row][row] - kept.mean()) < 1e-6
