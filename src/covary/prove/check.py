"""Is a pipeline safe for the labels of a data set? The front door of `covary check`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.ops.base import Node, Operation
from covary.ops.image.finish import Finish
from covary.pipeline import Pipeline, usable_cores
from covary.prove.dials import Dial
from covary.prove.duplicates import Duplicates, find_duplicates
from covary.prove.faults import Fault, find_faults
from covary.prove.features import Features
from covary.prove.mend import leaves, limits_by, mended
from covary.prove.probe import FOLDS, Probe, folds_of
from covary.prove.rules import PURPOSES, Warning, hinted_purpose, warnings_for
from covary.prove.safety import Bench, Measurement, looks_of, measure, options_of
from covary.prove.task import Task, read_task

Verdict: TypeAlias = Literal["safe", "strong", "unsafe", "not measured"]

WEAK = 0.5  # of the way from chance to certainty; a probe below sees too little for its silence to mean much


@dataclass(frozen=True, eq=False)
class OperationFinding:
    """What is found of one operation.

    Attributes:
        name: in the pipeline.
        operation: as in the pipeline.
        verdict: "unsafe" by measurement or by rule; "strong": accuracy falls, but labels stay; "not measured": see the
            measurement's problem.
        measured: what the probe says.
        rules: that it breaks.
        mended: what is left of it in the mended pipeline; None if it is dropped.
        why: the verdict in words, one sentence each.
    """

    name: str
    operation: Operation
    verdict: Verdict
    measured: Measurement
    rules: tuple[Warning, ...]
    mended: Operation | None
    why: tuple[str, ...]

    @property
    def fate(self) -> str:
        """What becomes of it in the mended pipeline: kept, dropped or cut."""
        if self.mended is None:
            return "dropped"
        return "kept" if self.mended == self.operation else f"cut: {self.mended!r}"


@dataclass(frozen=True, eq=False)
class Findings:
    """What a check finds.

    Attributes:
        task: the data, all of it.
        samples: how many of them were looked at.
        accuracy: of the probe on clean samples that it has not seen.
        chance: accuracy of always naming the largest class.
        faults: of the data, the gravest first.
        operations: of the pipeline, in order.
        pipeline: as it was; `mended` is what is safe of it.
        purpose: of the data, as given or as the classes hint at; None if nothing does.
        preset: of `covary.presets` that suits, by its call; "" if nothing hints at one.
        notes: what limits the findings.
    """

    task: Task
    samples: int
    accuracy: float
    chance: float
    faults: tuple[Fault, ...]
    operations: tuple[OperationFinding, ...]
    pipeline: Pipeline
    mended: Pipeline
    purpose: str | None
    preset: str
    notes: tuple[str, ...]

    @property
    def unsafe(self) -> tuple[OperationFinding, ...]:
        """The operations that turn classes into others, by measurement or by rule."""
        return tuple(finding for finding in self.operations if finding.verdict == "unsafe")

    @property
    def ok(self) -> bool:
        """Whether no operation is unsafe."""
        return not self.unsafe

    def to_dict(self) -> dict[str, Any]:
        """All findings as plain data."""
        from covary.prove.check_report import as_plain

        return as_plain(self)

    def mended_yaml(self, path: str | Path | None = None) -> str:
        """The mended pipeline as YAML with comments that say why, written to `path` too if one is given."""
        from covary.prove.check_report import commented_yaml

        text = commented_yaml(self)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text


def check(
    source: Any,
    pipeline: Pipeline | str | Path,
    *,
    purpose: str | None = None,
    samples: int = 500,
    seed: int = 0,
    split: str | None = None,
    threads: int | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    **options: Any,
) -> Findings:
    """Find out which operations of a pipeline endanger the labels of a data set, and what is wrong with the data.

    Nothing of the user's model is needed: a small probe is trained on the samples as they are, in folds, and asked what
    it takes their variations for; see `covary.prove.safety` for what makes an operation unsafe.

    Args:
        source: labelled data: anything that `covary.data.open_dataset` opens, or a `Task`.
        pipeline: that is to be checked, or the YAML file that holds it.
        purpose: what the data are, for rules (one of `covary.prove.rules.PURPOSES`). Default: what the names of the
            classes hint at.
        samples: most samples on which operations are measured, from 20 on; data of many classes get at least 20 of
            each, up to four times as many in all. Faults are looked for in all data. Default 500.
        seed: of folds and features; the same seed gives the same findings.
        split: the part of the data that is wanted. Default: all, so that faults across splits are seen.
        threads: cores. Default: all.
        progress: called with what is being looked at, how many are done and how many there are.
        options: of the reader.

    Raises:
        ValueError: the data have no labels; a wrong argument.
        OSError: a file cannot be read.
    """
    if purpose is not None and purpose not in PURPOSES:
        raise ValueError(f"check: purpose is {purpose!r}; allowed: {', '.join(PURPOSES)}")
    if samples < 20:
        raise ValueError(f"check: samples is {samples!r}; allowed: 20 and more")
    loaded = pipeline if isinstance(pipeline, Pipeline) else Pipeline.from_yaml(pipeline)
    task = read_task(source, split=split, **options)
    duplicates = find_duplicates(task)
    kind = purpose or hinted_purpose(task.modality, task.classes)
    chosen = _chosen(task, duplicates, samples, seed)
    bench = _bench(task, duplicates, chosen, loaded, seed, threads)
    nodes = [node for node in leaves(loaded) if not isinstance(node.operation, Finish)]
    own = [node for node in nodes if node.operation.modality == task.modality]
    bench.looks = looks_of(own, len(task.classes))
    findings = []
    for number, node in enumerate(own):
        if progress is not None:
            progress(node.name, number, len(own))
        findings.append(_finding(bench, node, _before(loaded, node), task, kind, loaded.protect))
    left = {finding.name: finding.mended for finding in findings if finding.mended != finding.operation}
    counts = np.bincount(bench.task.labels)
    chance = float(counts.max() / counts.sum())
    return Findings(
        task=task,
        samples=len(bench.task),
        accuracy=bench.probe.accuracy,
        chance=chance,
        faults=tuple(find_faults(task, duplicates)),
        operations=tuple(findings),
        pipeline=loaded,
        mended=mended(loaded, left) if left else loaded,
        purpose=kind,
        preset=_preset(task, kind),
        notes=tuple(_notes(task, bench, chance, len(nodes) - len(own))),
    )


def _chosen(task: Task, duplicates: Duplicates, samples: int, seed: int) -> NDArray[np.int64]:
    """The samples that are looked at: as many of each class as fit, the rest of a class where others are small."""
    labels = task.labels
    present = np.unique(labels)
    limit = min(len(task), max(samples, min(4 * samples, 20 * len(present))))
    # Conflicting labels say nothing of operations.
    pairs = np.unique(np.stack([duplicates.near, labels], 1), axis=0)
    clashing = np.flatnonzero(np.bincount(pairs[:, 0]) > 1)
    usable = ~np.isin(duplicates.near, clashing)
    order = np.random.default_rng(seed).permutation(len(task))
    order = order[usable[order]]
    if len(np.unique(labels[order])) < len(present):  # all of some class clash: then let them in
        order = np.random.default_rng(seed).permutation(len(task))
    rank = np.empty(len(order), dtype=np.int64)
    for label in present:
        own = labels[order] == label
        rank[own] = np.arange(own.sum())
    # The first of each class, the second of each, and so on.
    taken = order[np.lexsort((order, rank))][:limit]
    return np.sort(taken)


def _bench(
    task: Task,
    duplicates: Duplicates,
    chosen: NDArray[np.int64],
    pipeline: Pipeline,
    seed: int,
    threads: int | None,
) -> Bench:
    part = task.subset(chosen)
    groups = duplicates.near[chosen]
    features = Features.fitted(part, seed)
    folds = folds_of(part.labels, groups, FOLDS, np.random.default_rng(seed))
    clean = features.of([part.fields(i) for i in range(len(part))])
    if len(np.unique(folds)) < 3:
        raise ValueError(
            f"{task.name}: its {len(part)} samples are {len(np.unique(groups))} groups of duplicates; a probe needs at "
            "least three"
        )
    probe = Probe.trained(clean, part.labels, np.unique(folds, return_inverse=True)[1], len(task.classes))
    return Bench(part, groups, features, probe, options_of(pipeline), threads=threads or usable_cores())


def _before(pipeline: Pipeline, node: Node) -> list[Operation]:
    """What stands before an operation and gives pictures and sounds their sizes, at its mildest."""
    before: list[Operation] = []
    for operation in pipeline.operations:
        if operation is node.operation or node.operation in operation.children:
            break
        if operation.required and not operation.children:
            before.append(operation.with_strength(0.0))
    return before


def _finding(
    bench: Bench, node: Node, before: Sequence[Operation], task: Task, purpose: str | None, protect: Sequence[str]
) -> OperationFinding:
    measured = measure(bench, node, ())
    if measured.problem and before:
        measured = measure(bench, node, before)
    rules = warnings_for(node.operation, task.modality, task.classes, purpose, protect)
    left = Dial.of(node.operation).limited(limits_by(rules).within(measured.limits))
    verdict: Verdict = "safe"
    if measured.unsafe or rules:
        verdict = "unsafe"
    elif measured.problem:
        verdict = "not measured"
    elif measured.strong:
        verdict = "strong"
    return OperationFinding(
        node.name, node.operation, verdict, measured, tuple(rules), left, tuple(_why(measured, rules))
    )


def _why(measured: Measurement, rules: Sequence[Warning]) -> list[str]:
    """The verdict in sentences: what was measured, then what rules say."""
    said = []
    moves = measured.worst_moves()
    unsafe = [move for move in moves if move.unsafe]
    for move in unsafe[:4]:
        share, clean = round(100 * move.share), round(100 * move.clean)
        said.append(
            f"measured: {measured.name} sends {move.source} to {move.target} in {share} %"
            + (f" (as they are: {clean} %)" if clean else "")
        )
    if len(unsafe) > 4:
        said.append(f"measured: and {len(unsafe) - 4} more pairs of classes")
    if unsafe:
        said.append(f"measured: unsafe {measured.unsafe_from}")
    if rules and not unsafe:
        drawn = measured.drawn.moves[:4] if measured.drawn else ()
        said += [f"measured: {measured.name} lets {m.source} pass for {m.target} in {_percent(m.share)}" for m in drawn]
    elif measured.strong and moves:
        shown = "; ".join(f"{m.source} for {m.target} in {100 * m.share:.0f} %" for m in moves[:4])
        said.append(f"measured: unlike the samples as they are; it passes {shown}")
    if measured.strong and not rules and measured.drawn is not None:
        said.append(
            f"measured: strong: the probe's accuracy falls to {100 * measured.drawn.affinity:.0f} % of what it was; "
            "no class becomes another, but a model needs longer to learn it"
        )
    if measured.problem:
        said.append(f"not measured: {measured.problem}")
    said += list(dict.fromkeys(f"rule: {warning.rule}: {warning.words}" for warning in rules))
    return said


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _preset(task: Task, purpose: str | None) -> str:
    if purpose == "opinions":
        return "text"
    if purpose is not None:
        return purpose
    return "text" if task.modality == "text" else ""


def _notes(task: Task, bench: Bench, chance: float, others: int) -> list[str]:
    notes = list(task.notes)
    if len(bench.task) < len(task):
        notes.append(f"operations were measured on {len(bench.task)} of {len(task)} samples")
    if bench.probe.accuracy < chance + WEAK * (1 - chance):
        notes.append(
            f"the probe names the class of {100 * bench.probe.accuracy:.0f} % of the samples (always naming the "
            f"largest: {100 * chance:.0f} %); it may miss what a better model would see"
        )
    fewest = np.bincount(bench.task.labels)
    fewest = fewest[fewest > 0]
    needed = _least_samples(bench.looks)
    if fewest.min() < needed:
        notes.append(
            f"some classes have {fewest.min()} samples; a change of sides is found from {needed} samples of a class on "
            "that change, so for them only the rules speak"
        )
    if others:
        notes.append(f"{others} operations act on other kinds of data and were not looked at")
    return notes


def _least_samples(looks: int) -> int:
    """How many samples must change sides for it to be beyond chance, all looks counted."""
    from covary.prove.safety import CHANCE

    return int(np.ceil(np.log2(looks / CHANCE)))
