"""An experiment that takes as long as it is told, to be killed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from covary import Pipeline, image
from covary.prove import Outcome, Trial, prove
from tests.prove.learners import blobs, softmax_regression

PAUSE = 0.0


def slowly(trial: Trial) -> Outcome:
    time.sleep(PAUSE)
    return softmax_regression(trial, steps=5)


def main(out: Path) -> None:
    task = blobs(60, 3, noise=60)
    pipeline = Pipeline([image.GaussianNoise((0.02, 0.1)), image.Rotate((-10, 10))])
    standard = Pipeline([image.HorizontalFlip(p=0.5)])
    prove(
        task,
        pipeline,
        standard=standard,
        out=out,
        minutes=60,
        runs=6,
        train_and_score=slowly,
        groups=np.arange(60),
        progress=False,
    )
