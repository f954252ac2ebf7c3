"""AugMix's views and PixMix: what is clean stays bit-equal, weights follow their laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from mixing import KEYS, noise

from covary import image, mix
from covary.ops.base import Operation
from covary.ops.mix.base import Draws
from covary.ops.mix.batch import read_batch
from covary.ops.mix.chains import vary
from covary.ops.mix.fractals import picture


class Louder(Operation):
    """An operation that is not on images."""

    modality = "audio"


def smooth(count: int, dtype: str = "uint8", layout: str = "HWC") -> Any:
    ys, xs = np.mgrid[:24, :32]
    pictures = np.stack(
        [np.stack([xs * 6 + i, ys * 8, (xs + ys) * 3 + 2 * i], axis=-1) for i in range(count)]
    )  # fmt: skip
    whole = pictures.astype(np.uint8) if dtype == "uint8" else (pictures / 255).astype(np.float32)
    return whole if layout == "HWC" else np.ascontiguousarray(whole.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_first_view_and_image_are_the_clean_picture(dtype: str, layout: str) -> None:
    images = smooth(5, dtype, layout)
    out = mix.AugMixViews()({"image": images, "label": range(5)}, classes=5)
    assert out["views"].shape == (5, 3, *images.shape[1:]) and out["views"].dtype == images.dtype
    np.testing.assert_array_equal(out["image"], images)
    np.testing.assert_array_equal(out["views"][:, 0], images)
    np.testing.assert_array_equal(out["target"], np.eye(5, dtype=np.float32))
    assert (out["views"][:, 1] != images).any(axis=(1, 2, 3)).mean() > 0.7
    assert not np.array_equal(out["views"][:, 1], out["views"][:, 2])


def test_views_of_a_key_do_not_depend_on_its_batch() -> None:
    images = smooth(8)
    many = mix.AugMixViews()({"image": images}, keys=KEYS, epoch=4)["views"]
    few = mix.AugMixViews()({"image": images[[5, 2]]}, keys=[KEYS[5], KEYS[2]], epoch=4)["views"]
    np.testing.assert_array_equal(few, many[[5, 2]])


def test_layouts_give_the_same_views() -> None:
    rows, planes = (mix.AugMixViews()({"image": smooth(4, "uint8", layout)})["views"] for layout in ("HWC", "CHW"))
    np.testing.assert_array_equal(rows.transpose(0, 1, 4, 2, 3), planes)


def test_share_of_samples_with_mixed_views_is_p() -> None:
    count = 1500
    images = np.zeros((count, 4, 4, 3), np.uint8)
    inverted = mix.AugMixViews(views=1, operations=[image.Invert()], alpha=5.0, depth=(1, 1), p=0.3)
    changed = (inverted({"image": images}, layout="HWC")["views"][:, 1] > 0).any(axis=(1, 2, 3))
    assert abs(changed.mean() - 0.3) < 4 * (0.21 / count) ** 0.5


def test_a_view_of_inverted_chains_shows_the_beta_share() -> None:
    # Every chain of a black picture is white, whatever the Dirichlet weights: the view is white times the share.
    count, alpha = 3000, 2.0
    images = np.zeros((count, 2, 2, 1), np.float32)
    mixer = mix.AugMixViews(views=1, operations=[image.Invert()], alpha=alpha, depth=(1, 1))
    shares = mixer({"image": images}, layout="HWC")["views"][:, 1, 0, 0, 0].astype(np.float64)
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(shares.mean() - 0.5) < 4 * (variance / count) ** 0.5
    assert abs(shares.var() / variance - 1) < 0.1


def test_weights_of_the_chains_are_dirichlet() -> None:
    count, alpha = 4000, 0.8
    mixer = mix.AugMixViews(alpha=alpha, width=3)
    batch = read_batch(
        {"image": np.zeros((count, 1, 1), np.uint8)},
        classes=None, seed=1, epoch=0, keys=None, layout=None,
    )  # fmt: skip
    _, weights = mixer.blends(Draws(mixer, "mix.AugMixViews", batch), 0)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    # Dirichlet(a, a, a): mean 1 / 3, variance 2 / (9 (3 a + 1)), covariance half of it and negative.
    variance = 2 / (9 * (3 * alpha + 1))
    np.testing.assert_allclose(weights.mean(axis=0), 1 / 3, atol=4 * (variance / count) ** 0.5)
    np.testing.assert_allclose(weights.var(axis=0), variance, rtol=0.1)
    np.testing.assert_allclose(np.cov(weights.T)[0, 1], -variance / 2, rtol=0.2)


def test_depths_of_a_chain_are_evenly_likely() -> None:
    # Each operation turns by a quarter: the picture says how many there were.
    picture_ = np.array([[0, 1], [2, 3]], np.uint8)[:, :, None]
    batch = read_batch(
        {"image": np.repeat(picture_[None], 1500, axis=0)},
        classes=None, seed=1, epoch=0, keys=None, layout="HWC",
    )  # fmt: skip
    turned = vary(batch, range(1500), (image.Rotate((90, 90)),), (1, 3), "test")
    turns = [np.rot90(picture_, k) for k in range(4)]
    depths = np.array([[np.array_equal(each, turn) for turn in turns].index(True) for each in turned])
    np.testing.assert_allclose(np.bincount(depths, minlength=4) / 1500, [0, 1 / 3, 1 / 3, 1 / 3], atol=0.05)


def test_operations_that_change_the_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"AugMixViews: the operations made uint8 .* they must keep size and dtype"):
        mix.AugMixViews(operations=[image.CenterCrop(8)])({"image": smooth(2)})


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(16, 24, 3), (3, 16, 24), (16, 24), (16, 24, 1), (16, 24, 4)])
def test_pixmix_stays_in_the_range_and_changes_most_pictures(dtype: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    images = rng.random((12, *shape), dtype=np.float32)
    if dtype != "float32":
        images = (images * np.iinfo(dtype).max).astype(dtype)
    before = images.copy()
    out = mix.PixMix(pool=4)({"image": images, "label": range(12)}, classes=12)
    assert out["image"].dtype == images.dtype and out["image"].shape == images.shape
    if dtype == "float32":
        assert out["image"].min() >= 0 and out["image"].max() <= 1
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(out["target"], np.eye(12, dtype=np.float32))
    changed = (out["image"] != images).any(axis=tuple(range(1, images.ndim)))
    assert changed.mean() > 0.5


def test_pixmix_without_rounds_or_copies_is_the_clean_picture() -> None:
    # A start with the picture itself (1 of 2) and no round (1 of 5): a tenth of the samples.
    count = 600
    images = np.repeat(smooth(1), count, axis=0)
    out = mix.PixMix(pool=2)({"image": images})["image"]
    clean = (out == images).all(axis=(1, 2, 3)).mean()
    assert 0.1 - 4 * (0.09 / count) ** 0.5 < clean < 0.1 + 4 * (0.09 / count) ** 0.5 + 0.05


def test_pixmix_of_a_key_does_not_depend_on_its_batch() -> None:
    images = smooth(8)
    many = mix.PixMix(pool=4)({"image": images}, keys=KEYS, epoch=4)["image"]
    few = mix.PixMix(pool=4)({"image": images[[5, 2]]}, keys=[KEYS[5], KEYS[2]], epoch=4)["image"]
    np.testing.assert_array_equal(few, many[[5, 2]])


def test_pixmix_refuses_normalised_pictures() -> None:
    with pytest.raises(ValueError, match="PixMix needs 0 to 1: mix before Normalize"):
        mix.PixMix()({"image": noise(4) * 4 - 2})


@pytest.mark.parametrize("number", range(6))
def test_structured_pictures_are_functions_of_their_number(number: int) -> None:
    first = picture(3, number, 64)
    picture.cache_clear()
    np.testing.assert_array_equal(picture(3, number, 64), first)
    assert first.shape == (64, 64, 3) and first.dtype == np.uint8 and not first.flags.writeable
    assert not np.array_equal(first, picture(3, number + 2, 64))
    assert not np.array_equal(first, picture(4, number, 64))
    # Structure: much contrast, and neighbours that are more alike than strangers.
    grey = first.mean(axis=2)
    assert grey.std() > 8
    assert np.abs(np.diff(grey, axis=1)).mean() < 0.9 * np.abs(grey - np.roll(grey, 31, axis=1)).mean()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mix.AugMixViews(views=0), "AugMixViews: views is 0; allowed: a whole number from 1 to 16"),
        (lambda: mix.AugMixViews(depth=(3, 1)), r"AugMixViews: depth is \(3, 1\); allowed"),
        (lambda: mix.AugMixViews(operations=[]), r"AugMixViews: operations is \(\); allowed: a non-empty list"),
        (
            lambda: mix.AugMixViews(operations=[3]),
            r"AugMixViews: operations\[0\] is a int; allowed: an operation on images",
        ),
        (lambda: mix.PixMix(operations=[Louder()]), "a Louder; allowed: an operation on images"),
        (lambda: mix.PixMix(severity=0), "PixMix: severity is 0; allowed"),
        (lambda: mix.PixMix(rounds=0), "PixMix: rounds is 0; allowed"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_operations_are_written_as_plain_data() -> None:
    mixer = mix.AugMixViews(operations=[image.Invert(p=0.5), image.Rotate((-5, 5))], width=2)
    plain = mix.mixers_to_plain(mixer)
    assert plain == [
        {
            "AugMixViews": {
                "width": 2,
                "operations": [{"image.Invert": {"p": 0.5}}, {"image.Rotate": {"degrees": [-5, 5]}}],
            }
        }
    ]
    assert mix.mixers_from_plain(plain) == ((mixer, 1.0),)


def test_what_needs_raw_pictures_says_so() -> None:
    assert mix.alternatives([mix.MixUp(), mix.PixMix()]).raw
    assert not mix.alternatives([mix.MixUp(), mix.Mosaic(), mix.Cutout()]).raw
    assert mix.alternatives([mix.MixUp(), mix.AugMixViews()]).pictures == ("image", "views")
