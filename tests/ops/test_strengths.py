"""A strength of its own for each sample: the same as a pipeline of that strength, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import Beta, Choice, Constant, Integers, LogUniform, Normal, OneOf, Pipeline, Signed, Uniform, audio, image
from covary import text as words
from covary.draws.distributions import Distribution

LAWS: list[Distribution] = [
    Uniform(-3, 7, identity=0),
    Uniform(0.1, 0.7, identity=1),
    Uniform(2, 5),
    LogUniform(0.5, 3, identity=1),
    Normal(1, 2, identity=0),
    Beta(2, 3, -1, 4, identity=0),
    Choice((1, 2, 5), identity=2),
    Integers(2, 9, identity=1),
    Constant(4, identity=1),
    Constant(4),
    Signed(1, 3, identity=1),
]


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_weakened_values_equal_those_of_the_shrunk_law_bit_for_bit(law: Distribution) -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    u, strength = rng.random(40), rng.choice([0, 0.13, 0.5, 0.7, 1], 40)
    each = [law.shrunk(s).quantile(u[b : b + 1])[0] for b, s in enumerate(strength.tolist())]
    np.testing.assert_array_equal(law.weakened(u, strength), each)


@pytest.mark.parametrize("law", [law for law in LAWS if law.identity is not None], ids=repr)
def test_strength_one_leaves_a_law_as_it_is(law: Distribution) -> None:
    u = np.linspace(0, 0.999, 50)
    np.testing.assert_array_equal(law.shrunk(1).quantile(u), law.quantile(u))
    np.testing.assert_array_equal(law.weakened(u, np.ones(50)), law.quantile(u))


def test_signed_is_even_on_both_sides_of_its_identity() -> None:
    u = (np.arange(1000) + 0.5) / 1000
    values = Signed(1, 3, identity=10).quantile(u)
    assert (values < 10).sum() == 500
    distance = np.sort(np.abs(values - 10)[values > 10])
    np.testing.assert_allclose(distance, np.linspace(1, 3, 500), atol=0.005)
    assert Signed(1, 3, identity=10).bounds() == (7, 13)
    with pytest.raises(ValueError, match="Signed: got low 3, high 1"):
        Signed(3, 1)


PIPELINE = Pipeline(
    [
        image.RandomResizedCrop(24, scale=(0.4, 1)),
        image.HorizontalFlip(),
        image.Affine(rotate=30, scale=(0.7, 1.4), shear=10, translate=0.1),
        OneOf([image.Gamma(), image.Posterize((2, 6)), image.GaussianNoise((0.01, 0.1)), image.Invert(p=0.7)]),
        image.CoarseDropout(p=0.5),
    ],
    seed=5,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.21, 0.5, 1.0]), min_size=1, max_size=6))
def test_a_batch_with_strengths_equals_pipelines_with_strength_bit_for_bit(strengths: list[float]) -> None:
    pictures = list(np.random.Generator(np.random.PCG64(2)).integers(0, 256, (len(strengths), 40, 30, 3), np.uint8))
    keys = [f"{number}" for number in range(len(strengths))]
    made = PIPELINE.batch(pictures, keys=keys, epoch=3, strength=strengths)
    for row, (picture, key, strength) in enumerate(zip(pictures, keys, strengths, strict=True)):
        np.testing.assert_array_equal(
            made[row], PIPELINE.with_strength(strength)(image=picture, key=key, epoch=3)["image"]
        )


def test_strengths_reach_sounds_and_texts() -> None:
    text_pipeline = Pipeline([words.RandomDeletion(0.6)])
    texts = ["one two three four five six seven eight nine ten"] * 2
    assert text_pipeline.batch(texts, keys=[0, 0], strength=[0, 1])[0] == texts[0]
    assert text_pipeline.batch(texts, keys=[0, 0], strength=[0, 1])[1] == text_pipeline.batch(texts, keys=[0, 0])[1]
    sound_pipeline = Pipeline([audio.Gain((-20, -10))], rate=8000)
    wave = np.linspace(-0.5, 0.5, 800, dtype=np.float32)
    quiet = sound_pipeline.batch(audio=[wave, wave], keys=[0, 0], strength=[0, 0.5])["audio"]
    np.testing.assert_array_equal(quiet[0], wave)
    half = sound_pipeline.with_strength(0.5)(audio=wave, key=0)["audio"]
    np.testing.assert_array_equal(quiet[1], half)


@pytest.mark.parametrize("strength", [1.5, -0.1, [0.5], float("nan")])
def test_a_wrong_strength_is_refused(strength: object) -> None:
    with pytest.raises(ValueError, match="strength is"):
        PIPELINE.batch([np.zeros((30, 30, 3), np.uint8)] * 2, strength=strength)  # type: ignore[arg-type]


def test_a_signed_range_goes_through_yaml_with_the_identity_of_its_field() -> None:
    pipeline = Pipeline([image.Rotate(Signed(5, 9)), image.Brightness(Signed(0.1, 0.3))])
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline
    turns = [pipeline.trace(key=key, size=(8, 8))["operations"] for key in range(60)]
    degrees = np.array([trace[0]["values"]["degrees"] for trace in turns])
    factors = np.array([trace[1]["values"]["factor"] for trace in turns])
    assert (np.abs(degrees) >= 5).all() and (np.abs(degrees) <= 9).all() and (degrees < 0).any() and (degrees > 0).any()
    assert (np.abs(factors - 1) >= 0.1 - 1e-12).all() and (np.abs(factors - 1) <= 0.3).all()
