"""Presets on data of their kind."""

from __future__ import annotations

import numpy as np
import pytest

from covary import Pipeline, presets

PICTURES = ["photos", "satellite", "xray", "histology", "documents", "driving", "faces", "industrial", "digits"]


def picture(name: str) -> np.ndarray:
    from skimage import data

    source = {"documents": data.page, "histology": data.immunohistochemistry, "digits": data.page}.get(
        name, data.coffee
    )
    found = source()
    return np.ascontiguousarray(found[:160, :220] if found.ndim == 3 else found[:160, :220, None])


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("size", [None, 64])
def test_presets_for_pictures_vary_them_and_give_the_size_asked_for(name: str, size: int | None) -> None:
    pipeline = getattr(presets, name)(size, seed=3)
    source = picture(name)
    results = [pipeline(image=source, key=key)["image"] for key in range(6)]
    if size is not None:
        assert {result.shape for result in results} == {(size, size, source.shape[2])}
    else:
        assert {result.shape[:2] for result in results} <= {source.shape[:2], source.shape[1::-1]}
    assert len({result.tobytes() for result in results}) >= 5
    assert abs(np.mean([result.mean() for result in results]) - source.mean()) < 40


@pytest.mark.parametrize("name", ["speech", "sounds"])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_presets_for_sounds_vary_them_at_any_rate(name: str, rate: int) -> None:
    time = np.arange(rate) / rate
    wave = (0.3 * np.sin(2 * np.pi * 300 * time) * np.sin(np.pi * time)).astype(np.float32)[None]
    pipeline = getattr(presets, name)(seed=3)
    results = [pipeline(audio=wave, rate=rate, key=key)["audio"] for key in range(6)]
    assert len({result.tobytes() for result in results}) >= 5
    assert all(np.isfinite(result).all() for result in results)


def test_preset_for_texts_keeps_negations_and_numbers() -> None:
    source = "It was not the 3 good films of 1999 that we saw, but we did not like the other 2 either."
    results = [presets.text(seed=1)(text=source, key=key)["text"].lower() for key in range(30)]
    assert len(set(results)) > 5
    assert all(result.count("not") + result.count("n't") >= 2 and "1999" in result for result in results)


@pytest.mark.parametrize("name", [*PICTURES, "speech", "sounds", "text"])
def test_presets_come_back_from_yaml(name: str) -> None:
    pipeline = getattr(presets, name)(seed=5)
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline
    assert "Leaves out" in (getattr(presets, name).__doc__ or "")


@pytest.mark.parametrize("modality", ["image", "audio", "text"])
def test_standard_works_at_any_size_and_keeps_it(modality: str) -> None:
    pipeline = presets.standard(modality)  # type: ignore[arg-type]
    if modality == "image":
        for shape in ((8, 8, 1), (31, 57, 3), (200, 100, 4)):
            source = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
            assert pipeline(image=source, key=1)["image"].shape == shape
    elif modality == "audio":
        for count in (400, 16001):
            source = np.random.default_rng(0).normal(0, 0.1, (1, count)).astype(np.float32)
            assert pipeline(audio=source, rate=16000, key=1)["audio"].shape[0] == 1
    else:
        assert pipeline(text="Yes.", key=1)["text"]
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline


def test_standard_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="smell"):
        presets.standard("smell")  # type: ignore[arg-type]
