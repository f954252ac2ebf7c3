"""Soft labels against their formula; the visible share against pixels that are counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import Constant, Loader, OneOf, Pipeline, audio, image
from covary.learn import edited_share, noise_share, soft_label, visible_fraction

SIZE = (90, 120)


def counted(pipeline: Pipeline, key: int, epoch: int) -> float:
    """The share of source pixels that are found in the output: each pixel has a value of its own."""
    height, width = SIZE
    y, x = np.mgrid[0:height, 0:width]
    places = np.stack([x, y], axis=2).reshape(-1, 2).astype(np.float64)
    out = pipeline(image=np.ones((*SIZE, 3), np.float32), keypoints=places, key=key, epoch=epoch)
    shown, picture = out["keypoints"], out["image"]
    column, row = np.rint(shown).astype(int).T
    unpainted = picture[row.clip(0, picture.shape[0] - 1), column.clip(0, picture.shape[1] - 1), 0] > 0.5
    return float(unpainted.sum() / len(places))


GEOMETRY = [
    image.RandomResizedCrop(64, scale=(0.1, 0.6)),
    image.Rotate(60),
    image.Translate(0.4, 0.4),
    image.Scale((0.5, 1.9)),
    image.Perspective(),
    image.HorizontalFlip(p=0.5),
    image.CoarseDropout(),
    image.ElasticTransform(),
    image.GaussianBlur(0.5),
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(GEOMETRY), min_size=1, max_size=4), st.integers(0, 1000))
def test_visible_fraction_equals_the_share_of_keypoints_that_are_seen(operations: list, key: int) -> None:
    pipeline = Pipeline(operations, seed=1)
    (fraction,) = visible_fraction(pipeline, [SIZE], keys=[key], epoch=2, dtype="float32")
    # Lines through 90 x 120 pixels are counted to about a pixel's breadth.
    assert abs(fraction - counted(pipeline, key, 2)) < 0.03


def test_visible_fraction_is_exact_in_closed_forms() -> None:
    sizes = [SIZE] * 3
    keys = range(3)
    crop = Pipeline([image.CenterCrop((45, 60))])
    np.testing.assert_allclose(visible_fraction(crop, sizes, keys=keys), 0.25, atol=1e-12)
    shift = Pipeline([image.Translate(Constant(0.25), Constant(-0.5), border="reflect")])
    np.testing.assert_allclose(visible_fraction(shift, sizes, keys=keys), 0.375, atol=1e-12)
    zoom = Pipeline([image.Scale((2, 2)), image.VerticalFlip(), image.Rotate((180, 180))])
    np.testing.assert_allclose(visible_fraction(zoom, sizes, keys=keys), 0.25, atol=1e-12)
    out = Pipeline([image.Scale((0.5, 0.5)), image.Rotate((30, 30)), image.Gamma()])
    np.testing.assert_allclose(visible_fraction(out, sizes, keys=keys), 1, atol=1e-12)
    # A square turned by 45 degrees: an octagon is left of it.
    turned = Pipeline([image.Rotate((45, 45))])
    np.testing.assert_allclose(visible_fraction(turned, [(100, 100)], keys=[0]), 2 * np.sqrt(2) - 2, atol=1e-12)
    hole = Pipeline([image.Cutout(30, p=1.0)])
    trace = hole.trace(key=1, size=SIZE)
    assert trace["operations"][0]["active"]
    painted = hole(image=np.ones((*SIZE, 1), np.float32), key=1)["image"] == 0
    np.testing.assert_allclose(visible_fraction(hole, [SIZE], keys=[1]), 1 - painted.mean(), atol=1e-12)


def test_the_loader_gives_the_same_as_a_field() -> None:
    pictures = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (9, *SIZE, 3), dtype=np.uint8)
    pipeline = Pipeline([OneOf([image.RandomCrop(40), image.Resize(40)]), image.CoarseDropout(p=0.5)], seed=2)
    for batch in Loader((pictures, np.arange(9)), pipeline, batch_size=4, visible=True, workers=0).epoch(3):
        expected = visible_fraction(pipeline, [SIZE] * len(batch.keys), keys=batch.keys, epoch=3)
        np.testing.assert_array_equal(batch.visible, expected)
        made = soft_label(batch.label, 1 - batch.visible, classes=9)
        assert made.shape == (len(batch.keys), 9)
    whole = next(iter(Loader((pictures, np.arange(9)), batch_size=4, visible=True, workers=0)))
    np.testing.assert_array_equal(whole.visible, 1)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.floats(0, 1)), min_size=1, max_size=8),
    st.floats(0.5, 6),
    st.floats(0.05, 1),
)
@settings(max_examples=40, deadline=None)
def test_soft_labels_equal_the_formula(pairs: list[tuple[int, float]], power: float, least: float) -> None:
    labels, distortion = np.array([label for label, _ in pairs]), np.array([share for _, share in pairs])
    made = soft_label(labels, distortion, 5, power=power, least=least)
    own = 1 - (1 - least) * distortion**power
    np.testing.assert_allclose(made[np.arange(len(labels)), labels], own, rtol=1e-5)
    np.testing.assert_allclose(made.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(soft_label(np.eye(5)[labels], distortion, power=power, least=least), made, atol=1e-6)
    # Of a mixture, each part is lowered alike.
    half = soft_label((np.eye(5)[labels] + 0.2) / 2, distortion, power=power, least=least)
    even = (1 - own) / 4 + (own - (1 - own) / 4) * 0.2
    np.testing.assert_allclose(half, (made + even[:, None]) / 2, atol=1e-6)


def test_an_undistorted_sample_keeps_its_label_and_nothing_left_is_chance() -> None:
    made = soft_label([2, 1], [0.0, 1.0], ["a", "b", "c", "d"])
    np.testing.assert_array_equal(made, [[0, 0, 1, 0], [0.25] * 4])


def test_noise_share_equals_the_measured_share_of_power() -> None:
    np.testing.assert_allclose(noise_share([0, 10, np.inf]), [0.5, 1 / 11, 0])
    wave = np.sin(np.arange(48000) / 7).astype(np.float32)
    pipeline = Pipeline([audio.GaussianSNR((6, 6))], rate=48000)
    noisy = pipeline(audio=wave, key=0)["audio"]
    share = np.mean((noisy - wave) ** 2) / (np.mean((noisy - wave) ** 2) + np.mean(wave**2))
    np.testing.assert_allclose(noise_share(6), share, rtol=0.02)


def test_edited_share_counts_words() -> None:
    shares = edited_share(["a b c d", "a b c d", "a b", ""], ["a b c d", "a x c d", "c d", ""])
    np.testing.assert_allclose(shares, [0, 0.25, 1, 0])


def test_wrong_arguments_are_refused() -> None:
    for words, call in (
        ("distortion goes from 0.0 to 1.5", lambda: soft_label([0, 1], [0, 1.5], 2)),
        ("power is 0", lambda: soft_label([0, 1], [0, 1], 2, power=0)),
        ("least is 2", lambda: soft_label([0, 1], [0, 1], 2, least=2)),
        ("pass classes=", lambda: soft_label([0, 1], [0, 1])),
        ("label has shape", lambda: soft_label([0, 1, 1], [0, 1], 2)),
        ("two classes", lambda: soft_label([0, 0], [0, 1], 1)),
        ("edited_share: 1 originals", lambda: edited_share(["a"], [])),
    ):
        with pytest.raises(ValueError, match=words):
            call()
