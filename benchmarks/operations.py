"""Single operations: 512x512x3 uint8 photographs in and out.

    python -m benchmarks.operations [NAME ...]

Every operation that has a counterpart in Albumentations 2.0.8, with the same parameters, always applied; bilinear
sampling, black borders unless said, one thread. Where Albumentations has several ways, the fastest stands here. The
results of a batch are all held until it is complete, by either library.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import operations_colour, operations_geometry, operations_others, peers, report
from benchmarks.operation import Operation
from benchmarks.photographs import photographs
from benchmarks.timing import Times, take_turns

BATCH = 32
SIDE = 512

OPERATIONS = operations_geometry.OPERATIONS + operations_colour.OPERATIONS + operations_others.OPERATIONS


def their_call(operation: Operation) -> Callable[[Any], Any] | None:
    library = peers.albumentations()
    if library is None:
        return None
    compose = library.Compose([operation.theirs(library)], seed=1)
    if operation.planar:
        return lambda picture: np.ascontiguousarray(compose(image=picture)["image"].transpose(2, 0, 1))
    return lambda picture: compose(image=picture)["image"]


def time_operation(operation: Operation, pictures: list[Any]) -> Times:
    from covary import Pipeline, image

    pipeline = Pipeline([operation.ours(image)], seed=1, threads=1)
    jobs = {
        "batch": (lambda: pipeline.batch(pictures), len(pictures)),
        "single": (lambda: [pipeline(picture) for picture in pictures], len(pictures)),
    }
    theirs = their_call(operation)
    if theirs is not None:
        jobs["albumentations"] = (lambda: [theirs(picture) for picture in pictures], len(pictures))
    return take_turns(jobs, rounds=9)


def run(names: list[str]) -> None:
    pictures = photographs(BATCH, SIDE, SIDE)
    chosen = [operation for operation in OPERATIONS if not names or operation.name.split(",")[0] in names]
    rows = [
        report.comparison(operation.name, time_operation(operation, pictures), "albumentations", operation.at_least)
        for operation in chosen
    ]
    unmet = [cells[0] for cells in rows if cells[-1].endswith("not met")]
    report.print_table(
        f"Single operations: {SIDE}x{SIDE}x3 uint8, microseconds per image, one thread",
        ("operation", "covary batch", "covary single", "Albumentations", "batch/Alb.", "single/Alb.", "target (batch)"),
        rows,
        [f"Batches of {BATCH}. Not met: {', '.join(unmet) if unmet else 'none'}."],
    )


if __name__ == "__main__":
    report.print_machine()
    run(sys.argv[1:])
