"""Held-out corruptions: of known strength, the same in all runs, never one that was trained on."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from covary import OneOf, Pipeline, audio, image, text
from covary.ops.mix import AugMixViews
from covary.prove.corruptions import corrupted, corruptions_for, held_out, pixelated, through_jpeg
from covary.prove.trial import NONE, Policy
from tests.prove.small import bars, sentences, tones

LINE = "They definitely received separate letters until the beginning of summer, which was {} than ever believed."
WORDS = ("warmer", "older", "longer", "later", "colder", "wetter") * 2
TEXTS = replace(sentences(12), samples=[LINE.format(word) for word in WORDS])
TASKS = {"image": bars(12), "audio": tones(8), "text": TEXTS}
ALL = [(modality, each) for modality in TASKS for each in corruptions_for(modality)]


def _content(task, samples):
    return [sample[task.modality] for sample in samples]


@pytest.mark.parametrize("modality, corruption", ALL, ids=[each.name for _, each in ALL])
def test_each_changes_samples_keeps_their_form_and_depends_on_the_key_alone(modality, corruption):
    task = TASKS[modality]
    before = [np.copy(each) if modality != "text" else each for each in task.samples]
    whole = _content(task, corrupted(task, np.arange(len(task)), corruption))
    some = _content(task, corrupted(task, np.array([5, 2]), corruption))
    if modality == "text":
        assert some == [whole[5], whole[2]] and task.samples == before
        assert all(a != b for a, b in zip(whole, task.samples, strict=True))
        return
    assert all(np.array_equal(a, b) for a, b in zip(task.samples, before, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(some, [whole[5], whole[2]], strict=True))
    for old, new in zip(task.samples, whole, strict=True):
        assert new.shape == old.shape and new.dtype == old.dtype and not np.array_equal(old, new)


def test_what_any_arm_trains_on_is_left_out_inside_combinators_too():
    shaken = Policy("a", Pipeline([OneOf([image.GaussianBlur(), image.Rotate((-5, 5))]), image.ColorJitter()]))
    noisy = Policy("b", Pipeline([image.GaussianNoise()]))
    kept, left = held_out("image", [NONE, shaken, noisy])
    assert left == ("Gaussian noise", "salt and pepper", "blur", "bright", "dark", "low contrast")
    assert [each.name for each in kept] == ["elastic", "pixelated", "JPEG"]
    assert held_out("image", [NONE])[1] == ()
    assert held_out("audio", [Policy("c", Pipeline([audio.Room(), audio.Gain()]))])[1] == ("room", "quiet")
    assert held_out("text", [Policy("d", Pipeline([text.CaseNoise()]))])[1] == ("capitals",)
    assert "low contrast" in held_out("image", [Policy("e", None, (AugMixViews(),))])[1]


def test_kin_are_names_of_operations_or_of_their_usual_names_elsewhere():
    from covary.ops.base import registry

    known = {name.rpartition(".")[2] for name in registry()}
    for modality, corruption in ALL:
        assert corruption.kin & known or corruption.name in ("pixelated", "JPEG"), (modality, corruption.name)
        if corruption.operation is not None:
            assert type(corruption.operation(32)).__name__ in corruption.kin, corruption.name


def test_noise_at_10_db_has_the_ratio_that_numpy_measures():
    task = TASKS["audio"]
    noisy = next(each for each in corruptions_for("audio") if each.name == "noise at 10 dB")
    for old, new in zip(task.samples, _content(task, corrupted(task, np.arange(8), noisy)), strict=True):
        assert 10 * np.log10(np.square(old).mean() / np.square(new - old).mean()) == pytest.approx(10, abs=0.3)


def test_pixels_grow_coarser_as_opencv_makes_them():
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    small = cv2.resize(picture, (18, 12), interpolation=cv2.INTER_AREA)
    assert np.array_equal(pixelated(picture), cv2.resize(small, (30, 20), interpolation=cv2.INTER_NEAREST))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_equals_pillow_within_its_rounding(dtype, channels):
    pillow = pytest.importorskip("PIL.Image")
    import io

    smooth = cv2.resize(np.random.default_rng(1).integers(0, 256, (4, 4, channels), dtype=np.uint8), (32, 32))
    bytes_ = smooth.reshape(32, 32, channels)
    file = io.BytesIO()
    pillow.fromarray(bytes_.squeeze()).save(file, "JPEG", quality=15, subsampling="4:2:0")
    wanted = np.asarray(pillow.open(file)).reshape(bytes_.shape).astype(np.float64)
    factor = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    picture = (bytes_.astype(np.float32) * np.float32(factor)).astype(dtype)
    got = through_jpeg(picture)
    assert got.dtype == dtype
    np.testing.assert_allclose(got.astype(np.float64) / factor, wanted, atol=3)
