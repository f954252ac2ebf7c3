"""The report as one self-contained page: the verdict first, then figures, harm, costs and limits."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from covary.prove.report import plots
from covary.prove.report.examples import examples
from covary.prove.task import Task
from covary.prove.trial import Policy

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #22242a; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
.verdict { font-size: 1.25rem; padding: 1rem 1.2rem; border-left: .5rem solid; background: #f6f8fa; margin: 1rem 0; }
.helps { border-color: #1a7f37; } .hurts { border-color: #cf222e; } .none { border-color: #8a8f98; }
.harm { color: #cf222e; } .small { color: #6a6f78; font-size: .9rem; }
table { border-collapse: collapse; font-size: .9rem; } td, th { padding: .2rem .6rem; text-align: left; vertical-align:
top; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; } tr + tr td { border-top: 1px solid #e6e6e6;
} svg { max-width: 100%; height: auto; } .examples img { image-rendering: pixelated; }
pre { background: #f6f8fa; padding: .8rem; overflow-x: auto; font-size: .85rem; }
"""


def write_page(path: Path, facts: dict[str, Any], task: Task, policy: Policy) -> None:
    """Write the page of an experiment's figures to a file.

    Raises:
        ImportError: matplotlib is not installed.
        OSError: the file cannot be written.
    """
    made = path.with_name(path.name + ".part")
    made.write_text(page(facts, task, policy), encoding="utf-8")
    made.replace(path)


def page(facts: dict[str, Any], task: Task, policy: Policy) -> str:
    """The page as HTML."""
    title = f"Does it help? {Path(facts['task']['name']).name}"
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f'<p class="small">{html.escape(_about(facts))}</p>',
        _verdict(facts),
        _harm(facts),
        plots.differences(facts),
        _arms(facts),
        plots.runs(facts),
        _looks(facts),
        _classes(facts),
        _worth(facts),
        _calibration(facts),
        _robustness(facts),
        _cost(facts),
        _examples(task, policy),
        _limits(facts),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def _about(facts: dict[str, Any]) -> str:
    task = facts["task"]
    held = f"{task['samples']} samples ({task['modality']}) of {len(task['classes'])} classes"
    alike = "" if task["groups"] == task["samples"] else f" in {task['groups']} groups that no split parts"
    parts = f"some {task['train']} to train on, {task['validation']} to validate, {task['test']} to test"
    return f"{held}{alike}; {facts['runs']} paired runs, each with {parts}; seed {facts['seed']}."


def _verdict(facts: dict[str, Any]) -> str:
    kind = {"helps": "helps", "hurts": "hurts"}.get(facts["verdict"], "none")
    return f'<p class="verdict {kind}">{html.escape(facts["sentence"])}</p>'


def _harm(facts: dict[str, Any]) -> str:
    said = []
    if facts["harmed"]:
        said.append(f"Harmed: {', '.join(facts['harmed'])}. Fewer samples of these classes are told right.")
    if facts["perhaps_harmed"]:
        said.append(
            f"Perhaps harmed: {', '.join(facts['perhaps_harmed'])}; with so many classes, chance may have done it."
        )
    if not said and facts["classes"]:
        said.append("No class is seen to be harmed.")
    kind = ' class="harm"' if facts["harmed"] else ""
    return f"<p{kind}>{html.escape(' '.join(said))}</p>"


def _arms(facts: dict[str, Any]) -> str:
    factor = 100.0 if facts["shares"] else 1.0
    per_epoch = facts["times"]["seconds_per_epoch"]
    rows = [
        [
            arm["name"],
            f"{factor * arm['score']:.4g}",
            _number(arm["train_loss"], ".3f"),
            _number(per_epoch.get(arm["name"]), ".2f"),
        ]
        for arm in facts["arms"]
    ]
    return _table(["arm", "% right" if facts["shares"] else "score", "training loss", "seconds an epoch"], rows)


def _looks(facts: dict[str, Any]) -> str:
    looks = facts["looks"]
    last = looks[-1]
    said = (
        f"Looked at after {' and '.join(str(look['runs']) for look in looks)} runs; all looks together raise at most 5 "
        f"false alarms in 100 experiments. Random signs of the runs' differences: p = {last['sign_flip']:.3g}."
    )
    return f'<p class="small">{html.escape(said)}</p>'


def _classes(facts: dict[str, Any]) -> str:
    if not facts["classes"]:
        return ""
    rows = [
        [
            each["name"],
            str(each["tested"]),
            _percent(each["without"]),
            _percent(each["with"]),
            _points(each),
            _number(each["holm"], ".3f"),
        ]
        for each in sorted(facts["classes"], key=lambda each: each["estimate"] or 0.0)
    ]
    head = ["class", "tested", "% without", "% with", "change, points (95 %)", "p (Holm)"]
    return f"<h2>By class</h2>{plots.classes(facts)}{_table(head, rows)}"


def _worth(facts: dict[str, Any]) -> str:
    held = facts["curve"]
    if not held:
        return ""
    words = held["multiplier"]["words"]
    share = held["multiplier"]["fraction"]
    said = f"With {share:.0%} of the training samples, the pipeline is {words} ({held['runs']} runs)."
    return f"<h2>Worth in data</h2><p>{html.escape(said)}</p>{plots.curve(facts)}"


def _calibration(facts: dict[str, Any]) -> str:
    if not facts["calibration"]:
        return ""
    rows = [
        [arm["name"], *(f"{arm[when][figure]:.3f}" for when in ("before", "after") for figure in ("ece", "nll"))]
        for arm in facts["calibration"]
    ]
    head = ["arm", "ECE", "log loss", "ECE, scaled", "log loss, scaled"]
    return f"<h2>Calibration</h2>{plots.calibration(facts)}{_table(head, rows)}"


def _robustness(facts: dict[str, Any]) -> str:
    held = facts["robustness"]
    if not held:
        return ""
    said = f"Over all of them the pipeline changes right answers by {_points(held['mean'])} points."
    return f"<h2>Robustness</h2><p>{html.escape(said)}</p>{plots.robustness(facts)}"


def _cost(facts: dict[str, Any]) -> str:
    per_epoch = facts["times"]["seconds_per_epoch"]
    none, arm = per_epoch.get("none"), per_epoch.get(facts["arms"][-1]["name"])
    if not none or arm is None:
        return ""
    said = f"An epoch takes {arm:.2f} s with the pipeline, {none:.2f} s without: {arm / none:.2f} times as long."
    return f"<h2>Cost</h2><p>{html.escape(said)}</p>"


def _examples(task: Task, policy: Policy) -> str:
    shown = examples(task, policy)
    if not shown or policy.pipeline is None:
        return ""
    return f"<h2>What it does</h2>{shown}<pre>{html.escape(policy.pipeline.to_yaml())}</pre>"


def _limits(facts: dict[str, Any]) -> str:
    said = [*facts["limits"], *(f"Left out: {missing}." for missing in facts["left_out"])]
    said += facts["notes"]
    problems = facts["task"]["problems"]
    if problems:
        first = f"{problems[0]['name']}: {problems[0]['reason']}"
        said.append(f"{len(problems)} samples could not be used, such as {first}.")
    return "<h2>Limits</h2><ul>" + "".join(f"<li>{html.escape(each)}</li>" for each in said) + "</ul>"


def _table(head: list[str], rows: list[list[str]]) -> str:
    def line(cells: list[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=n' if place else ''}>{html.escape(cell)}</{tag}>" for place, cell in enumerate(cells)
        )

    return f"<table><tr>{line(head, 'th')}</tr>" + "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows) + "</table>"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _points(each: dict[str, Any]) -> str:
    if each["estimate"] is None:
        return ""
    ends = [each[end] for end in ("low", "high")]
    sure = "" if None in ends else f" ({100 * ends[0]:+.1f} to {100 * ends[1]:+.1f})"
    return f"{100 * each['estimate']:+.1f}{sure}"
