"""What each operation does to the labels: measured with a probe.

An operation is unsafe for a class if its variations are taken for another class, and rightly so. Two things have to
come together, each beyond chance:

1. a probe that knows clean samples only takes variations of class A for class B, more often than clean ones;
2. a probe that has learned from the variations as well, with the labels of their sources, is led astray by them: it
   holds real samples of B for A, about as often as it must if nothing can tell them from the variations of A.

Where only the first is so, the variations are merely unfamiliar: the operation is strong, and a model can learn it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Choice
from covary.ops.base import Node, Operation
from covary.options import DEFAULTS
from covary.pipeline import Pipeline
from covary.prove.dials import EVERYTHING, NOTHING, Dial, Limits, Setting
from covary.prove.features import Features
from covary.prove.inputs import varied
from covary.prove.probe import Floats, Ints, Probe, Views
from covary.prove.task import Task

LEAST_SHARE = 0.08  # of a class that has to change sides
LEAST_OVERLAP = 0.2  # see `Move.overlap`
LEAST_AT_HOME = 0.25
CHANCE = 0.01  # of any false finding in a whole check
STRONG = 0.75  # affinity below which an operation is called strong
BISECTIONS = 3


@dataclass(frozen=True)
class Move:
    """Samples of one class that are taken for another.

    Attributes:
        source, target: names of the classes.
        share: of the variations of `source` that are taken for `target`.
        clean: the same share of the samples as they are.
        overlap: how far a probe that knows these variations confuses the two: 1 as if nothing could tell them apart, 0
            not at all.
        chance: probability of such a finding without cause, corrected for all looks of the check.
        unsafe: whether labels are destroyed, rather than merely hard to see.
    """

    source: str
    target: str
    share: float
    clean: float
    overlap: float
    chance: float
    unsafe: bool


@dataclass(frozen=True, eq=False)
class Reading:
    """One operation at one setting.

    Attributes:
        words: the setting's values.
        strength: in (0, 1].
        affinity: accuracy of the clean probe on variations, over that on clean samples.
        diversity: training loss with the variations, over that without.
        shift: (C, C) change of the confusion matrix, rows (true classes) as shares.
        moves: between classes, those of the largest shares first.
    """

    words: str
    strength: float
    affinity: float
    diversity: float
    shift: Floats
    moves: tuple[Move, ...]

    @property
    def unsafe(self) -> bool:
        """Whether it turns one class into another."""
        return any(move.unsafe for move in self.moves)


@dataclass(frozen=True, eq=False)
class Measurement:
    """What was measured of one operation.

    Attributes:
        name: in the pipeline.
        operation: as in the pipeline.
        drawn: as drawn in the pipeline, but always applied; None if it could not be measured.
        readings: at other settings, see `Dial`.
        unsafe_from: where it is unsafe: from the least setting found on, at some values, always; "" if it is not.
        limits: what is safe of it.
        problem: why it could not be measured.
    """

    name: str
    operation: Operation
    drawn: Reading | None
    readings: tuple[Reading, ...]
    unsafe_from: str
    limits: Limits = EVERYTHING
    problem: str = ""

    @property
    def all_readings(self) -> tuple[Reading, ...]:
        """With that of the operation as drawn."""
        return ((self.drawn,) if self.drawn else ()) + self.readings

    @property
    def unsafe(self) -> bool:
        """Whether any setting turns one class into another."""
        return any(reading.unsafe for reading in self.all_readings)

    @property
    def strong(self) -> bool:
        """Whether accuracy falls far without labels being destroyed."""
        return self.drawn is not None and not self.unsafe and self.drawn.affinity < STRONG

    def worst_moves(self) -> list[Move]:
        """For each pair of classes the move with the largest share, unsafe ones first."""
        worst: dict[tuple[str, str], Move] = {}
        for reading in self.all_readings:
            for move in reading.moves:
                known = worst.get((move.source, move.target))
                if known is None or (move.unsafe, move.share) > (known.unsafe, known.share):
                    worst[move.source, move.target] = move
        return sorted(worst.values(), key=lambda move: (not move.unsafe, -move.share))


@dataclass(eq=False)
class Bench:
    """A task with its probe, on which operations are measured.

    Attributes:
        task: the samples that are looked at.
        groups: (N,) of duplicates, which count as one.
        features, probe: trained on the clean samples.
        options: of the pipelines that are made.
        looks: comparisons that the whole check makes, for which chances are corrected.
        threads: cores for drawing variations.
    """

    task: Task
    groups: Ints
    features: Features
    probe: Probe
    options: dict[str, object]
    looks: int = 1
    threads: int = 1
    _counts: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self._counts = np.bincount(self.task.labels, minlength=len(self.task.classes)).astype(np.float64)

    def read(self, setting: Setting, before: Sequence[Operation]) -> Reading:
        """Measure one setting of an operation; `before` are operations that give its input a size it can work on."""
        pipeline = Pipeline([*before, setting.operation], **self.options)  # type: ignore[arg-type]
        everyone = np.arange(len(self.task))
        views = self.probe.asked(varied(self.task, self.features, everyone, pipeline, 0, threads=self.threads))
        clean, shown = self._confusion(self.probe.says), self._confusion(views.unknown)
        accuracy = float((views.unknown.argmax(1) == self.task.labels).mean())
        return Reading(
            words=setting.words,
            strength=setting.strength,
            affinity=accuracy / max(self.probe.accuracy, 1e-9),
            diversity=views.loss / max(self.probe.loss, 1e-9),
            shift=(shown - clean).astype(np.float32),
            moves=tuple(self._moves(views, clean, shown)),
        )

    def _confusion(self, says: Floats) -> NDArray[np.float64]:
        """(C, C) share of each true class (rows) that is taken for each class."""
        classes = len(self._counts)
        pairs = self.task.labels * classes + says.argmax(1)
        table = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
        return table / np.maximum(self._counts, 1)[:, None]

    def _moves(self, views: Views, clean: NDArray[np.float64], shown: NDArray[np.float64]) -> list[Move]:
        moved = shown - clean
        np.fill_diagonal(moved, 0)
        pairs = np.argwhere(moved >= LEAST_SHARE)
        found = [self._move(int(a), int(b), views, clean, shown) for a, b in pairs]
        return sorted(found, key=lambda move: -move.share)

    def _move(self, a: int, b: int, views: Views, clean: NDArray[np.float64], shown: NDArray[np.float64]) -> Move:
        of_a, of_b = self.task.labels == a, self.task.labels == b
        turned = (views.unknown.argmax(1) == b) & of_a
        was = (self.probe.says.argmax(1) == b) & of_a
        share = shown[a, b] - clean[a, b]
        # If variations of A were samples of B, this share of what looks like B would bear the label A.
        alien = self._counts[a] * share
        expected = alien / (alien + self._counts[b] * (1 + shown[b, b]))
        confused = views.clean[of_b, a] - self.probe.says[of_b, a]
        at_home = views.at_home[turned, b].mean() >= LEAST_AT_HOME if turned.any() else False
        if self.task.modality == "text":
            # A text that lost a word resembles other texts that lost words, not whole ones: "not" is gone from both. So
            # it need not lie among whole texts, and what is led astray may be the variations of B.
            at_home = True
            among = views.known[of_b, a] - views.unknown[of_b, a]
            confused = among if among.mean() > confused.mean() else confused
        chance = max(
            _sign_test(turned[of_a].astype(float) - was[of_a], self.groups[of_a]),
            _mean_test(confused, self.groups[of_b]),
        )
        overlap = float(confused.mean() / max(expected, 1e-9))
        corrected = min(1.0, chance * self.looks)
        return Move(
            source=self.task.classes[a],
            target=self.task.classes[b],
            share=float(shown[a, b]),
            clean=float(clean[a, b]),
            overlap=overlap,
            chance=corrected,
            unsafe=bool(overlap >= LEAST_OVERLAP and at_home and corrected <= CHANCE),
        )


def _by_group(values: NDArray[np.float64], groups: Ints) -> NDArray[np.float64]:
    """Mean of each group: duplicates are one witness."""
    _, places = np.unique(groups, return_inverse=True)
    return np.asarray(np.bincount(places, values) / np.bincount(places))


def _sign_test(differences: NDArray[np.float64], groups: Ints) -> float:
    """One-sided chance that as many witnesses rise, if rising were as likely as falling."""
    from scipy.stats import binom

    means = _by_group(differences, groups)
    rises, falls = int((means > 0).sum()), int((means < 0).sum())
    return float(binom.sf(rises - 1, rises + falls, 0.5)) if rises else 1.0


def _mean_test(differences: NDArray[np.floating], groups: Ints) -> float:
    """One-sided chance of such a mean, if it were zero (Student)."""
    from scipy.stats import t

    means = _by_group(differences.astype(np.float64), groups)
    if len(means) < 3:
        return 1.0
    spread = means.std(ddof=1) / np.sqrt(len(means))
    return float(t.sf(means.mean() / max(spread, 1e-12), len(means) - 1))


def measure(bench: Bench, node: Node, before: Sequence[Operation]) -> Measurement:
    """Look at an operation as drawn and at rising strengths; where it is unsafe, find what is safe of it."""
    dial = Dial.of(node.operation)
    try:
        drawn = bench.read(dial.drawn(), before)
        settings = dial.settings()
        readings = [bench.read(setting, before) for setting in settings]
    except (ValueError, TypeError, ImportError, OSError) as error:
        return Measurement(node.name, node.operation, None, (), "", problem=str(error))
    bad = [reading for reading in (*readings, drawn) if reading.unsafe]
    if not bad:
        return Measurement(node.name, node.operation, drawn, tuple(readings), "")
    if dial.chooses:
        return _chosen(dial, node, drawn, settings, readings)
    if not dial.turns:
        return Measurement(node.name, node.operation, drawn, tuple(readings), "whenever it is applied", NOTHING)
    pairs = {(move.source, move.target) for reading in bad for move in reading.moves if move.unsafe}
    readings = sorted([*readings, *_bisected(bench, dial, before, readings, pairs)], key=lambda r: r.strength)
    first = next((reading for reading in readings if reading.unsafe), drawn)
    crossing = min((r.strength for r in (*readings, drawn) if _crosses(r, pairs)), default=1.0)
    safe = max((r.strength for r in readings if r.strength < crossing), default=0.0)
    return Measurement(node.name, node.operation, drawn, tuple(readings), f"from {first.words} on", Limits(safe))


def _crosses(reading: Reading, pairs: set[tuple[str, str]]) -> bool:
    """Whether any class passes for one that it turns into at a greater strength: that is where the danger begins."""
    return any((move.source, move.target) in pairs for move in reading.moves)


def _bisected(
    bench: Bench, dial: Dial, before: Sequence[Operation], known: Sequence[Reading], pairs: set[tuple[str, str]]
) -> Iterator[Reading]:
    """Readings between a safe strength and an unsafe one, towards the border."""
    unsafe = min((reading.strength for reading in known if _crosses(reading, pairs)), default=1.0)
    safe = max((reading.strength for reading in known if reading.strength < unsafe), default=0.0)
    for _ in range(BISECTIONS):
        reading = bench.read(dial.at((safe + unsafe) / 2), before)
        yield reading
        if _crosses(reading, pairs):
            unsafe = reading.strength
        else:
            safe = reading.strength


def _chosen(
    dial: Dial, node: Node, drawn: Reading, settings: Sequence[Setting], readings: Sequence[Reading]
) -> Measurement:
    """An operation that chooses among values: the unsafe ones are left out."""
    assert dial.field is not None
    bad = [(s, r) for s, r in zip(settings, readings, strict=True) if r.unsafe]
    values = {value for s, _ in bad for value in _values(s.operation, dial.field)}
    words = f"at {', '.join(reading.words for _, reading in bad)}" if bad else "as drawn"
    limits = Limits(1.0, frozenset(values)) if values else NOTHING
    return Measurement(node.name, node.operation, drawn, tuple(readings), words, limits)


def _values(operation: Operation, name: str) -> tuple[float, ...]:
    law = operation.law(name)
    return law.values if isinstance(law, Choice) else ()


def looks_of(nodes: Sequence[Node], classes: int) -> int:
    """How many comparisons a check makes: pairs of classes by settings."""
    settings = sum(1 + BISECTIONS + len(Dial.of(node.operation).settings()) for node in nodes)
    return max(1, settings * classes * (classes - 1))


def options_of(pipeline: Pipeline) -> dict[str, object]:
    """The options of a pipeline, for one of other operations."""
    return {"seed": pipeline.seed, **{name: getattr(pipeline, name) for name in DEFAULTS}}
