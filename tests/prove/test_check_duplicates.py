"""Groups of duplicates, against pairs that were made by other libraries' encoders and resamplers."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.ops.view import Modality
from covary.prove.duplicates import find_duplicates, groups_of, joined
from covary.prove.task import Task


def task_of(samples: Sequence[Any], modality: Modality = "image", rates: Sequence[int] | None = None) -> Task:
    count = len(samples)
    labels = np.arange(count) % 2
    return Task(
        name="made",
        modality=modality,
        samples=list(samples),
        labels=labels,
        classes=("a", "b"),
        keys=tuple(range(count)),
        splits=("",) * count,
        rates=None if rates is None else np.array(rates),
    )


def photographs(count: int) -> list[np.ndarray]:
    """Parts of photographs that do not overlap."""
    from skimage import data

    parts = []
    for source in (data.astronaut(), data.cat(), data.coffee(), data.rocket()):
        for top in range(0, source.shape[0] - 143, 144):
            for left in range(0, source.shape[1] - 143, 144):
                part = source[top : top + 144, left : left + 144]
                if cv2.GaussianBlur(part, (0, 0), 3).std() > 25:
                    parts.append(np.ascontiguousarray(part))
    return parts[:count]


def encoded(picture: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 55])[1], cv2.IMREAD_COLOR)


def resized(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, (100, 90), interpolation=cv2.INTER_AREA)


def cropped(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture[4:-3, 2:-5])


@pytest.mark.parametrize(("change", "share"), [(encoded, 0.9), (resized, 0.95), (cropped, 0.5)])
def test_a_picture_changed_by_opencv_is_found_and_no_stranger(
    change: Callable[[np.ndarray], np.ndarray], share: float
) -> None:
    pictures = photographs(30)
    count = len(pictures)
    groups = groups_of(task_of([*pictures, *map(change, pictures)]))
    assert np.mean(groups[:count] == groups[count:]) >= share
    assert len(set(groups[:count])) == count


def test_no_two_of_1797_digits_are_duplicates() -> None:
    from sklearn.datasets import load_digits

    digits = (load_digits().images[..., None] * 15).astype(np.uint8)
    assert len(set(groups_of(task_of(list(digits))))) == len(digits)


def test_equal_tiny_digits_are_one_group_and_nearly_equal_ones_near() -> None:
    from sklearn.datasets import load_digits

    digits = list((load_digits().images[:60, ..., None] * 15).astype(np.uint8))
    touched = digits[3].copy()
    touched[0, 0] += 2
    found = find_duplicates(task_of([*digits, digits[7].copy(), touched]))
    assert (found.exact[60], found.near[60]) == (7, 7)
    assert found.exact[61] == 60
    assert found.near[61] == 3


@pytest.mark.parametrize("noise", [0, 4])
def test_drawings_of_one_kind_are_not_taken_for_one_picture(noise: int) -> None:
    generator = np.random.default_rng(3)
    drawings = []
    for _ in range(120):
        canvas = np.full((48, 48), 20.0)
        centre, radius = generator.uniform(16, 32, 2), generator.uniform(8, 15)
        cv2.circle(canvas, tuple(int(x * 16) for x in centre), int(radius * 16), 180.0, -1, cv2.LINE_AA, 4)
        drawings.append(np.clip(canvas + generator.normal(0, noise, canvas.shape), 0, 255).astype(np.uint8)[..., None])
    assert len(set(groups_of(task_of(drawings)))) >= 110


def spoken(seed: int, rate: int = 16000) -> np.ndarray:
    """A voice-like sound (1, rate) of its own pitch, melody and vowels."""
    generator = np.random.default_rng(seed)
    time = np.arange(rate) / rate
    pitch = generator.uniform(90, 220) * (1 + 0.1 * np.sin(2 * np.pi * generator.uniform(1, 4) * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    vowels = generator.uniform((300, 900), (800, 2200))
    voice = np.zeros(rate)
    for harmonic in range(1, 20):
        level = np.exp(-np.square((harmonic * pitch[:, None] - vowels) / 150)).sum(1)
        voice += level * np.sin(harmonic * phase + generator.uniform(0, 6))
    voice *= np.interp(time, np.linspace(0, 1, 8), [0, *generator.uniform(0.1, 1, 6), 0])
    voice += generator.normal(0, 0.005, rate)
    return (voice / np.abs(voice).max() * 0.7).astype(np.float32)[None]


def vorbis(wave: np.ndarray) -> tuple[np.ndarray, int]:
    file = io.BytesIO()
    soundfile.write(file, wave.T, 16000, format="OGG", subtype="VORBIS")
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0][None], 16000


def halved(wave: np.ndarray) -> tuple[np.ndarray, int]:
    import soxr

    return soxr.resample(wave[0], 16000, 8000)[None].astype(np.float32), 8000


def shifted(wave: np.ndarray) -> tuple[np.ndarray, int]:
    return np.pad(wave * np.float32(0.4), ((0, 0), (2500, 0))), 16000


@pytest.mark.parametrize("change", [vorbis, halved, shifted])
def test_a_sound_changed_by_libsndfile_or_soxr_is_found_and_no_stranger(
    change: Callable[[np.ndarray], tuple[np.ndarray, int]],
) -> None:
    waves = [spoken(seed) for seed in range(24)]
    changed = [change(wave) for wave in waves]
    groups = groups_of(
        task_of([*waves, *(wave for wave, _ in changed)], "audio", [16000] * 24 + [rate for _, rate in changed])
    )
    assert (groups[:24] == groups[24:]).all()
    assert len(set(groups)) == 24


def test_silent_sounds_do_not_stop_the_search() -> None:
    silence = np.zeros((1, 4000), dtype=np.float32)
    groups = groups_of(task_of([spoken(1), silence, silence[:, :3000], spoken(2)], "audio", [16000] * 4))
    assert len(set(groups)) == 4


def test_near_texts_are_found_and_short_ones_only_when_equal() -> None:
    long = (
        "The harbour of the old town was rebuilt twice, first after the fire and then after the flood of that spring."
    )
    other = (
        "Nobody in the valley remembers who planted the three oaks beside the chapel, nor why the middle one is bent."
    )
    texts = [
        long,
        other,
        long.upper() + " !",
        long.replace("spring", "winter"),
        "It is good.",
        "It is bad.",
        "it is GOOD",
    ]
    assert groups_of(task_of(texts, "text")).tolist() == [0, 1, 0, 0, 2, 3, 2]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(alphabet="ab c", min_size=40, max_size=60), min_size=2, max_size=12))
def test_pairs_of_texts_have_the_jaccard_similarity_of_python_sets(texts: list[str]) -> None:
    from covary.prove.alike_texts import ALIKE, FEWEST_WORDS, LENGTH, alike_texts

    for i, j in alike_texts(texts).tolist():
        plain = [" ".join(texts[k].split()) for k in (i, j)]
        pieces = [{text[k : k + LENGTH] for k in range(len(text) - LENGTH + 1)} for text in plain]
        equal = plain[0] == plain[1]
        assert equal or len(pieces[0] & pieces[1]) / len(pieces[0] | pieces[1]) >= ALIKE
        assert equal or min(len(text.split()) for text in plain) >= FEWEST_WORDS


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=20))
def test_joined_groups_equal_unions_made_one_by_one(pairs: list[tuple[int, int]]) -> None:
    expected = list(range(20))
    for i, j in pairs:
        old, new = max(expected[i], expected[j]), min(expected[i], expected[j])
        expected = [new if group == old else group for group in expected]
    groups = joined(np.arange(20), np.array(pairs, dtype=np.int64).reshape(-1, 2))
    assert [groups.tolist().index(group) for group in groups] == expected
