"""Cells that change places, in covary and in Albumentations."""

from __future__ import annotations

from benchmarks.operation import Operation

OPERATIONS = (
    Operation(
        "RandomGridShuffle",
        lambda i: i.RandomGridShuffle((3, 3)),
        lambda a: a.RandomGridShuffle((3, 3), p=1),
    ),
)
