"""How often `covary check` cries wolf, and how often it sees one: `python -m benchmarks.alarms [SEEDS]`.

Names of classes tell nothing here (or the operations break no rule), so that all findings are measured ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from benchmarks.alarm_tasks import arrows, chirps, digits, reviews, shapes, sizes
from covary import Pipeline, audio, image, text
from covary.ops.base import Operation
from covary.prove.check import check
from covary.prove.task import Task

PICTURES = (
    image.Rotate(10),
    image.Brightness((0.8, 1.2)),
    image.Contrast((0.8, 1.2)),
    image.GaussianNoise((0.01, 0.04)),
    image.Translate((-0.05, 0.05), (-0.05, 0.05)),
    image.Shear(8),
)
CASES: tuple[tuple[Callable[[int], Task], Sequence[Operation], Sequence[Operation]], ...] = (
    (lambda seed: digits(400, seed, named=False), (*PICTURES, image.Scale((0.9, 1.1))), ()),
    (
        lambda seed: arrows(240, seed),
        (*PICTURES, image.VerticalFlip(), image.Scale(), image.GaussianBlur((0.1, 1.5))),
        (image.HorizontalFlip(), image.Rotate((-180, 180)), image.D4()),
    ),
    (
        lambda seed: arrows(320, seed, (0, 90, 180, 270)),
        PICTURES,
        (image.HorizontalFlip(), image.VerticalFlip(), image.RandomRotate90(), image.Transpose()),
    ),
    (
        lambda seed: shapes(300, seed),
        (*PICTURES, image.HorizontalFlip(), image.Hue(), image.ColorJitter(), image.GaussianBlur((0.1, 1.5))),
        (),
    ),
    (lambda seed: sizes(240, seed), (*PICTURES, image.HorizontalFlip(), image.D4()), (image.Scale((0.45, 2.2)),)),
    (
        lambda seed: chirps(200, seed),
        (
            audio.Gain(),
            audio.ColorNoise(),
            audio.Shift((-0.2, 0.2)),
            audio.TimeStretch(),
            audio.PitchShift(2),
            audio.PolarityInversion(),
        ),
        (audio.Reverse(),),
    ),
    (
        lambda seed: reviews(300, seed),
        (
            text.SynonymReplacement(),
            text.KeyboardTypo(0.02),
            text.CaseNoise(),
            text.Contractions(),
            text.StopWordDeletion(),
        ),
        (text.RandomDeletion(0.3),),
    ),
)


def run(arguments: Sequence[str] = ()) -> None:
    """Print a row for each task: alarms among harmless operations, and harmful ones found, over all seeds."""
    seeds = int(arguments[0]) if arguments else 5
    print(f"{'task':<10}{'harmless':>10}{'alarms':>8}{'harmful':>9}{'found':>7}   what went wrong")
    total = [0, 0, 0, 0]
    for make, harmless, harmful in CASES:
        row, wrong, name = [0, 0, 0, 0], [], ""
        for seed in range(seeds):
            task = make(seed)
            name = task.name if len(task.classes) < 4 or task.name == "digits" else f"{task.name} {len(task.classes)}"
            findings = check(task, Pipeline([*harmless, *harmful], seed=seed), seed=seed)
            verdicts = [finding.verdict == "unsafe" for finding in findings.operations]
            alarms, found = verdicts[: len(harmless)], verdicts[len(harmless) :]
            row = [a + b for a, b in zip(row, (len(alarms), sum(alarms), len(found), sum(found)), strict=True)]
            wrong += [
                f"{finding.name} ({seed})"
                for finding, unsafe, bad in zip(
                    findings.operations, verdicts, [False] * len(alarms) + [True] * len(found), strict=True
                )
                if unsafe != bad
            ]
        print(f"{name:<10}{row[0]:>10}{row[1]:>8}{row[2]:>9}{row[3]:>7}   {', '.join(wrong)}", flush=True)
        total = [a + b for a, b in zip(total, row, strict=True)]
    print(f"{'all':<10}{total[0]:>10}{total[1]:>8}{total[2]:>9}{total[3]:>7}")


if __name__ == "__main__":
    run(sys.argv[1:])
