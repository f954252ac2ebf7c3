"""MixUp, CutMix and what all mixers of two samples promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixing import KEYS, noise, numbered, partners_of

from covary import mix

PAIRS: list[mix.PairMixer] = [mix.MixUp(1.0), mix.CutMix()]
SIZE = 32 * 32


@pytest.mark.parametrize("mixer", PAIRS, ids=repr)
@settings(max_examples=25, deadline=None)
@given(count=st.integers(2, 40), seed=st.integers(0, 2**64 - 1), epoch=st.integers(0, 2**32 - 1))
def test_partners_are_one_cycle_through_the_batch(mixer: mix.PairMixer, count: int, seed: int, epoch: int) -> None:
    out = mix.mix_batch(
        type(mixer)(pairs=True),
        {"image": numbered(count), "label": range(count)},
        classes=count,
        seed=seed,
        epoch=epoch,
    )
    assert out["target_a"].tolist() == list(range(count))
    at, seen = 0, set()
    while at not in seen:
        seen.add(at)
        at = int(out["target_b"][at])
    assert len(seen) == count


@pytest.mark.parametrize("mixer", PAIRS, ids=repr)
@pytest.mark.parametrize("count", [2, 3, 7, 8])
def test_pixels_and_labels_name_the_same_partner_and_share(mixer: mix.PairMixer, count: int) -> None:
    images = numbered(count, 32, 32)
    out = mixer({"image": images, "label": np.arange(count)}, classes=count, seed=5)
    # A picture's mean is the mean of the numbers of its sources, weighted by their shares: so is its target's.
    pictured = out["image"].mean(axis=(1, 2, 3), dtype=np.float64)
    np.testing.assert_allclose(pictured, out["target"] @ np.arange(count), atol=1e-5)
    partners = partners_of(out["target"])
    assert (partners != np.arange(count)).all()
    for row in range(count):
        if isinstance(mixer, mix.CutMix):
            assert set(np.unique(out["image"][row])) <= {row, partners[row]}


@pytest.mark.parametrize("mixer", PAIRS, ids=repr)
def test_mean_of_lambda_is_that_of_the_beta_law(mixer: mix.PairMixer) -> None:
    count = 4000
    out = type(mixer)(0.7, pairs=True)({"image": np.zeros((count, 1, 32, 32), np.uint8)}, seed=11)
    # Beta(a, a) has mean 1 / 2 and variance 1 / (4 (2 a + 1)); four standard errors.
    variance = 1 / (4 * (2 * 0.7 + 1))
    assert abs(out["lam"].mean() - 0.5) < 4 * (variance / count) ** 0.5
    assert abs(out["lam"].var() / variance - 1) < 0.1


@pytest.mark.parametrize("mixer", PAIRS, ids=repr)
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_rate_of_mixed_samples_is_p(mixer: mix.PairMixer, p: float) -> None:
    count = 4000
    images = np.arange(count, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 8, 8), np.float32)
    out = type(mixer)(2.0, p=p, pairs=True)({"image": images}, seed=2)
    mixed = (out["image"] != images).any(axis=(1, 2, 3))
    assert abs(mixed.mean() - p) <= 4 * (p * (1 - p) / count) ** 0.5
    np.testing.assert_array_equal(out["lam"] < 1, mixed)


@pytest.mark.parametrize("mixer", PAIRS, ids=repr)
def test_p_is_decided_by_each_sample_for_itself(mixer: mix.PairMixer) -> None:
    half = type(mixer)(2.0, p=0.5, pairs=True)
    rates = [(half({"image": numbered(8, 16, 16)}, epoch=epoch)["lam"] < 1).mean() for epoch in range(40)]
    assert len(set(rates)) > 3


@pytest.mark.parametrize("mixer", PAIRS, ids=repr)
@pytest.mark.parametrize("dtype", ["float32", "uint8", "uint16"])
def test_a_batch_of_equal_pictures_stays_as_it_is(mixer: mix.PairMixer, dtype: str) -> None:
    images = np.repeat(noise(1, dtype=dtype), 5, axis=0)
    out = mixer({"image": images, "label": [2] * 5}, classes=300)
    np.testing.assert_array_equal(out["image"], images)
    np.testing.assert_array_equal(out["target"], np.eye(300, dtype=np.float32)[[2] * 5])
    assert out["image"].dtype == images.dtype


@pytest.mark.parametrize("mixer", PAIRS, ids=repr)
def test_a_batch_of_one_comes_back(mixer: mix.PairMixer) -> None:
    image = noise(1)
    out = mixer({"image": image, "label": [1]}, classes=3)
    np.testing.assert_array_equal(out["image"], image)
    assert out["image"] is not image
    assert out["target"].tolist() == [[0, 1, 0]]


@pytest.mark.parametrize("mixer", [*PAIRS, [mix.MixUp(), (mix.CutMix(), 2.0)]], ids=repr)
def test_order_of_the_batch_changes_nothing(mixer: Any) -> None:
    images, order = noise(8), np.random.default_rng(0).permutation(8)
    one = mix.mix_batch(mixer, {"image": images, "label": range(8)}, classes=8, keys=KEYS, seed=4, epoch=3)
    fields = {"image": images[order], "label": np.arange(8)[order]}
    other = mix.mix_batch(mixer, fields, classes=8, keys=[KEYS[row] for row in order], seed=4, epoch=3)
    np.testing.assert_array_equal(other["image"], one["image"][order])
    np.testing.assert_array_equal(other["target"], one["target"][order])


@pytest.mark.parametrize("mixer", PAIRS, ids=repr)
def test_lambda_of_a_key_is_the_same_in_any_batch(mixer: mix.PairMixer) -> None:
    paired = type(mixer)(1.0, pairs=True)
    many = paired({"image": noise(8)}, keys=KEYS, epoch=2)["lam"]
    few = paired({"image": noise(3)}, keys=KEYS[2:5], epoch=2)["lam"]
    np.testing.assert_array_equal(few, many[2:5])
    other = paired({"image": noise(8)}, keys=KEYS, epoch=3)["lam"]
    assert (other != many).all()


@pytest.mark.parametrize("mixer", PAIRS, ids=repr)
def test_input_is_not_changed_and_seeds_repeat(mixer: mix.PairMixer) -> None:
    fields = {"image": noise(6), "label": np.arange(6), "path": list("abcdef")}
    before = {"image": fields["image"].copy(), "label": fields["label"].copy()}
    one, again = (mixer(fields, classes=6, seed=9, epoch=1) for _ in range(2))
    np.testing.assert_array_equal(fields["image"], before["image"])
    np.testing.assert_array_equal(fields["label"], before["label"])
    np.testing.assert_array_equal(one["image"], again["image"])
    assert one["path"] is fields["path"] and one["label"] is fields["label"]
    assert not np.array_equal(one["image"], mixer(fields, classes=6, seed=10, epoch=1)["image"])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("strided", [False, True])
def test_mixup_equals_the_exact_blend_rounded_once(dtype: str, strided: bool) -> None:
    images = noise(9, 20, 30, dtype)
    images = images[:, :, ::-1, ::2] if strided else images
    out = mix.MixUp(1.0, pairs=True)({"image": images, "label": range(9)}, classes=9)
    exact = images.astype(np.float64)
    lam = out["lam"].astype(np.float64)[:, None, None, None]
    blend = lam * exact + (1 - lam) * exact[out["target_b"]]
    if dtype == "uint8":
        np.testing.assert_array_equal(out["image"], np.rint(blend).astype(dtype))
    elif dtype == "uint16":
        np.testing.assert_array_equal(out["image"], np.floor(blend + 0.5).astype(dtype))
    else:
        np.testing.assert_allclose(out["image"], blend, atol=2e-7)


@pytest.mark.parametrize("layout", ["CHW", "HWC", "HW"])
def test_cutmix_pastes_one_rectangle_of_the_partner_and_counts_its_pixels(layout: str) -> None:
    images = noise(6, 12, 17, "uint8", "HWC" if layout == "HWC" else "CHW")
    images = images[:, 0] if layout == "HW" else images
    out = mix.CutMix(pairs=True)({"image": images, "label": range(6)}, classes=6)
    for row in range(6):
        partner = out["target_b"][row]
        differs = out["image"][row] != images[row]
        flat = differs if layout == "HW" else differs.any(axis=0 if layout == "CHW" else 2)
        ys, xs = np.nonzero(flat)
        box = (slice(ys.min(), ys.max() + 1), slice(xs.min(), xs.max() + 1))
        pasted = (slice(None), *box) if layout == "CHW" else box
        np.testing.assert_array_equal(out["image"][row][pasted], images[partner][pasted])
        assert out["lam"][row] == pytest.approx(1 - flat[box].size / flat.size)


def test_each_sample_is_given_one_mixer_by_weight_and_that_ones_p() -> None:
    count = 6000
    images = np.arange(count, dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 16, 16), np.float32)
    mixers = [(mix.MixUp(5.0, p=0.5, pairs=True), 1.0), (mix.CutMix(5.0), 3.0)]
    out = mix.mix_batch(mixers, {"image": images}, seed=3)["image"]
    kinds = np.array([len(np.unique(picture)) for picture in out])
    assert abs((kinds == 2).mean() - 0.75) < 0.025
    blended = (kinds == 1) & (out[:, 0, 0, 0] != np.arange(count))
    assert abs(blended.mean() - 0.125) < 0.02


def test_mixers_of_one_type_draw_apart_and_a_name_fixes_the_draws() -> None:
    fields = {"image": noise(8), "label": range(8)}
    one = mix.MixUp(1.0, name="a")(fields, classes=8)
    assert not np.array_equal(one["target"], mix.MixUp(1.0)(fields, classes=8)["target"])
    beside = mix.mix_batch([(mix.MixUp(1.0), 0.0), (mix.MixUp(1.0, name="a"), 1.0)], fields, classes=8)
    np.testing.assert_array_equal(one["target"], beside["target"])


def test_mixup_blends_any_stacked_field() -> None:
    spectra = np.random.default_rng(0).random((5, 80, 31), dtype=np.float32)
    out = mix.MixUp(1.0, field="spectrum", pairs=True)({"spectrum": spectra, "label": range(5)}, classes=5)
    lam = out["lam"][:, None, None]
    np.testing.assert_allclose(out["spectrum"], lam * spectra + (1 - lam) * spectra[out["target_b"]], atol=1e-6)


@pytest.mark.parametrize(
    ("mixers", "plain"),
    [
        (mix.MixUp(0.4), [{"MixUp": {"alpha": 0.4}}]),
        ([mix.MixUp(), mix.CutMix(p=0.5, pairs=True)], [{"MixUp": {}}, {"CutMix": {"pairs": True, "p": 0.5}}]),
        ([(mix.MixUp(), 1), (mix.CutMix(), 3)], [{"MixUp": {"weight": 0.25}}, {"CutMix": {"weight": 0.75}}]),
    ],
)
def test_mixers_are_plain_data(mixers: Any, plain: list[Any]) -> None:
    assert mix.mixers_to_plain(mixers) == plain
    assert mix.alternatives(mix.mixers_from_plain(plain)) == mix.alternatives(mixers)


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ([{"Mixup": {}}], "there is no mixer 'Mixup'; did you mean 'MixUp'"),
        ([{"MixUp": {"alpa": 1}}], "MixUp has no argument 'alpa'; did you mean 'alpha'"),
        ([{"Rotate": {}}], "there is no mixer 'Rotate'"),
        ({"MixUp": {}}, "a list of mixers is needed"),
        ([{"MixUp": {"alpha": 0}}], "MixUp: alpha is 0; allowed: a number above 0"),
    ],
)
def test_wrong_plain_data_is_refused(plain: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mix.mixers_from_plain(plain)


@pytest.mark.parametrize(
    ("fields", "options", "message"),
    [
        ({"label": [1]}, {"classes": 2}, "CutMix: no image among the fields"),
        ({"image": [np.zeros((4, 4, 3), np.uint8)] * 2}, {}, "CutMix: image is a list; one NumPy array"),
        ({"image": np.zeros((2, 4, 4, 3))}, {}, "CutMix: image.0. is float64; allowed are NumPy arrays of float32"),
        ({"image": np.zeros((2, 3, 4, 3), np.uint8)}, {}, "either end could be the channels; pass layout="),
        ({"image": np.zeros((2, 7, 9, 8), np.uint8)}, {}, "neither end looks like channels; pass layout="),
        ({"image": noise(2), "label": [0]}, {"classes": 2}, "every field needs one entry for each sample; got image 2"),
        ({"image": noise(2)}, {"keys": ["a"]}, "every field needs one entry for each sample; got image 2, keys 1"),
        ({"image": noise(2)}, {"layout": "NCHW"}, "layout is 'NCHW'; allowed: 'CHW', 'HWC' or None"),
        ({"image": noise(2)}, {"seed": -1}, "seed is -1; allowed"),
        ({"image": noise(2)}, {"epoch": [0, 1, 2]}, "epoch is .*one for each of the 2 samples"),
    ],
)
def test_wrong_fields_are_refused(fields: Any, options: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        mix.CutMix()(fields, **options)


@pytest.mark.parametrize(
    ("mixers", "message"),
    [
        ([], "allowed: a mixer, or a list"),
        (["MixUp"], r"mixers\[0\] is 'MixUp'"),
        ([(mix.MixUp(), -1.0)], "weights"),
        ([mix.MixUp(name="a"), mix.CutMix(name="a")], "two mixers are called 'a'"),
    ],
)
def test_wrong_mixers_are_refused(mixers: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        mix.mix_batch(mixers, {"image": noise(2)})
