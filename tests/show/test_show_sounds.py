"""Sounds as a page: what stands where, what is heard, and what is said."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from covary import Pipeline, audio
from covary.data.decode import decode
from covary.data.open import open_dataset
from covary.show import show
from covary.show.sound_figure import LEFT, PLOT, SPECTRUM, WAVE, Scale, figure, spectrogram
from covary.show.sounds import Mark, SoundVersion, marks_of
from covary.show.wav import wav_bytes
from covary.targets.events import Events
from tests.show.reading import Element, needs_nothing_else, read_page

RATE = 8000
EVENTS = [{"start": 0.25, "end": 0.5, "label": "red"}, {"start": 1.0, "end": 1.0, "label": "<b>click</b>"}]


def tone(seconds: float = 2.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    wave = np.where((time >= 0.25) & (time < 0.5), 0.5 * np.sin(2 * np.pi * 1000 * time), 0).astype(np.float32)
    wave[RATE] = 0.9
    return wave


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    rows = []
    for number in range(3):
        soundfile.write(tmp_path / f"{number}.wav", tone() * (1 - number / 4), RATE)
        rows.append({"audio": f"{number}.wav", "label": "ab"[number % 2], "events": EVENTS})
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def heard(version: Element) -> tuple[np.ndarray, int]:
    """What the player of a version holds, decoded by soundfile."""
    kind, data = version.all("audio")[0].attributes["src"].split(",")
    assert kind == "data:audio/wav;base64"
    levels, rate = soundfile.read(io.BytesIO(base64.b64decode(data, validate=True)), dtype="int16", always_2d=True)
    return levels.T, rate


def placed(version: Element) -> list[tuple[str, float, float]]:
    """Labels, and the times at which they are drawn, by the figure's own scale."""
    svg = version.all("svg")[0].attributes
    left, scale = float(svg["data-left"]), float(svg["data-scale"])
    found = []
    for mark in version.all("g", "mark"):
        box = mark.all("rect")[0].attributes
        lines = sorted({(float(line.attributes["x1"]) - left) / scale for line in mark.all("line")})
        assert abs(lines[0] - (float(box["x"]) - left) / scale) < 1e-9
        found.append((mark.attributes["data-label"], lines[0], lines[-1]))
    return found


def test_a_page_holds_the_sounds_and_events_that_the_pipeline_makes(manifest: Path, tmp_path: Path) -> None:
    pipeline = Pipeline(
        [audio.GaussianSNR((10, 20)), audio.Speed((0.7, 1.4)), audio.Shift((-0.1, 0.1), roll=False)], seed=2
    )
    shown = show(manifest, pipeline, tmp_path / "page.html", count=2, times=3)
    assert not shown.skipped and shown.path is not None
    root = read_page(shown.path.read_bytes())
    assert needs_nothing_else(root) and len(root.all("script")) == 1
    dataset = open_dataset(manifest)
    sections = root.all("section")
    assert len(sections) == 2
    for section in sections:
        key = section.all("h2")[0].text()
        sample = dataset.read(list(dataset.keys).index(key))
        fields = {name: sample[name] for name in ("audio", "rate", "events")}
        wanted = [fields, *(pipeline(**fields, key=key, epoch=epoch) for epoch in range(3))]
        versions = section.all("div", "version")
        assert len(versions) == 4
        for version, expected in zip(versions, wanted, strict=True):
            levels, rate = heard(version)
            assert rate == expected["rate"]
            assert levels.shape == expected["audio"].shape
            assert np.abs(levels - expected["audio"].clip(-1, 1) * 2.0**15).max() <= 1
            drawn = placed(version)
            assert [label for label, _, _ in drawn] == [event["label"] for event in expected["events"]]
            for (_, start, end), event in zip(drawn, expected["events"], strict=True):
                # Figures are written to a hundredth of a unit.
                assert abs(start - event["start"]) < 1e-4 and abs(end - event["end"]) < 1e-4
        assert "<b>click</b>" in [text.text() for text in section.all("title")][1]
    assert b"<b>click" not in shown.path.read_bytes()


def test_captions_say_what_the_trace_says(manifest: Path, tmp_path: Path) -> None:
    pipeline = Pipeline([audio.Gain(12), audio.Reverse(p=0.5)], seed=5)
    shown = show(manifest, pipeline, tmp_path / "page.html", count=1, times=8)
    assert shown.path is not None
    section = read_page(shown.path.read_bytes()).all("section")[0]
    key = section.all("h2")[0].text()
    seen = set()
    for epoch, version in enumerate(section.all("div", "version")[1:]):
        trace = pipeline.trace(key=key, epoch=epoch, audio=np.zeros(2 * RATE, np.float32), rate=RATE)
        gain, reverse = trace["operations"]
        items = [item.text() for item in version.all("li")]
        assert items[0] == f"Gain gain_db {gain['values']['gain_db']:.4g}"
        assert items[1].strip() == ("Reverse" if reverse["active"] else "Reverse not applied")
        seen.add(reverse["active"])
    assert seen == {True, False}


def test_16_bit_samples_come_back_from_a_wav_as_they_were() -> None:
    levels = np.array([[-32768, -1, 0, 1, 32767], [5, 4, 3, 2, 1]], np.int16)
    read, rate = soundfile.read(io.BytesIO(wav_bytes(levels, 44100)), dtype="int16", always_2d=True)
    assert rate == 44100 and np.array_equal(read.T, levels)
    loud, _ = soundfile.read(io.BytesIO(wav_bytes(np.array([[-2.0, 2.0, 0.5]], np.float32), 8000)), dtype="int16")
    assert loud.tolist() == [-32768, 32767, 16384]


def test_the_spectrogram_is_brightest_where_and_when_the_tone_is() -> None:
    version = SoundVersion("original", tone()[None], RATE, {})
    power, hop = spectrogram(version)
    power = power[:, : int(0.9 / hop)]  # before the click
    band, frame = np.unravel_index(power.argmax(), power.shape)
    assert 0.25 <= frame * hop <= 0.5
    inside = np.flatnonzero(power.max(axis=0) > power.max() - 10) * hop
    assert abs(inside[0] - 0.25) < 0.03 and abs(inside[-1] - 0.5) < 0.03
    # Mels by Slaney are linear up to 1 kHz, 15 of them, and logarithmic above.
    mels = 15 + np.log(4000 / 1000) / (np.log(6.4) / 27)
    assert abs((band + 1) / (power.shape[0] + 1) - 15 / mels) < 0.03


def test_the_picture_of_the_spectrogram_lies_at_its_time() -> None:
    version = SoundVersion("original", tone()[None], RATE, {})
    scale = Scale.of([version])
    root = read_page(figure(version, scale).encode())
    image = root.all("image")[0].attributes
    box = next(svg.attributes for svg in root.all("svg") if "data-left" not in svg.attributes)
    pixels = decode(base64.b64decode(image["href"].split(",")[1])).astype(int).sum(axis=2)
    columns = np.flatnonzero(pixels.max(axis=0) > 0.8 * pixels.max())
    assert float(box["x"]) == LEFT and float(box["width"]) == PLOT
    step = float(image["width"]) / pixels.shape[1]
    times = (float(image["x"]) + (columns + 0.5) * step) / scale.per_second
    assert abs(times[0] - 0.25) < 0.03
    assert abs(times[-1] - 0.5) < 0.03
    assert image["height"] == box["height"] == str(SPECTRUM)


def test_the_waveform_reaches_its_peak_where_the_sound_does() -> None:
    version = SoundVersion("original", tone()[None], RATE, {})
    scale = Scale.of([version])
    root = read_page(figure(version, scale).encode())
    points = [tuple(map(float, pair.split(","))) for pair in root.all("polygon")[0].attributes["points"].split()]
    highest = min(points, key=lambda point: point[1])
    assert abs((highest[0] - LEFT) / scale.per_second - 1.0) < 0.01
    assert abs(highest[1] - 0) < 1
    assert max(y for _, y in points) == pytest.approx(WAVE / 2 * (1 + 0.5 / 0.9), abs=2)


def test_figures_of_a_sample_share_their_scale() -> None:
    short = SoundVersion("original", tone()[None, : RATE // 2], RATE, {})
    long = SoundVersion("variation 0", tone(4.0)[None] / 2, RATE, {})
    scale = Scale.of([short, long])
    assert scale.per_second == PLOT / 4
    assert scale.peak == pytest.approx(0.5, abs=0.01)
    frames = [read_page(figure(each, scale).encode()).all("rect", "frame")[0] for each in (short, long)]
    assert [float(frame.attributes["width"]) for frame in frames] == [pytest.approx(PLOT / 8), pytest.approx(PLOT)]


def test_overlapping_events_stand_in_lanes_of_their_own() -> None:
    marks = (Mark(0.0, 1.0, "a"), Mark(0.5, 1.5, "b"), Mark(1.0, 2.0, "c"))
    version = SoundVersion("original", tone()[None], RATE, {"events": marks})
    root = read_page(figure(version, Scale.of([version])).encode())
    tops = {g.attributes["data-label"]: float(g.all("rect")[0].attributes["y"]) for g in root.all("g", "mark")}
    assert tops["a"] == tops["c"] != tops["b"]


@pytest.mark.parametrize(
    ("value", "beside", "labels"),
    [
        ([(0.0, 1.0, "a"), [1.0, 2.0, 7]], {}, ["a", "7"]),
        ([{"start": 0, "duration": 1, "word": "hi"}, {"start": 1, "end": 2}], {}, ["hi", ""]),
        (np.array([[0.0, 1.0, 3.0], [1.0, 2.0, 4.0]]), {}, ["3", "4"]),
        ([(0, 1), (1, 2)], {"event_labels": ["x", "y"]}, ["x", "y"]),
    ],
)
def test_labels_of_events_in_all_forms(value: Any, beside: dict[str, Any], labels: list[str]) -> None:
    marks = marks_of("events", {"events": value, **beside}, Events(), RATE)
    assert [mark.label for mark in marks] == labels
    assert [mark[:2] for mark in marks] == [(0, 1), (1, 2)]
    halves = marks_of("events", {"events": value, **beside}, Events(unit="samples"), 2)
    assert [mark[:2] for mark in halves] == [(0, 0.5), (0.5, 1)]


@pytest.mark.parametrize(
    "wave",
    [
        np.zeros((1, 1), np.float32),
        np.zeros((2, 3000), np.int16),
        np.zeros((1, 0), np.float32),
        np.full((5, 192000), 3.0, np.float32),
        np.ones((1, 4000), np.int32) << 30,
    ],
)
def test_every_kind_of_sound_makes_a_page(wave: np.ndarray, tmp_path: Path) -> None:
    from covary.show.sound_page import sound_page
    from covary.show.sounds import SoundRow

    version = SoundVersion("original", wave, 192000, {"events": (Mark(0, 0, "x"),)})
    root = read_page(sound_page("t", "a", [SoundRow("k", "", (version,))]))
    assert len(root.all("svg")) >= 1
    said = root.all("div", "version")[0].text()
    assert ("clipped" in said) == (wave.dtype == np.float32 and wave.size > 0 and wave.max() > 1)
    assert len(root.all("audio")) == (wave.shape[1] > 0)


def test_what_no_player_should_hold_is_left_out_and_said() -> None:
    from covary.show.sound_page import MOST_SECONDS, sound_page
    from covary.show.sounds import SoundRow

    version = SoundVersion("original", np.zeros((1, 100 * 1000), np.int16), 1000, {})
    root = read_page(sound_page("t", "a", [SoundRow("k", "", (version,))]))
    assert heard(root)[0].shape == (1, MOST_SECONDS * 1000)
    assert f"the first {MOST_SECONDS} s can be played" in root.text()


def test_words_of_a_folder_without_labels_and_another_ending(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one.wav", tone(), RATE)
    shown = show(tmp_path, Pipeline([audio.Gain(3)]), tmp_path / "out.html", times=1)
    assert shown.path == tmp_path / "out.html"
    assert len(read_page(shown.path.read_bytes()).all("audio")) == 2
    with pytest.raises(ValueError, match=r"sounds are shown as a page; allowed: \.html"):
        show(tmp_path, Pipeline([audio.Gain(3)]), tmp_path / "out.png")


def test_a_pipeline_without_operations_shows_what_the_data_are(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "one.wav", tone(), RATE)
    shown = show(tmp_path, Pipeline([]), tmp_path / "out.html", times=1)
    assert shown.path is not None and not shown.skipped
