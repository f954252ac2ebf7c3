"""A small model that says which class a sample looks like, and never speaks of a sample that it has learned from.

Kernel ridge regression of the classes' indicators on features (Gaussian kernel): solved in closed form, so that
hundreds of probes are trained in seconds. Its outputs estimate the share of each class among samples that look alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

FOLDS = 5
WIDTHS = (0.35, 0.6, 1.0)  # of the kernel, of the median distance between samples
RIDGES = (0.01, 0.1, 1.0)
NEIGHBOURS = 3


def folds_of(labels: Ints, groups: Ints, count: int, generator: np.random.Generator) -> Ints:
    """(N,) fold of each sample: groups whole, classes spread evenly."""
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    order = sorted(generator.permutation(len(members)).tolist(), key=lambda g: -len(members[g]))
    filled = np.zeros((count, int(labels.max()) + 1))
    folds = np.empty(len(labels), dtype=np.int64)
    for group in order:
        own = members[group]
        amounts = np.bincount(labels[own], minlength=filled.shape[1])
        # The fold that has the fewest of these classes, and of two such the one that has fewer samples.
        load = filled @ amounts * 1e6 + filled.sum(1)
        folds[own] = fold = int(load.argmin())
        filled[fold] += amounts
    return folds


@dataclass(frozen=True, eq=False)
class Probe:
    """Probes trained on the clean samples, one for each fold, and what they are asked about.

    Attributes:
        features: (N, D) of the clean samples.
        labels: (N,).
        folds: (N,) fold of each sample.
        classes: how many.
        distances: (N, N) squared, between the clean samples.
        settings: (width, ridge) of each fold's probe, chosen inside its training part.
        says: (N, C) shares that the probes which have not seen a clean sample give it.
        loss: mean squared error on the samples that each probe was trained on.
    """

    features: Floats
    labels: Ints
    folds: Ints
    classes: int
    distances: Floats
    settings: tuple[tuple[float, float], ...]
    says: Floats
    loss: float

    @classmethod
    def trained(cls, features: Floats, labels: Ints, folds: Ints, classes: int) -> Probe:
        """Train on clean samples, each fold's width and ridge chosen on another fold."""
        distances = squared_distances(features, features)
        targets = _indicators(labels, classes)
        says = np.empty((len(labels), classes), dtype=np.float32)
        settings, losses = [], []
        count = int(folds.max()) + 1
        for fold in range(count):
            learned = folds != fold
            # One of the other folds says which width and ridge are best.
            judges = folds == (fold + 1) % count
            setting = _chosen(distances, targets, learned & ~judges, judges)
            kernel = _kernel(distances, setting[0])
            weights = _solved(kernel[np.ix_(learned, learned)], targets[learned], setting[1])
            says[~learned] = kernel[np.ix_(~learned, learned)] @ weights
            losses.append(np.square(kernel[np.ix_(learned, learned)] @ weights - targets[learned]).mean())
            settings.append(setting)
        return cls(features, labels, folds, classes, distances, tuple(settings), shares(says), float(np.mean(losses)))

    @property
    def accuracy(self) -> float:
        """On clean samples that it has not seen."""
        return float((self.says.argmax(1) == self.labels).mean())

    def asked(self, varied: Floats) -> Views:
        """What probes say of variations (N, D) of the samples, and of the samples once they know the variations."""
        across = squared_distances(varied, self.features)
        among = squared_distances(varied, varied)
        targets = _indicators(self.labels, self.classes)
        unknown, known, clean = (np.empty((len(self.labels), self.classes), dtype=np.float32) for _ in range(3))
        losses = []
        for fold, (width, ridge) in enumerate(self.settings):
            learned = self.folds != fold
            own, rest = np.ix_(learned, learned), np.ix_(~learned, learned)
            old, mixed, new = (_kernel(d, width) for d in (self.distances, across, among))
            weights = _solved(old[own], targets[learned], ridge)
            unknown[~learned] = mixed[rest] @ weights
            both = np.block([[old[own], mixed[own].T], [mixed[own], new[own]]])
            weights = _solved(both, np.tile(targets[learned], (2, 1)), ridge)
            known[~learned] = np.hstack([mixed[rest], new[rest]]) @ weights
            clean[~learned] = np.hstack([old[rest], mixed.T[rest]]) @ weights
            losses.append(np.square(np.hstack([mixed[own], new[own]]) @ weights - targets[learned]).mean())
        return Views(shares(unknown), shares(known), shares(clean), self._at_home(across), float(np.mean(losses)))

    def _at_home(self, across: Floats) -> NDArray[np.bool_]:
        """(N, C) whether a variation is as near to the samples of a class as 9 in 10 of these are to each other."""
        among = self.distances.copy()
        np.fill_diagonal(among, np.inf)
        home = np.zeros((len(across), self.classes), dtype=bool)
        for number in range(self.classes):
            members = np.flatnonzero(self.labels == number)
            if len(members) > NEIGHBOURS:
                usual = np.quantile(_to_nearest(among[np.ix_(members, members)]), 0.9)
                home[:, number] = _to_nearest(across[:, members]) <= usual
        return home


@dataclass(frozen=True, eq=False)
class Views:
    """What probes say that were asked about variations.

    Attributes:
        unknown: (N, C) shares given to variations by probes that know clean samples only.
        known: (N, C) shares given to variations by probes that know clean samples and variations, of other samples.
        clean: (N, C) shares that the latter give to the clean samples.
        at_home: (N, C) whether a variation lies among the clean samples of a class.
        loss: mean squared error of the latter on the variations that they were trained on.
    """

    unknown: Floats
    known: Floats
    clean: Floats
    at_home: NDArray[np.bool_]
    loss: float


def _to_nearest(distances: Floats) -> Floats:
    nearest: Floats = np.partition(distances, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS].mean(1)
    return nearest


def squared_distances(a: Floats, b: Floats) -> Floats:
    """(N, M) between rows."""
    squares = np.square(a).sum(1)[:, None] + np.square(b).sum(1) - 2 * (a @ b.T)
    return np.asarray(np.maximum(squares, 0), dtype=np.float32)


def _kernel(distances: Floats, width: float) -> Floats:
    kernel: Floats = np.exp(distances * np.float32(-0.5 / width))
    return kernel


def _indicators(labels: Ints, classes: int) -> Floats:
    # Centred, so that a sample unlike all others gets equal shares.
    return np.eye(classes, dtype=np.float32)[labels] - np.float32(1 / classes)


def shares(outputs: Floats) -> Floats:
    """Outputs for centred indicators as shares: not negative, of sum 1."""
    raised = np.maximum(outputs + np.float32(1 / outputs.shape[1]), np.float32(1e-6))
    made: Floats = raised / raised.sum(1, keepdims=True)
    return made


def _solved(kernel: Floats, targets: Floats, ridge: float) -> Floats:
    from scipy.linalg import cho_factor, cho_solve

    regular = kernel + np.float32(ridge) * np.eye(len(kernel), dtype=np.float32)
    solved: Floats = cho_solve(cho_factor(regular, lower=True, overwrite_a=True), targets)
    return solved


def _chosen(
    distances: Floats, targets: Floats, learned: NDArray[np.bool_], judges: NDArray[np.bool_]
) -> tuple[float, float]:
    """The squared width and the ridge with the least error on the judges."""
    typical = float(np.median(distances[np.ix_(learned, learned)])) or 1.0
    found = []
    for factor in WIDTHS:
        width = typical * factor**2
        kernel = _kernel(distances[:, learned], width)
        for ridge in RIDGES:
            weights = _solved(kernel[learned], targets[learned], ridge)
            found.append((float(np.square(kernel[judges] @ weights - targets[judges]).mean()), width, ridge))
    return min(found)[1:]
