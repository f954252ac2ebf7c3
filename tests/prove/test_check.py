"""`covary check` on tasks of which it is known what destroys their labels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.alarm_tasks import arrows, chirps, digits, reviews, shapes, sizes
from covary import Pipeline, audio, image, text
from covary.cli import app
from covary.ops.base import Operation
from covary.prove.check import Findings, check
from covary.prove.check_report import write_report


@pytest.fixture(scope="module")
def on_arrows() -> Findings:
    """Left and right arrows, their classes without telling names."""
    pipeline = Pipeline(
        [
            image.Rotate(10),
            image.HorizontalFlip(),
            image.VerticalFlip(),
            image.Rotate((-180, 180), p=0.8),
            image.RandomRotate90(),
            image.Brightness((0.7, 1.3)),
        ],
        seed=4,
    )
    return check(arrows(120, 1), pipeline)


def test_flipped_arrows_are_found_from_pixels_alone(on_arrows: Findings) -> None:
    verdicts = {finding.name: finding.verdict for finding in on_arrows.operations}
    assert verdicts == {
        "Rotate": "safe",
        "HorizontalFlip": "unsafe",
        "VerticalFlip": "safe",
        "Rotate#2": "unsafe",
        "RandomRotate90": "unsafe",
        "Brightness": "safe",
    }
    moves = on_arrows.operations[1].measured.worst_moves()
    assert {(move.source, move.target) for move in moves if move.unsafe} == {
        ("class 0", "class 1"),
        ("class 1", "class 0"),
    }
    assert all(move.share > 0.9 and move.overlap > 0.5 for move in moves)
    assert not any(finding.rules for finding in on_arrows.operations)
    assert "measured: HorizontalFlip sends class 0 to class 1 in 100 %" in on_arrows.operations[1].why


def test_ranges_are_cut_and_values_left_out_where_a_part_is_safe(on_arrows: Findings) -> None:
    kept = on_arrows.mended.operations
    assert [type(operation).__name__ for operation in kept] == [
        "Rotate",
        "VerticalFlip",
        "Rotate",
        "RandomRotate90",
        "Brightness",
    ]
    low, high = kept[2].law("degrees").bounds()
    assert -60 < low < -10
    assert 10 < high < 60
    assert kept[2].p == 0.8
    assert kept[3].law("turns").values == (0, 1, 3)  # type: ignore[attr-defined]


def test_mended_pipeline_is_safe_when_it_is_checked_itself(on_arrows: Findings) -> None:
    assert check(on_arrows.task, on_arrows.mended, seed=1).ok


def test_what_is_kept_draws_as_before(on_arrows: Findings) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 1), dtype=np.uint8)
    before = on_arrows.pipeline.trace(key="a", epoch=3, size=picture.shape[:2])["operations"]
    after = on_arrows.mended.trace(key="a", epoch=3, size=picture.shape[:2])["operations"]
    drawn = {record["name"]: record for record in before}
    assert [record["name"] for record in after] == [
        "Rotate",
        "VerticalFlip",
        "Rotate#2",
        "RandomRotate90",
        "Brightness",
    ]
    for record in after:
        if record["name"] not in ("Rotate#2", "RandomRotate90"):
            assert record == drawn[record["name"]]


def test_digits_flips_and_half_turns_are_named_with_classes_and_dropped() -> None:
    pipeline = Pipeline(
        [
            image.HorizontalFlip(),
            image.VerticalFlip(),
            image.Rotate((180, 180), p=0.5),
            image.Rotate(8),
            image.Translate((-0.05, 0.05), (-0.05, 0.05)),
        ]
    )
    findings = check(digits(300, 0), pipeline)
    assert [finding.name for finding in findings.unsafe] == ["HorizontalFlip", "VerticalFlip", "Rotate"]
    half_turn = findings.operations[2]
    assert any("6 pass for 9" in sentence for sentence in half_turn.why)
    assert any("rule: letters by half turns" in sentence and "(6, 9)" in sentence for sentence in half_turn.why)
    assert findings.preset == "digits"
    assert findings.mended.operations[0].name == "Rotate#2"
    assert len(findings.mended.operations) == 2


def test_reversed_chirps_swap_and_nothing_else_does() -> None:
    findings = check(chirps(80, 2), Pipeline([audio.Reverse(), audio.Gain(), audio.ColorNoise()]))
    assert [finding.name for finding in findings.unsafe] == ["Reverse"]


def test_lost_negation_is_found_from_texts_alone_and_goes_one_way() -> None:
    findings = check(reviews(300, 0), Pipeline([text.RandomDeletion(0.3), text.KeyboardTypo(0.02)]))
    assert [finding.name for finding in findings.unsafe] == ["RandomDeletion"]
    moves = [move for move in findings.operations[0].measured.worst_moves() if move.unsafe]
    assert [(move.source, move.target) for move in moves] == [("class 1", "class 0")]
    cut = findings.mended.operations[0]
    assert cut.law("alpha").bounds()[1] < 0.15


def test_zoom_that_makes_small_things_large_is_cut_between_their_sizes() -> None:
    findings = check(sizes(160, 0), Pipeline([image.Scale((0.45, 2.2))]))
    assert not findings.ok
    left = findings.mended.operations
    assert not left or left[0].law("scale").bounds()[1] < 2


def test_upside_down_triangles_are_unfamiliar_but_not_wrong() -> None:
    findings = check(shapes(180, 0), Pipeline([image.VerticalFlip(), image.HorizontalFlip()]))
    assert [finding.verdict for finding in findings.operations] == ["strong", "safe"]
    assert findings.mended == findings.pipeline


def test_no_alarm_among_harmless_operations() -> None:
    harmless = [image.Rotate(10), image.GaussianNoise(), image.Translate(0.05, 0.05)]
    for task in (digits(250, 5, named=False), shapes(100, 5), arrows(100, 5)):
        assert check(task, Pipeline(harmless, seed=5), seed=5).ok, task.name


def test_random_labels_give_no_alarm_and_a_note() -> None:
    task = shapes(150, 0).with_labels(np.random.default_rng(0).integers(0, 3, 150))
    findings = check(task, Pipeline([image.HorizontalFlip(), image.Rotate((-180, 180)), image.Invert()]))
    assert findings.ok
    assert any("it may miss" in note for note in findings.notes)


def test_same_seed_same_findings_with_any_number_of_threads() -> None:
    pipeline = Pipeline([image.HorizontalFlip(), image.Rotate(20)], seed=2)
    first, again = (check(arrows(60, 3), pipeline, seed=7, threads=threads).to_dict() for threads in (1, 2))
    assert first == again


def test_operation_that_cannot_run_alone_gets_the_sizes_before_it() -> None:
    pipeline = Pipeline([image.Resize(48), image.RandomCrop(44), image.GaussianNoise(), image.Normalize("imagenet")])
    findings = check(shapes(90, 0), pipeline)
    assert {finding.name: finding.verdict for finding in findings.operations} == {
        "Resize": "safe",
        "RandomCrop": "safe",
        "GaussianNoise": "safe",
    }
    assert findings.mended == pipeline


@dataclass(frozen=True, repr=False)
class Fails(Operation):
    def describe(self, draw: object, view: object) -> object:
        raise ValueError("it needs a picture of the moon")


def test_operation_that_cannot_run_is_said_to_be_unmeasured() -> None:
    findings = check(shapes(60, 0), Pipeline([Fails(), image.Brightness()]))
    assert [finding.verdict for finding in findings.operations] == ["not measured", "safe"]
    assert "needs a picture of the moon" in findings.operations[0].why[0]
    assert findings.mended == findings.pipeline


def test_report_holds_all_and_nothing_from_outside(on_arrows: Findings, tmp_path: Path) -> None:
    page = write_report(on_arrows, tmp_path / "report").read_text(encoding="utf-8")
    assert "HorizontalFlip" in page
    assert "data:image/png;base64," in page
    assert "http" not in page
    plain = json.loads((tmp_path / "report" / "check.json").read_text(encoding="utf-8"))
    assert plain == on_arrows.to_dict()
    assert Pipeline.from_yaml(tmp_path / "report" / "safe.yaml") == on_arrows.mended


def written(folder: Path, names: tuple[str, str]) -> Path:
    task = arrows(60, 0)
    for number, picture in enumerate(task.samples):
        place = folder / names[int(task.labels[number])]
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{number:03}.png"), picture)
    (folder / names[0] / "broken.png").write_bytes(b"no picture")
    return folder


def test_command_names_the_swap_writes_the_mended_pipeline_and_says_so_by_its_status(tmp_path: Path) -> None:
    data = written(tmp_path / "data", ("right_arrow", "left_arrow"))
    Pipeline([image.HorizontalFlip(), image.Brightness()], seed=5).to_yaml(tmp_path / "p.yaml")
    arguments = ["check", str(data), "--pipeline", str(tmp_path / "p.yaml"), "--write", str(tmp_path / "safe.yaml")]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2, result.output
    assert "HorizontalFlip sends left_arrow to right_arrow in" in result.output
    assert "rule: left and right" in result.output
    assert "broken.png" in result.output
    assert Pipeline.from_yaml(tmp_path / "safe.yaml") == Pipeline([image.Brightness()], seed=5)
    assert "a mirrored left is a right" in (tmp_path / "safe.yaml").read_text(encoding="utf-8")
    again = ["check", str(data), "--pipeline", str(tmp_path / "safe.yaml")]
    assert CliRunner().invoke(app, again).exit_code == 0


@pytest.mark.parametrize(("arguments", "said"), [({"purpose": "cakes"}, "cakes"), ({"samples": 3}, "20 and more")])
def test_wrong_arguments_are_refused(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check(shapes(30, 0), Pipeline([]), **arguments)  # type: ignore[arg-type]
