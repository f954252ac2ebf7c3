"""Policies: published ranges, monotone magnitudes, even draws, closed forms, and any modality."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
from describing import describe

from covary import Constant, OneOf, Pipeline, RandAugment, Signed, TrivialAugment, audio, image, mix
from covary import text as words
from covary.ops.base import Operation
from covary.ops.image.autoaugment import TABLES
from covary.ops.image.policies import USUAL, WIDE, Reach, space
from covary.plan.changes import Warp

RNG = np.random.Generator(np.random.PCG64(4))
PHOTO = np.clip(
    128
    + 60 * np.sin(np.arange(64)[:, None, None] / 9 + np.arange(3))
    + 50 * np.cos(np.arange(72)[None, :, None] / 7)
    + RNG.normal(0, 8, (64, 72, 3)),
    0,
    255,
).astype(np.uint8)
PUBLISHED = [
    image.TrivialAugmentWide(),
    image.RandAugment(),
    image.UniformAugment(),
    image.AutoAugment(),
    image.AutoAugment("cifar10"),
    image.AutoAugment("svhn"),
    image.AugMix(),
]


def corners_moved(operation: Operation) -> float:
    """How far the farthest corner of the canvas is moved."""
    changes, _ = describe(operation, [(64, 72)], 3, "uint8", seed=1)
    (warp,) = (change for change in changes if isinstance(change, Warp))
    corners = np.array([[0, 0, 1], [72, 0, 1], [0, 64, 1], [72, 64, 1]]).T
    return float(np.abs((warp.matrix[0] @ corners - corners)[:2]).max())


def values_moved(operation: Operation, seed: int) -> float:
    made = Pipeline([operation], seed=seed)(image=PHOTO, key=0)["image"]
    return float(np.abs(made.astype(int) - PHOTO).mean())


@pytest.mark.parametrize("reach", [USUAL, WIDE], ids=["usual", "wide"])
@pytest.mark.parametrize("name", list(space(USUAL, "constant", 0)))
def test_distortion_never_falls_as_the_magnitude_rises(name: str, reach: Reach) -> None:
    whole, scaled = space(reach, "constant", 0)[name]
    assert whole is not None
    strengths = np.arange(31) / 30
    if not scaled:
        assert name in ("AutoContrast", "Equalize", "Invert")
        return
    for seed in range(2):
        steps = [whole.with_strength(s) for s in strengths]
        if name.startswith(("Shear", "Translate", "Rotate")):
            distortion = [corners_moved(step) for step in steps]
        else:
            distortion = [values_moved(step, seed) for step in steps]
        assert distortion[0] == 0
        assert (np.diff(distortion) >= -1e-9).all()
        assert distortion[-1] > distortion[3]


def test_full_magnitudes_are_those_of_torchvision() -> None:
    usual, wide = space(USUAL, "constant", 0), space(WIDE, "constant", 0)
    for named, shear, degrees, factor, bits in ((usual, 0.3, 30, 0.9, 4), (wide, 0.99, 135, 0.99, 2)):
        bounds = {name: member.operation for name, member in named.items()}
        low, high = bounds["ShearX"].law("x").bounds()  # type: ignore[union-attr]
        np.testing.assert_allclose(np.tan(np.deg2rad([low, high])), [-shear, shear])
        assert bounds["Rotate"].law("degrees").bounds() == (-degrees, degrees)  # type: ignore[union-attr]
        for name in ("Brightness", "Color", "Contrast", "Sharpness"):
            np.testing.assert_allclose(bounds[name].law("factor").bounds(), (1 - factor, 1 + factor))  # type: ignore[union-attr]
        # 8 - round(level / (30 / (8 - bits))), as torchvision has it
        for level in range(31):
            weaker = bounds["Posterize"].with_strength(level / 30)  # type: ignore[union-attr]
            assert weaker.law("bits").bounds()[0] == 8 - round(level / (30 / (8 - bits)))
        assert bounds["Solarize"].with_strength(0.25).law("threshold").bounds() == (0.75, 0.75)  # type: ignore[union-attr]
    assert usual["TranslateX"].operation.law("x").bounds()[1] == 150 / 331  # type: ignore[union-attr]
    assert wide["TranslateX"].operation.law("x").bounds()[1] == 32  # type: ignore[union-attr]


def test_tables_equal_those_of_torchvision() -> None:
    transforms = pytest.importorskip("torchvision.transforms.v2")
    for name, table in TABLES.items():
        published = transforms.AutoAugment(transforms.AutoAugmentPolicy(name))._policies
        assert [tuple(pair) for pair in published] == list(table)


def test_tables_hold_twenty_five_pairs_of_known_operations() -> None:
    names = set(space(USUAL, "constant", 0))
    for table in TABLES.values():
        assert len(table) == 25
        for name, probability, magnitude in (each for pair in table for each in pair):
            assert name in names
            assert 0 <= probability <= 1
            assert (magnitude is None) == (name in ("AutoContrast", "Equalize", "Invert"))
    assert TABLES["imagenet"][0] == (("Posterize", 0.4, 8), ("Rotate", 0.6, 9))
    assert TABLES["cifar10"][24] == (("TranslateY", 0.7, 9), ("AutoContrast", 0.9, None))
    assert TABLES["svhn"][12] == (("Equalize", 0.9, None), ("TranslateY", 0.6, 6))


@pytest.mark.parametrize("policy", PUBLISHED, ids=repr)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_policy_keeps_the_form_goes_through_yaml_and_can_be_replayed(policy: Operation, dtype: str) -> None:
    white = {"uint8": 1, "uint16": 257, "float32": 1 / 255}[dtype]
    picture = (PHOTO.astype(np.float64) * white).astype(dtype)
    pipeline = Pipeline([policy], seed=2)
    again = Pipeline.from_yaml(pipeline.to_yaml())
    assert again == pipeline
    made = pipeline.batch([picture] * 12, keys=range(12))
    assert made.shape == (12, *picture.shape)
    assert made.dtype == picture.dtype
    assert sum((each != picture).any() for each in made) >= 6
    np.testing.assert_array_equal(again.batch([picture] * 3, keys=[2, 3, 4]), made[2:5])
    trace = json.loads(json.dumps(pipeline.trace(key=5, size=(64, 72), dtype=dtype)))
    np.testing.assert_array_equal(pipeline.replay(trace, image=picture)["image"], made[5])


@pytest.mark.parametrize("policy", PUBLISHED, ids=repr)
def test_strength_zero_does_nothing_and_grey_pictures_pass(policy: Operation) -> None:
    pictures = [PHOTO] * 10
    np.testing.assert_array_equal(
        Pipeline([policy.with_strength(0)]).batch(pictures, keys=range(10)), np.stack(pictures)
    )
    np.testing.assert_array_equal(Pipeline([policy]).batch(pictures, keys=range(10), strength=0), np.stack(pictures))
    half = Pipeline([policy]).batch(pictures, keys=range(10), strength=0.5)
    np.testing.assert_array_equal(half, Pipeline([policy]).with_strength(0.5).batch(pictures, keys=range(10)))
    assert Pipeline([policy])(image=PHOTO[..., :1], key=1)["image"].shape == (64, 72, 1)


def acting(pipeline: Pipeline, key: int, **about: Any) -> list[dict[str, Any]]:
    return [each for each in pipeline.trace(key=key, **about)["operations"] if each["active"]]


def test_trivial_augment_draws_operations_and_levels_evenly() -> None:
    listed = [image.Translate(Signed(30, 30), 0, "pixels"), image.Gamma(), image.Invert(), image.Posterize(2)]
    pipeline = Pipeline([TrivialAugment(listed)], seed=3)
    count = 3000
    kinds: Counter[str] = Counter()
    shifts: Counter[int] = Counter()
    for key in range(count):
        for each in acting(pipeline, key, size=(8, 8))[1:]:
            kinds[each["operation"]] += 1
            if each["operation"] == "Translate":
                shifts[round(abs(each["values"]["x"]))] += 1
    for name in ("Translate", "Gamma", "Posterize"):
        assert abs(kinds[name] - count / 4) < 5 * np.sqrt(count * 3 / 16)
    # Invert has no range: a strength of s is a probability of s, one half over all levels.
    assert abs(kinds["Invert"] - count / 8) < 5 * np.sqrt(count * 7 / 64)
    expected = kinds["Translate"] / 31
    assert set(shifts) == set(range(31))
    assert sum((seen - expected) ** 2 / expected for seen in shifts.values()) < 70  # chi square, 30 degrees of freedom


def test_rand_augment_applies_n_operations_at_the_magnitude() -> None:
    brighter = image.Brightness(Constant(2.0))
    picture = np.full((5, 5, 3), 40, np.uint8)
    made = Pipeline([RandAugment(2, 15, [brighter])])(image=picture, key=0)["image"]
    np.testing.assert_array_equal(made, 90)  # 40 * 1.5 * 1.5
    assert len(acting(Pipeline([image.RandAugment(3, 20, [image.Gamma(), image.Hue()])]), 1, size=(8, 8))) == 4
    named = image.Gamma(name="mine")
    names = {node["name"] for node in Pipeline([RandAugment(2, 9, [named])]).trace(key=0, size=(4, 4))["operations"]}
    assert names == {"RandAugment", "mine", "mine, round 1"}


def test_uniform_augment_applies_each_round_half_of_the_time() -> None:
    pipeline = Pipeline([image.UniformAugment()])
    counts = Counter(len(acting(pipeline, key, size=(8, 8))) - 1 for key in range(2000))
    for happened, share in ((0, 0.25), (1, 0.5), (2, 0.25)):
        assert abs(counts[happened] - 2000 * share) < 5 * np.sqrt(2000 * share * (1 - share))


def test_augmix_of_one_operation_equals_the_blend_with_it() -> None:
    for share in (0.0, 0.3, 1.0):
        policy = image.AugMix(width=3, depth=(1, 1), share=share, operations=[image.Invert()])
        made = Pipeline([policy])(image=PHOTO, key=1)["image"]
        expected = (1 - share) * PHOTO + share * (255.0 - PHOTO)
        np.testing.assert_allclose(made, expected, atol=0.51)


def test_augmix_weights_are_dirichlet_and_shares_even() -> None:
    pipeline = Pipeline([image.AugMix()], seed=8)
    values = [pipeline.trace(key=key, size=(8, 8))["operations"][0]["values"] for key in range(800)]
    share = np.array([each["share"] for each in values])
    assert abs(share.mean() - 0.5) < 5 / np.sqrt(12 * 800)
    first = np.array([-np.log1p(-each["weight0"]) for each in values])  # of alpha 1: exponential numbers
    rest = np.array([-np.log1p(-each["weight1"]) - np.log1p(-each["weight2"]) for each in values])
    assert abs((first / (first + rest)).mean() - 1 / 3) < 5 * np.sqrt(1 / 18 / 800)


def test_jensen_shannon_of_arrays_equals_scipy() -> None:
    from scipy.spatial.distance import jensenshannon
    from scipy.special import softmax

    one, two = np.random.Generator(np.random.PCG64(6)).normal(0, 3, (2, 7, 5))
    expected = [jensenshannon(a, b) ** 2 for a, b in zip(softmax(one, 1), softmax(two, 1), strict=True)]
    np.testing.assert_allclose(mix.jensen_shannon([one, two], "none"), expected, rtol=1e-6)
    np.testing.assert_allclose(mix.jensen_shannon([one, two]), np.mean(expected), rtol=1e-6)


def test_a_policy_of_texts_and_one_of_sounds() -> None:
    texts = ["the quick brown fox jumps over the lazy dog in the green garden"] * 60
    policy = TrivialAugment([words.RandomDeletion(0.5), words.RandomSwap(0.5), words.CaseNoise(0.5)])
    made = Pipeline([policy]).batch(texts, keys=range(60))
    assert 25 < sum(each != texts[0] for each in made) < 60
    assert Pipeline([policy]).batch(texts, keys=range(60), strength=0) == texts
    waves = [np.linspace(-0.5, 0.5, 800, dtype=np.float32)] * 20
    sounds = Pipeline([RandAugment(2, 15, [audio.Gain((-20, -10)), audio.PolarityInversion()])], rate=8000)
    heard = sounds.batch(audio=waves, keys=range(20))["audio"]
    peaks = np.array([np.abs(each).max() for each in heard])
    assert (peaks <= 0.5).all()
    # Two rounds at half strength: -10 dB each at most.
    assert (peaks >= 0.5 * 10 ** (-20 / 20) - 1e-6).all()
    assert len(np.unique(peaks.round(6))) > 10


def test_a_policy_inside_a_combinator_and_a_combinator_inside_a_policy() -> None:
    inner = TrivialAugment([OneOf([image.Gamma(), image.Invert()]), image.HorizontalFlip()], p=0.5)
    pipeline = Pipeline([OneOf([inner, image.RandAugment()])], seed=1)
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline
    made = pipeline.batch([PHOTO] * 30, keys=range(30))
    assert sum((each != PHOTO).any() for each in made) > 10


@pytest.mark.parametrize(
    ("make", "words_of_error"),
    [
        (lambda: TrivialAugment([]), "operations is"),
        (lambda: TrivialAugment([3]), r"operations\[0\] is a int"),
        (lambda: TrivialAugment([image.Gamma()], levels=1), "levels is 1"),
        (lambda: image.RandAugment(0), "n is 0"),
        (lambda: image.RandAugment(2, 31), "magnitude is 31"),
        (lambda: image.AutoAugment("mnist"), "policy is 'mnist'; allowed: imagenet, cifar10, svhn"),
        (lambda: image.TrivialAugmentWide(border="black"), "border is 'black'"),
        (lambda: image.TrivialAugmentWide(strength=2), "strength is 2"),
        (lambda: image.AugMix(depth=(3, 1)), "depth is"),
        (lambda: image.AugMix(operations=[words.CaseNoise(0.5)]), "an operation on images"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, words_of_error: str) -> None:
    with pytest.raises(ValueError, match=words_of_error):
        make()
