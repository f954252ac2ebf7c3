"""`covary show` for sounds and texts, from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from covary import Pipeline, audio, text
from covary.cli import app
from tests.show.reading import read_page


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Pipeline([text.RandomSwap(0.3)], seed=1).to_yaml(tmp_path / "words.yaml")
    Pipeline([audio.Gain(6)], seed=1).to_yaml(tmp_path / "gain.yaml")
    (tmp_path / "lines.txt").write_text("Anna moved from Rome.\nThe <old> house was sold.\n", encoding="utf-8")
    (tmp_path / "sounds").mkdir()
    soundfile.write(tmp_path / "sounds" / "a.wav", np.zeros(800, np.float32), 8000)
    return tmp_path


def test_texts_are_printed(here: Path) -> None:
    done = CliRunner().invoke(app, ["show", "lines.txt", "-p", "words.yaml", "-n", "2"])
    assert done.exit_code == 0
    assert done.output.count("Anna moved from Rome.") == 1 and "{~" in done.output
    assert "words.yaml · seed 1 · 2 texts, 2 variations of each" in done.output


def test_pages_are_written(here: Path) -> None:
    done = CliRunner().invoke(app, ["show", "lines.txt", "-p", "words.yaml", "-o", "pages/t.html", "--seed", "9"])
    assert (done.exit_code, done.output.strip()) == (0, "pages/t.html")
    root = read_page((here / "pages" / "t.html").read_bytes())
    assert len(root.all("p", "text")) == 12 and "seed 9" in root.text()
    done = CliRunner().invoke(app, ["show", "sounds", "-p", "gain.yaml", "-n", "3"])
    assert (done.exit_code, done.output.strip()) == (0, "sheet.html")
    assert len(read_page((here / "sheet.html").read_bytes()).all("audio")) == 4


def test_bad_sounds_are_reported_and_the_rest_is_shown(here: Path) -> None:
    (here / "sounds" / "bad.wav").write_bytes(b"no sound")
    done = CliRunner().invoke(app, ["show", "sounds", "-p", "gain.yaml"])
    assert done.exit_code == 1
    assert "skipped: bad.wav: " in done.stderr and "sheet.html" in done.stdout


def test_data_without_what_the_pipeline_varies_are_refused(here: Path) -> None:
    done = CliRunner().invoke(app, ["show", "sounds", "-p", "words.yaml"])
    assert done.exit_code == 1 and "no text there can be shown" in done.output
