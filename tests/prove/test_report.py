from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from covary import Pipeline, image, text
from covary.prove import Policy, Report, Task, prove
from covary.prove.analysis import class_changes, worth
from covary.prove.curve import Multiplier
from covary.prove.experiment import Experiment
from covary.prove.report.examples import examples
from covary.prove.splits import Splits
from covary.prove.store import Store
from tests.prove.learners import arrows, blobs, neighbours, softmax_regression

NAMES = ("<script>alert(1)</script>", "b & c", "c")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    task = blobs(90, 3, noise=130)
    task = Task(**{**vars(task), "classes": NAMES})
    pipeline = Pipeline([image.GaussianNoise((0.02, 0.1)), image.Rotate((-10, 10))])
    return prove(
        task,
        pipeline,
        standard=Pipeline([image.HorizontalFlip()]),
        out=tmp_path_factory.mktemp("report"),
        train_and_score=softmax_regression,
        groups=np.arange(90),
        runs=6,
        progress=False,
    )


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]


def page_of(report: Report) -> str:
    assert report.out is not None
    return (report.out / "index.html").read_text(encoding="utf-8")


def test_the_page_is_self_contained_and_says_the_verdict_first(report: Report) -> None:
    html = page_of(report)
    page = Page()
    page.feed(html)
    assert all(link.startswith(("data:", "#")) for link in page.links)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert html.index(report.sentence) < html.index("<svg")
    assert page.tags.count("svg") == 6
    assert page.tags.count("img") == 15


def test_its_plots_are_well_formed(report: Report) -> None:
    for svg in re.findall(r"<svg.*?</svg>", page_of(report), re.S):
        assert ET.fromstring(svg).tag.endswith("svg")


def test_names_of_classes_are_text(report: Report) -> None:
    assert "<script>" not in page_of(report)
    assert "b &amp; c" in page_of(report)


def test_figures_are_json_without_nan_and_agree_with_the_report(report: Report) -> None:
    assert report.out is not None

    def refuse(name: str) -> Any:
        raise AssertionError(name)

    facts = json.loads((report.out / "report.json").read_text(), parse_constant=refuse)
    assert facts == report.facts
    assert facts["verdict"] == report.verdict
    assert [arm["name"] for arm in facts["arms"]] == ["none", "standard preset", "pipeline"]
    scores = {arm["name"]: arm["score"] for arm in facts["arms"]}
    assert facts["difference"]["estimate"] == pytest.approx(scores["pipeline"] - scores["none"], abs=0.02)
    assert [each["name"] for each in facts["operations"]] == ["GaussianNoise", "Rotate"]
    assert [each["name"] for each in facts["robustness"]["corruptions"]] == ["darkness"]
    assert len(facts["curve"]["none"]) == 3
    assert facts["times"]["seconds_per_epoch"]["none"] > 0


def test_no_file_is_left_half_written(report: Report) -> None:
    assert report.out is not None
    assert {path.name for path in report.out.iterdir()} == {"index.html", "report.json", "runs.sqlite"}


def test_calibration_after_scaling_is_no_worse_in_log_loss(report: Report) -> None:
    for arm in report.facts["calibration"]:
        assert arm["after"]["nll"] <= arm["before"]["nll"] + 0.05
        assert arm["before"]["temperature"] == 1


def test_a_class_that_flips_destroy_is_named_and_others_are_not() -> None:
    # Three classes: left, right, and a noise that flips leave as it is.
    task = arrows(120)
    dark = np.random.default_rng(0).integers(0, 40, (60, 10, 10, 1)).astype(np.uint8)
    whole = Task(
        name="three",
        modality="image",
        samples=[*task.samples, *dark],
        labels=np.concatenate([task.labels, np.full(60, 2)]),
        classes=("left", "right", "dark"),
        keys=tuple(range(180)),
        splits=("",) * 180,
    )
    made = Experiment(whole, Splits.of(whole), neighbours, Store())
    found = class_changes(made, Policy("flips", Pipeline([image.HorizontalFlip()])), range(6))
    assert [each["harmed"] for each in found] == [True, True, False]
    assert found[2]["estimate"] == 0


def test_worth_in_words() -> None:
    assert worth(Multiplier(0.5, 1.8, 1.3, 1.95, 0.5, 2)) == "worth 1.8x the data, 1.3 to 1.9"
    assert worth(Multiplier(0.5, 1.8, 1.3, np.inf, 0.5, 2)) == "worth 1.8x the data, 1.3 to more than 2.0"
    assert (
        worth(Multiplier(0.25, np.inf, 2.5, np.inf, 1, 4))
        == "worth more than 4.0x the data, 2.5 and more with 95 % certainty"
    )


def test_examples_of_texts_and_sounds() -> None:
    labels = np.array([0, 1])
    about: dict[str, Any] = {"name": "t", "labels": labels, "classes": ("a", "b"), "keys": (0, 1), "splits": ("", "")}
    texts = Task(modality="text", samples=["one <b> two three", "four five six"], **about)
    shown = examples(texts, Policy("p", Pipeline([text.RandomSwap()])))
    assert "&lt;b&gt;" in shown
    from covary import audio

    waves = [np.sin(np.arange(4000) * step).astype(np.float32)[None] for step in (0.1, 0.3)]
    sounds = Task(modality="audio", samples=waves, rates=np.array([8000, 8000]), **about)
    assert examples(sounds, Policy("p", Pipeline([audio.Gain()]))).count("data:image/png") == 10
