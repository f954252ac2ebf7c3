"""Strength in a closed loop: it rises while training overfits, and falls where variations do harm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Reals = NDArray[np.float64]

# Varied samples cost too much where their loss lies by so many margins above that of clean ones.
HARM = 5


class AdaptiveStrength:
    """A strength of variations that follows what training reports, for any training loop.

    Give it to a `Loader` as `strength=`, and call `report` once an epoch, or as often as you look at losses. The
    strength of an epoch is fixed and remembered when the epoch begins, and saved with the loader's state: a training
    that goes on from there sees the same bytes.

    Two kinds of reports steer it, in units of the first loss that was reported:

    - `report(train=, validation=)`, the loss on varied training data and on clean validation data. It rises where
      validation lies above training by more than `margin`: the model knows its training data better than others, it
      overfits. It falls where training lies above validation by more than `margin`: the variations are harder than
      unseen data.
    - `report(clean=, varied=)`, the losses of the same samples as they are and varied. It rises where varied ones cost
      less than `margin` more and half of the first loss is gone: they are learned. It falls where they cost more than
      five margins more: they do harm.

    Args:
        start: the first strength, in [0, 1]. Default 0.2.
        step: by which one report moves it. Default 0.1.
        margin: what counts as a difference, as a share of the first loss. Default 0.05.
        low, high: between which it stays, in [0, 1]. Default 0 and 1.
        classes: K; then reports have one loss for each class, and each class a strength of its own. NaN is no report
            for that class. Default: one strength for all.
        epochs: how many the training has, where `close_after` is given.
        close_after: from this share of the epochs on, in (0, 1], all is clean: the last epochs end on real data.
            Default: variations until the end.

    Papers: Karras et al. 2020 (ADA: strength by the sign of overfitting); Ahn et al. 2023 (CUDA: a strength for each
    class).

    Raises:
        ValueError: a wrong argument.

    Example:
        >>> from covary.learn import AdaptiveStrength
        >>> strength = AdaptiveStrength(start=0.2, epochs=50, close_after=0.9)
        >>> strength.report(train=2.0, validation=2.0)
        >>> strength.report(train=0.5, validation=1.1)
        >>> round(strength.strength, 2)
        0.3
        >>> strength.at(45)
        0.0
    """

    def __init__(
        self,
        start: float = 0.2,
        *,
        step: float = 0.1,
        margin: float = 0.05,
        low: float = 0.0,
        high: float = 1.0,
        classes: int | None = None,
        epochs: int | None = None,
        close_after: float | None = None,
    ) -> None:
        for name, value in (("start", start), ("step", step), ("low", low), ("high", high), ("margin", margin)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
                raise ValueError(f"AdaptiveStrength: {name} is {value!r}; allowed: a number in [0, 1]")
        if not low <= start <= high:
            raise ValueError(f"AdaptiveStrength: start is {start!r}; allowed: from low, {low}, to high, {high}")
        for name, count in (("classes", classes), ("epochs", epochs)):
            if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
                raise ValueError(f"AdaptiveStrength: {name} is {count!r}; allowed: a whole number from 1 on, or None")
        if close_after is not None and (epochs is None or not 0 < close_after <= 1):
            raise ValueError(
                f"AdaptiveStrength: close_after is {close_after!r} with epochs={epochs!r}; "
                "allowed: a share in (0, 1] of a number of epochs"
            )
        self._step, self._margin, self._low, self._high = float(step), float(margin), float(low), float(high)
        self._options: dict[str, Any] = {
            "start": float(start),
            "step": float(step),
            "margin": float(margin),
            "low": float(low),
            "high": float(high),
            "classes": classes,
            "epochs": epochs,
            "close_after": close_after,
        }
        self._now: Reals = np.full(classes or 1, float(start))
        self._scale: Reals = np.full(classes or 1, np.nan)
        self._used: dict[int, list[float]] = {}
        # Rounded, as 0.9 of 10 epochs is 9 and no hair more.
        share = math.inf if epochs is None or close_after is None else round(close_after * epochs, 9)
        self._closes = None if share == math.inf else math.ceil(share)

    @property
    def strength(self) -> float | Reals:
        """As it stands now: one number, or (K,) numbers."""
        return self._given(self._now)

    def at(self, epoch: int) -> float | Reals:
        """The strength of an epoch: as it stands when the epoch is first asked for, and the same ever after."""
        if self._closes is not None and epoch >= self._closes:
            return self._given(np.zeros(len(self._now)))
        if epoch not in self._used:
            self._used[epoch] = self._now.tolist()
        return self._given(np.array(self._used[epoch]))

    def of(self, labels: ArrayLike, epoch: int) -> Reals:
        """(B,) strengths of samples by their classes: the `strength=` of `Pipeline.batch`.

        Args:
            labels: (B,) class numbers.
            epoch: in which the samples are used.
        """
        numbers = np.asarray(labels, dtype=np.int64)
        strength = np.asarray(self.at(epoch), dtype=np.float64)
        return strength[numbers] if strength.ndim else np.full(len(numbers), float(strength))

    def report(
        self,
        *,
        train: ArrayLike | None = None,
        validation: ArrayLike | None = None,
        clean: ArrayLike | None = None,
        varied: ArrayLike | None = None,
    ) -> None:
        """Tell losses: of `train` and `validation`, or of `clean` and `varied` samples, or of both pairs.

        Args:
            train, validation: losses of varied training data and of clean data that are not trained on; numbers, or
                (K,) arrays where there are strengths of classes.
            clean, varied: losses of the same samples.

        Raises:
            ValueError: half a pair, or losses of another number.
        """
        pairs = {("train", "validation"): (train, validation), ("clean", "varied"): (clean, varied)}
        if all(first is None and second is None for first, second in pairs.values()):
            raise ValueError("report: pass train= and validation=, or clean= and varied=")
        for names, (first, second) in pairs.items():
            if first is None and second is None:
                continue
            lower, upper = (self._losses(name, each) for name, each in zip(names, (first, second), strict=True))
            # One that is not finite, as of a class without samples, says nothing.
            known = np.isfinite(lower) & np.isfinite(upper)
            largest = np.maximum(np.abs(lower), np.abs(upper))
            self._scale = np.where(known & np.isnan(self._scale), largest, self._scale)
            scale = np.where(self._scale > 0, self._scale, 1.0)
            excess = np.where(known, (upper - lower) / scale, 0.0)
            if names[0] == "train":
                direction = np.where(excess > self._margin, 1, np.where(excess < -self._margin, -1, 0))
            else:
                learned = known & (upper < scale / 2)
                rises = learned & (excess < self._margin)
                direction = np.where(excess > HARM * self._margin, -1, np.where(rises, 1, 0))
            moved = self._now + self._step * direction
            # Sums of steps of 0.1 come back to the numbers that they left.
            self._now = np.clip(np.round(moved, 12), self._low, self._high)

    def options(self) -> dict[str, Any]:
        """How it was made, as plain data."""
        return dict(self._options)

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers, as plain data: strengths as they stand, and those of all epochs so far."""
        return {
            "strength": self._now.tolist(),
            "scale": [None if math.isnan(each) else each for each in self._scale.tolist()],
            "epochs": {str(epoch): list(used) for epoch, used in self._used.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Remember what another one did.

        Raises:
            ValueError: it is no state of an AdaptiveStrength, or of another number of classes.
        """
        try:
            now = np.array(state["strength"], dtype=np.float64)
            scale = np.array([np.nan if each is None else each for each in state["scale"]], dtype=np.float64)
            used = {int(epoch): [float(each) for each in strengths] for epoch, strengths in state["epochs"].items()}
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ValueError("load_state_dict: this is no state of an AdaptiveStrength") from None
        if now.shape != self._now.shape or scale.shape != now.shape:
            raise ValueError(f"load_state_dict: the state is of {len(now)} strengths; here are {len(self._now)}")
        self._now, self._scale, self._used = now, scale, used

    def _given(self, strengths: Reals) -> float | Reals:
        return strengths.copy() if self._options["classes"] else float(strengths[0])

    def _losses(self, name: str, losses: ArrayLike | None) -> Reals:
        if losses is None:
            raise ValueError(f"report: {name}= is missing; losses are compared in pairs")
        numbers = np.atleast_1d(np.asarray(losses, dtype=np.float64))
        if numbers.shape != self._now.shape:
            raise ValueError(f"report: {name} has shape {numbers.shape}; needed is {self._now.shape}")
        return numbers

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self._options.items() if value is not None)
        return f"AdaptiveStrength({given})"
