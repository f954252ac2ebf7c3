"""What `covary bench` measures: that all is there and adds up; how fast anything is, is not tested."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from covary import Pipeline, image, text
from covary.cli import app
from covary.speed import made_up, measure

BRIEF: dict[str, Any] = {"workers": [0], "seconds": 0.01, "batch_size": 4}


def test_made_up_pictures_have_the_spectrum_of_photographs() -> None:
    pictures = made_up(3, 120, 160)
    assert pictures.shape == (3, 120, 160, 3)
    assert pictures.dtype == np.uint8
    power = (np.abs(np.fft.fft2(pictures - pictures.mean(axis=(1, 2), keepdims=True), axes=(1, 2))) ** 2).mean((0, 3))
    frequency = np.hypot(np.fft.fftfreq(120)[:, None], np.fft.fftfreq(160)[None, :])
    rings = (frequency > 0.02) & (frequency < 0.2)
    slope = np.polyfit(np.log(frequency[rings]), np.log(power[rings]), 1)[0]
    assert slope == pytest.approx(-2, abs=0.25)


def test_every_operation_has_a_step_and_steps_add_up() -> None:
    pipeline = Pipeline([image.HorizontalFlip(), image.Rotate(20), image.Normalize()], seed=1)
    found = measure(made_up(6, 40, 50), pipeline, **BRIEF)
    assert [step.operation for step in found.steps] == [repr(operation) for operation in pipeline.operations]
    assert sum(step.added for step in found.steps) == pytest.approx(found.steps[-1].total)
    assert found.samples == 6
    (rate,) = found.rates
    assert rate.workers == 0
    assert rate.per_second > 0
    assert rate.render > 0


@pytest.mark.parametrize("workers", [[2], [1, 0]])
def test_each_number_of_workers_is_tried_once(workers: list[int]) -> None:
    found = measure(made_up(6, 40, 50), Pipeline([image.Invert()]), **{**BRIEF, "workers": workers})
    assert [rate.workers for rate in found.rates] == sorted(workers)


def test_texts_are_measured_too(tmp_path: Path) -> None:
    table = tmp_path / "tickets.csv"
    table.write_text("text,label\nmy screen stays dark,hardware\nthe page does not load,web\n")
    found = measure(table, Pipeline([text.RandomSwap()]), **BRIEF)
    assert len(found.steps) == 1
    assert "RandomSwap" in str(found)


def test_an_empty_data_set_and_no_time_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"seconds is 0; allowed: above 0"):
        measure(seconds=0)
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "1.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="no other sample can be used"):
        measure(tmp_path, Pipeline([image.Invert()]), **BRIEF)


def test_the_command_prints_both_tables(tmp_path: Path) -> None:
    rules = tmp_path / "p.yaml"
    rules.write_text(Pipeline([image.Invert()], seed=1).to_yaml())
    said: Any = CliRunner().invoke(app, ["bench", "-p", str(rules), "--seconds", "0.1", "--workers", "0"])
    assert said.exit_code == 0, said.output
    assert "samples/s" in said.output
    assert "Invert()" in said.output
