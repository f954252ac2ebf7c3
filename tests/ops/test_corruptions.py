"""Corruptions: against the published formulas, written plainly here, with the published constants."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import kernels
from covary.image import corruptions
from covary.ops.image.corruptions import CORRUPTIONS, EXTRA, corrupt, corrupted
from covary.ops.image.corruptions.blurs import disc
from covary.ops.image.corruptions.picture import streak

ALL = CORRUPTIONS + EXTRA
WHITE = {"uint8": 255, "uint16": 65535, "float32": 1.0}


def photograph(height: int, width: int, channels: int = 3, dtype: str = "uint8") -> np.ndarray:
    """Smooth shading, edges and texture."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[: 1 : height * 1j, : 1 : width * 1j][..., None]
    light = 0.45 + 0.25 * np.sin(5 * x + 3 * y + np.arange(channels)) + 0.2 * (np.hypot(x - 0.4, y - 0.6) < 0.25)
    light = np.clip(light + 0.03 * random.standard_normal((height, width, 1)), 0, 1) * WHITE[dtype]
    return light.astype(dtype) if dtype == "float32" else np.rint(light).astype(dtype)


def distortion(picture: np.ndarray, name: str, severity: int) -> float:
    made = corrupt(picture, name, severity, key="a").astype(float)
    if name == "frost":
        # Ice lightens dark places and darkens light ones: what falls is how much of the picture is seen.
        return 1 - np.corrcoef(made.ravel(), picture.ravel())[0, 1]
    return float(np.abs(made - picture).mean())


@pytest.mark.parametrize("side", [32, 64, 224])
@pytest.mark.parametrize("name", ALL)
def test_distortion_rises_with_severity(name: str, side: int) -> None:
    picture = photograph(side, side)
    mean = [distortion(picture, name, severity) for severity in (1, 2, 3, 4, 5)]
    # The published constants of three change their kind on the way: an affine map first, fine displacements then;
    # paler first, more vivid then; and blocks that meet the pixels' grid or do not.
    parts = {"elastic_transform": [[0, 1], [2, 3, 4]], "saturate": [[0, 1], [2, 3, 4]], "pixelate": [[1, 2, 3], [1, 4]]}
    # Drops become mud, and the fall of snow turns to larger flakes.
    parts |= {"spatter": [[0, 2], [3, 4]], "snow": [[0, 1], [0, 2, 3, 4]]}
    # Rounds of swaps go up and down; at 224 px the reach outweighs them.
    parts |= {"glass_blur": [[0, 1], [0, 2], [0, 3], [1, 4]]} if side < 224 else {}
    for part in parts.get(name, [[0, 1, 2, 3, 4]]):
        values = [mean[index] for index in part]
        assert values == sorted(values) and values[0] < values[-1]
    assert mean[0] > 0


@pytest.mark.parametrize("name", ALL)
def test_the_same_key_gives_the_same_bytes_and_another_key_another_noise(name: str) -> None:
    picture = photograph(40, 56)
    before = picture.copy()
    made = corrupt(picture, name, 4, key="cats/1.jpg", seed=3)
    np.testing.assert_array_equal(made, corrupt(picture, name, 4, key="cats/1.jpg", seed=3))
    np.testing.assert_array_equal(picture, before)
    others = [corrupt(picture, name, 4, key="cats/2.jpg", seed=3), corrupt(picture, name, 4, key="cats/1.jpg", seed=4)]
    plain = {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression", "gaussian_blur"}
    for other in others:
        assert (other == made).all() == (name in plain | {"saturate"})
    (first, second) = corrupted([picture, picture], name, 4, keys=["cats/1.jpg", "cats/2.jpg"], seed=3)
    np.testing.assert_array_equal(first, made)
    np.testing.assert_array_equal(second, others[0])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("name", ALL)
def test_every_dtype_gets_the_same_corruption(name: str, dtype: str) -> None:
    picture = photograph(32, 48)
    same = (picture.astype(float) / 255 * WHITE[dtype]).astype(dtype)
    made, plain = corrupt(same, name, 3), corrupt(picture, name, 3)
    assert made.dtype == same.dtype and made.shape == same.shape
    np.testing.assert_allclose(made / WHITE[dtype], plain / 255, atol=0.01)


@settings(max_examples=30)
@given(
    st.sampled_from([name for name in ALL if name != "saturate"]),
    st.sampled_from([(1, 1), (1, 9), (2, 3), (13, 7), (33, 17)]),
    st.sampled_from([0, 1, 2, 3, 4, 9]),
    st.sampled_from([1, 5]),
)
def test_any_size_and_any_number_of_channels(name: str, size: tuple[int, int], channels: int, severity: int) -> None:
    picture = photograph(*size, max(1, channels))
    picture = picture if channels else picture[:, :, 0]
    made = corrupt(picture, name, severity)
    assert made.shape == picture.shape and made.dtype == np.uint8


def test_noise_has_the_published_deviation() -> None:
    grey = np.full((200, 200, 3), 0.5, dtype=np.float32)
    for severity, sigma in enumerate((0.08, 0.12), 1):
        assert corrupt(grey, "gaussian_noise", severity).std() == pytest.approx(sigma, rel=0.02)
    assert corrupt(grey, "speckle_noise", 1).std() == pytest.approx(0.15 * 0.5, rel=0.02)
    counts = corrupt(grey, "shot_noise", 1).astype(float) * 60
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-3)
    # Poisson's law: the mean is the variance.
    assert counts.mean() == pytest.approx(30, rel=0.01) and counts.var() == pytest.approx(30, rel=0.05)
    impulses = corrupt(grey, "impulse_noise", 4)
    assert (impulses == 1).mean() == pytest.approx(0.085, abs=0.004)
    assert (impulses == 0).mean() == pytest.approx(0.085, abs=0.004)


def test_light_is_that_of_skimage_hsv() -> None:
    color = pytest.importorskip("skimage.color")
    picture = np.random.default_rng(1).random((20, 30, 3)).astype(np.float32)
    picture[0, :3] = [[0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 1]]
    hsv = color.rgb2hsv(picture)
    for severity, (raised, (factor, offset)) in enumerate(zip((0.1, 0.2, 0.3, 0.4, 0.5), (
        (0.3, 0), (0.1, 0), (2, 0), (5, 0.1), (20, 0.2)), strict=True), 1):  # fmt: skip
        lighter, vivid = hsv.copy(), hsv.copy()
        lighter[..., 2] = np.clip(hsv[..., 2] + raised, 0, 1)
        vivid[..., 1] = np.clip(hsv[..., 1] * factor + offset, 0, 1)
        np.testing.assert_allclose(corrupt(picture, "brightness", severity), color.hsv2rgb(lighter), atol=1e-5)
        np.testing.assert_allclose(corrupt(picture, "saturate", severity), color.hsv2rgb(vivid), atol=1e-5)


def test_contrast_is_about_the_mean_of_each_channel() -> None:
    picture = photograph(30, 40, dtype="float32")
    mean = picture.mean(axis=(0, 1))
    np.testing.assert_allclose(corrupt(picture, "contrast", 3), (picture - mean) * 0.2 + mean, atol=1e-6)


def test_pixelate_is_pillows_box() -> None:
    images = pytest.importorskip("PIL.Image")
    picture = photograph(224, 224)
    small = images.fromarray(picture).resize((112, 112), images.Resampling.BOX)
    expected = np.asarray(small.resize((224, 224), images.Resampling.BOX))
    np.testing.assert_allclose(corrupt(picture, "pixelate", 2), expected, atol=1)


def test_jpeg_is_pillows() -> None:
    images = pytest.importorskip("PIL.Image")
    picture = photograph(224, 224)
    data = io.BytesIO()
    images.fromarray(picture).save(data, "JPEG", quality=25)
    expected = np.asarray(images.open(data)).astype(float)
    assert np.abs(corrupt(picture, "jpeg_compression", 1) - expected).mean() < 1


def test_gaussian_blur_is_scipys() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    picture = photograph(224, 224, dtype="float32")
    expected = ndimage.gaussian_filter(picture, (2, 2, 0), mode="nearest")
    np.testing.assert_allclose(corrupt(picture, "gaussian_blur", 2), expected, atol=1e-3)


def test_kernels_sum_to_one_and_are_as_large_as_asked() -> None:
    for radius in (0.4, 3, 10):
        kernel = disc(radius, 0.1)
        assert kernel.sum() == pytest.approx(1, abs=1e-5)
        assert (kernel > 1e-6).sum() == pytest.approx(np.pi * (radius + 0.5) ** 2, rel=0.8, abs=8)
    level = streak(10, 3, 0)
    middle = level.shape[0] // 2
    assert level.sum() == pytest.approx(1, abs=1e-6)
    assert level[middle, middle:].sum() == pytest.approx(1, abs=1e-6)  # one line, to one side


@pytest.mark.skipif(kernels.native is None, reason="compares with the compiled kernel")
def test_glass_without_the_compiled_kernels_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = photograph(24, 31)
    expected = corrupt(picture, "glass_blur", 5, key=9)
    monkeypatch.setattr(kernels, "native", None)
    np.testing.assert_array_equal(corrupt(picture, "glass_blur", 5, key=9), expected)


def test_wrong_arguments_are_named() -> None:
    picture = photograph(8, 8)
    with pytest.raises(ValueError, match="name is 'rain'; allowed: gaussian_noise"):
        corrupt(picture, "rain")
    with pytest.raises(ValueError, match="severity is 6"):
        corrupt(picture, "fog", 6)
    with pytest.raises(ValueError, match="saturate: the picture has 4 channels"):
        corrupt(photograph(8, 8, 4), "saturate")
    with pytest.raises(TypeError, match="float64"):
        corrupt(picture.astype(float), "fog")
    assert corruptions.corrupt is corrupt and len(CORRUPTIONS) == 15 and len(EXTRA) == 4
