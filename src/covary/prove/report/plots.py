"""Plots of the report, as inline SVG."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

NONE_COLOUR = "#8a8f98"
ARM_COLOUR = "#1f6feb"
STANDARD_COLOUR = "#d29922"
HARM_COLOUR = "#cf222e"
GAIN_COLOUR = "#1a7f37"
WIDTH = 7.2  # inches
MOST_CLASSES = 40
LEGEND: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}  # beside the plot

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "covary",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def colour_of(arm: str) -> str:
    return {"none": NONE_COLOUR, "standard preset": STANDARD_COLOUR}.get(arm, ARM_COLOUR)


def _drawn(height: float, draw: Callable[[Any], None], *, title: str) -> str:
    """An SVG element with one pair of axes."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the report's plots need matplotlib: pip install 'covary[prove]'", name="matplotlib"
        ) from error
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        axes.set_title(title, loc="left", fontsize=11)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    svg = text.getvalue()
    return svg[svg.index("<svg") :]


def _forest(axes: Any, rows: Iterable[dict[str, Any]], unit: str) -> None:
    """Estimates with intervals, one row each, the first on top."""
    shown = list(rows)
    for place, row in enumerate(shown):
        low, high = (row[end] for end in ("low", "high"))
        sure = low is not None and high is not None and (low > 0 or high < 0)
        colour = (GAIN_COLOUR if row["estimate"] > 0 else HARM_COLOUR) if sure else NONE_COLOUR
        if low is not None and high is not None:
            axes.plot([row["factor"] * low, row["factor"] * high], [place, place], color=colour, linewidth=2)
        axes.plot([row["factor"] * row["estimate"]], [place], "o", color=colour)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(shown)), [row["name"] for row in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlabel(f"change, {unit}")


def differences(facts: dict[str, Any]) -> str:
    """The pipeline beside nothing and the standard preset, and what each operation adds."""
    factor, unit = (100.0, "points") if facts["shares"] else (1.0, "of the score")
    rows = [{"name": "pipeline, beside none", **facts["difference"]}]
    if facts["standard"]:
        rows.append({"name": "standard preset, beside none", **facts["standard"]["less_none"]})
        rows.append({"name": "pipeline, beside standard", **facts["standard"]["pipeline_less_standard"]})
    rows += [{**each, "name": f"what {each['name']} adds"} for each in facts["operations"]]
    rows = [{**row, "factor": factor} for row in rows]
    return _drawn(0.9 + 0.32 * len(rows), lambda axes: _forest(axes, rows, unit), title="Differences, with intervals")


def runs(facts: dict[str, Any]) -> str:
    """Every run of every main arm."""
    factor = 100.0 if facts["shares"] else 1.0

    def draw(axes: Any) -> None:
        for arm in facts["arms"]:
            scores = [factor * score for score in arm["by_run"]]
            axes.plot(range(1, len(scores) + 1), scores, "o-", color=colour_of(arm["name"]), label=arm["name"], lw=1)
        axes.set_xlabel("run")
        axes.set_ylabel("% right" if facts["shares"] else "score")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(**LEGEND)

    return _drawn(2.6, draw, title="Paired runs")


def curve(facts: dict[str, Any]) -> str:
    """Share of right answers over the number of training samples."""
    held = facts["curve"]

    def draw(axes: Any) -> None:
        for arm in ("none", "pipeline"):
            shares = [100 * share for share in held[arm]]
            axes.plot(held["samples"], shares, "o-", color=colour_of(arm), label=arm)
        axes.set_xscale("log")
        axes.set_xticks(held["samples"], [f"{size:.0f}" for size in held["samples"]])
        axes.minorticks_off()
        axes.set_xlabel("training samples")
        axes.set_ylabel("% right")
        axes.legend(**LEGEND)

    return _drawn(2.8, draw, title="Learning curve")


def classes(facts: dict[str, Any]) -> str:
    """Change of each class, the worst first."""
    rows = sorted(
        ({**each, "factor": 100.0} for each in facts["classes"] if each["tested"]), key=lambda each: each["estimate"]
    )[:MOST_CLASSES]
    return _drawn(0.9 + 0.26 * len(rows), lambda axes: _forest(axes, rows, "points"), title="Change by class")


def calibration(facts: dict[str, Any]) -> str:
    """Expected calibration error of each arm before and after temperature scaling."""
    held = facts["calibration"]

    def draw(axes: Any) -> None:
        for place, arm in enumerate(held):
            places = [when + (place - (len(held) - 1) / 2) * 0.25 for when in (0, 1)]
            values = [100 * arm[when]["ece"] for when in ("before", "after")]
            axes.bar(places, values, 0.22, color=colour_of(arm["name"]), label=arm["name"])
        axes.set_xticks([0, 1], ["as trained", "temperature scaled"])
        axes.set_ylabel("ECE, points")
        axes.legend(**LEGEND)

    return _drawn(2.6, draw, title="Calibration error (lower is better)")


def robustness(facts: dict[str, Any]) -> str:
    """Right answers under each corruption."""
    held = facts["robustness"]["corruptions"]

    def draw(axes: Any) -> None:
        for arm in held[0]["with"]:
            shares = [100 * each["with"][arm] for each in held]
            axes.plot(shares, range(len(held)), "o", color=colour_of(arm), label=arm)
        axes.set_yticks(range(len(held)), [each["name"] for each in held])
        axes.set_ylim(len(held) - 0.5, -0.5)
        axes.set_xlabel("% right")
        axes.legend(**LEGEND)

    return _drawn(1.0 + 0.26 * len(held), draw, title="Under corruptions that no arm trained on")
