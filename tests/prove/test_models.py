"""Training and scoring: what is learnt, from what, and that nothing but the trial decides."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from covary import Pipeline, audio, image, text  # noqa: E402
from covary.ops.mix import AugMixViews, BCLearning, CutMix, MixUp  # noqa: E402
from covary.prove.inputs import NgramInputs, clean  # noqa: E402
from covary.prove.models import train_and_score  # noqa: E402
from covary.prove.models.batches import ahead, batches  # noqa: E402
from covary.prove.models.built import initialised, model_for  # noqa: E402
from covary.prove.models.texts import BagOfNgrams, document_frequency  # noqa: E402
from covary.prove.models.training import one_cycle, single_threaded  # noqa: E402
from covary.prove.trial import NONE, Policy  # noqa: E402
from tests.prove.small import accuracy, bars, sentences, tones, trial  # noqa: E402

SHAKE = Policy("shake", Pipeline([image.Translate((-0.1, 0.1), (-0.1, 0.1)), image.GaussianNoise()]))
TASKS = {"image": bars, "audio": tones, "text": sentences}
ARMS = {
    "image": SHAKE,
    "audio": Policy("shift", Pipeline([audio.Gain((-6, 6)), audio.GaussianSNR((10, 30))])),
    "text": Policy("typos", Pipeline([text.KeyboardTypo((0.0, 0.1))])),
}


@pytest.mark.parametrize("modality", TASKS)
@pytest.mark.parametrize("varied", [False, True])
def test_plain_patterns_are_learnt_in_every_modality(modality, varied):
    told = trial(TASKS[modality](), ARMS[modality] if varied else NONE, learning_rate=1e-2)
    outcome = train_and_score(told)
    assert outcome.test.shape == (len(told.test), 2) and outcome.test.dtype == np.float32
    assert outcome.validation.shape == (len(told.validation), 2)
    assert accuracy(outcome.test, told) >= 0.9
    assert outcome.train_loss < 0.4 and outcome.epochs == 12 and outcome.seconds > 0


def test_the_convolutional_text_net_learns():
    told = trial(sentences(), model="convolution", learning_rate=1e-2)
    assert accuracy(train_and_score(told).test, told) >= 0.9


def test_shuffled_labels_are_not_learnt_but_by_heart():
    task = sentences(128)
    told = trial(task.with_labels(np.random.default_rng(3).permutation(task.labels)))
    assert 0.2 <= accuracy(train_and_score(told).test, told) <= 0.8


@pytest.mark.parametrize("modality", TASKS)
def test_a_trial_gives_the_same_bytes_for_any_number_of_threads_and_global_state(modality):
    told = trial(TASKS[modality](), ARMS[modality], epochs=2)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        torch.manual_seed(1)
        first = train_and_score(told)
        torch.set_num_threads(2)
        torch.manual_seed(2)
        state = torch.random.get_rng_state()
        second = train_and_score(told)
        assert torch.get_num_threads() == 2
        assert torch.equal(torch.random.get_rng_state(), state)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(first.test, second.test) and first.train_loss == second.train_loss
    other = train_and_score(replace(told, seed=1))
    assert not np.array_equal(first.test, other.test)


def test_arms_of_a_pair_share_initialisation_order_and_number_of_steps():
    task = bars()
    plain, shaken = trial(task, NONE, seed=5), trial(task, SHAKE, seed=5)
    model = model_for(task)
    first = clean(task, model.inputs, plain.train)
    with single_threaded():
        one, two = (initialised(model, first, told.seed).state_dict() for told in (plain, shaken))
    assert all(torch.equal(one[name], two[name]) for name in one)
    ours, theirs = ([b for some in batches(told, model.inputs, 3) for b in some] for told in (plain, shaken))
    assert [len(batch.inputs) for batch in ours] == [len(batch.inputs) for batch in theirs] == [16, 16, 16]
    assert all(np.array_equal(a.targets, b.targets) for a, b in zip(ours, theirs, strict=True))
    assert not any(np.array_equal(a.inputs, b.inputs) for a, b in zip(ours, theirs, strict=True))


def test_batches_hold_the_variations_that_the_pipeline_gives_for_their_keys():
    task = bars(40)
    told = trial(task, SHAKE, seed=9)
    model = model_for(task)
    got = np.concatenate([batch.inputs for some in batches(told, model.inputs, 2) for batch in some])
    pipeline = SHAKE.pipeline.with_options(seed=9)
    wanted = [pipeline(task.samples[i], key=task.keys[i], epoch=2) for i in told.train]
    order = np.random.default_rng([9, 2]).permutation(len(told.train))
    assert np.array_equal(
        got, np.stack([wanted[i] for i in order]).transpose(0, 3, 1, 2).astype(np.float32) * np.float32(1 / 255)
    )


@pytest.mark.parametrize(
    "task, mixers", [(bars, (MixUp(1.0), CutMix(1.0))), (tones, (MixUp(1.0),)), (tones, (BCLearning(),))]
)
def test_mixed_targets_sum_to_one_and_are_shared(task, mixers):
    told = trial(task(), Policy("mix", None, mixers))
    made = [batch for some in batches(told, model_for(told.task).inputs, 0) for batch in some]
    targets = np.concatenate([batch.targets for batch in made])
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
    assert ((targets > 0.01) & (targets < 0.99)).any(1).mean() > 0.2
    assert np.isfinite(train_and_score(told).test).all()


def test_views_are_trained_to_agree():
    told = trial(bars(64), Policy("views", None, (AugMixViews(),)), learning_rate=1e-2, epochs=8)
    batch = next(batches(told, model_for(told.task).inputs, 0))[0]
    assert batch.views and batch.inputs.shape == (16, 3, 1, 12, 12)
    assert accuracy(train_and_score(told).test, told) >= 0.8


def test_what_cannot_be_mixed_is_refused_by_name():
    with pytest.raises(ValueError, match=r"policy 'm': mix has MixUp; texts cannot be mixed"):
        train_and_score(trial(sentences(), Policy("m", None, (MixUp(),))))
    with pytest.raises(ValueError, match=r"BCLearning mixes waveforms, MixUp spectrograms"):
        train_and_score(trial(tones(), Policy("m", None, (BCLearning(), MixUp()))))


def test_unknown_models_and_empty_trials_are_refused():
    with pytest.raises(ValueError, match=r"model is 'resnet'; allowed for image: \"residual\", \"timm:NAME\""):
        train_and_score(trial(bars(), model="resnet"))
    with pytest.raises(ValueError, match="train is empty"):
        train_and_score(replace(trial(bars()), train=np.zeros(0, dtype=np.int64)))
    with pytest.raises(ValueError, match="epochs is 0"):
        train_and_score(trial(bars(), epochs=0))


def test_corrupted_logits_come_for_what_the_policy_does_not_train_on():
    outcome = train_and_score(trial(bars(), SHAKE, corruptions=True, epochs=1))
    assert "blur" in outcome.corrupted and "Gaussian noise" not in outcome.corrupted
    assert all(logits.shape == outcome.test.shape for logits in outcome.corrupted.values())


def test_the_bag_equals_tf_idf_of_scikit_learn_times_the_scores():
    text_module = pytest.importorskip("sklearn.feature_extraction.text")
    task = sentences(20)
    inputs = NgramInputs(buckets=1 << 15)
    numbers = inputs.of([task.fields(i) for i in range(20)])
    bag = BagOfNgrams(document_frequency(numbers, inputs.buckets), 20, 2)
    scores = torch.randn(inputs.buckets, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        bag.scores.weight.copy_(scores)
        got = bag(torch.from_numpy(numbers)).numpy()
    # The same documents of numbers; their term counts enter as repeated terms, each with its own weight.
    documents = [" ".join(f"n{number}" for number in np.unique(row[row > 0])) for row in numbers]
    vectors = text_module.TfidfVectorizer(norm="l2").fit(documents)
    columns = [int(name[1:]) for name in vectors.get_feature_names_out()]
    repeats = np.array([len(np.unique(row[row > 0])) == (row > 0).sum() for row in numbers])
    wanted = 10 * vectors.transform(documents) @ scores.numpy()[columns]
    assert repeats.any()
    np.testing.assert_allclose(got[repeats], wanted[repeats], rtol=1e-4, atol=1e-4)


def test_document_frequency_counts_texts_not_occurrences():
    assert document_frequency(np.array([[3, 3, 1, 0], [3, 2, 0, 0]]), 5).tolist() == [2, 1, 1, 2, 0]


def test_one_cycle_rises_to_one_and_falls_to_nothing():
    rates = [one_cycle(step, 100) for step in range(100)]
    assert max(rates) == rates[19] == 1 and rates[-1] < 0.01
    assert all(a < b for a, b in pairwise(rates[:20]))
    assert all(a > b for a, b in pairwise(rates[19:]))
    assert [one_cycle(step, 1) for step in range(1)] == [1.0]


def test_orders_are_made_in_order_and_errors_come_through():
    assert list(ahead(lambda n: n * n, range(7))) == [0, 1, 4, 9, 16, 25, 36]
    with pytest.raises(ZeroDivisionError):
        list(ahead(lambda n: 1 // n, [1, 0]))
