from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from covary.cli import app
from covary.prove import proving
from tests.prove.learners import arrows, neighbours

FLIPS = "operations:\n- image.HorizontalFlip: {p: 0.5}\n"


def written(folder: Path) -> Path:
    task = arrows(120)
    for index, (picture, label) in enumerate(zip(task.samples, task.labels, strict=True)):
        path = folder / ("left", "right")[label] / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture)
    return folder


def test_a_folder_is_proved_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Groups, tuning and the preset are the real ones; only the model is one that takes milliseconds.
    monkeypatch.setattr(proving, "_built_in", lambda: neighbours)
    source = written(tmp_path / "arrows")
    (tmp_path / "flips.yaml").write_text(FLIPS)
    command = ["prove", str(source), "-p", str(tmp_path / "flips.yaml"), "-o", str(tmp_path / "out"), "--minutes", "9"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "It hurts" in done.output
    assert "It harms: left, right" in done.output
    facts = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [arm["name"] for arm in facts["arms"]] == ["none", "standard preset", "pipeline"]
    assert facts["settings"]["epochs"] > 0
    assert "It hurts" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_a_missing_pipeline_is_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["prove", str(tmp_path), "-p", str(tmp_path / "none.yaml")])
    assert done.exit_code == 1
    assert "none.yaml: No such file or directory" in done.output
    assert "Traceback" not in done.output
