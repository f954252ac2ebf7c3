"""The verdict in words."""

from __future__ import annotations

from typing import Literal, TypeAlias

from covary.prove.experiment import Comparison

Verdict: TypeAlias = Literal["helps", "no evidence", "hurts"]

CHANCE = 0.05
LEAST_RUNS = 6


def verdict_of(found: Comparison) -> Verdict:
    """Helps or hurts only where the interval lies on one side of 0 and random signs rarely do as well; else no
    evidence.

    Fewer than six pairs never reach that: the smallest p of five is 1 in 16.
    """
    if len(found.by_run) < LEAST_RUNS or found.sign_flip > CHANCE or not found.interval.excludes_zero():
        return "no evidence"
    return "helps" if found.interval.low > 0 else "hurts"


def sentence(verdict: Verdict, found: Comparison, none: float, arm: float, *, shares: bool = True) -> str:
    """One sentence with the figures.

    Args:
        verdict: what to say.
        found: arm less none.
        none: share of right answers, or score, without augmentation.
        arm: the same with the pipeline.
        shares: whether these are shares of right answers.
    """
    unit, factor = (" points", 100.0) if shares else ("", 1.0)
    figures = found.interval.scaled(factor)
    change = f"{_signed(figures.estimate, shares)}{unit}"
    sure = f"{_signed(figures.low, shares)} to {_signed(figures.high, shares)}"
    if shares:
        beside = f"{100 * arm:.1f} of 100 unseen samples are told right with this pipeline, {100 * none:.1f} without"
    else:
        beside = f"the score is {arm:.4g} with this pipeline, {none:.4g} without"
    if verdict == "no evidence" and len(found.by_run) < LEAST_RUNS:
        return f"No evidence: {len(found.by_run)} of at least six paired runs are too few to tell. So far {beside}."
    level = f"{100 * found.interval.level:.3g} % interval {sure}"
    if verdict == "no evidence":
        return f"No evidence that it helps: {beside}; a change of {change} ({level}) is within what chance can do."
    word = "It helps" if verdict == "helps" else "It hurts"
    return f"{word}: {beside}, a change of {change} ({level})."


def _signed(value: float, shares: bool) -> str:
    text = f"{value:+.1f}" if shares else f"{value:+.4g}"
    return text.replace("-", "\N{MINUS SIGN}")
