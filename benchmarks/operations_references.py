"""The look of other pictures, in covary and in Albumentations."""

from __future__ import annotations

from functools import cache
from typing import Any

from benchmarks.operation import Operation
from benchmarks.photographs import photographs


@cache
def references() -> tuple[Any, ...]:
    return tuple(photographs(3, 320, 320)[1:])


OPERATIONS = (
    Operation(
        "HistogramMatching",
        lambda i: i.HistogramMatching(references()),
        lambda a: a.HistogramMatching(p=1),
        call=lambda: {"hm_metadata": references()},
    ),
    Operation(
        "FDA",
        lambda i: i.FDA(references(), (0.01, 0.1)),
        lambda a: a.FDA(beta_limit=(0.005, 0.05), p=1),
        call=lambda: {"fda_metadata": references()},
    ),
    Operation(
        "PixelDistributionAdaptation, pca",
        lambda i: i.PixelDistributionAdaptation(references()),
        lambda a: a.PixelDistributionAdaptation(p=1),
        call=lambda: {"pda_metadata": references()},
    ),
    Operation(
        "PixelDistributionAdaptation, standard",
        lambda i: i.PixelDistributionAdaptation(references(), transform="standard"),
        lambda a: a.PixelDistributionAdaptation(transform_type="standard", p=1),
        call=lambda: {"pda_metadata": references()},
    ),
    Operation(
        "PixelDistributionAdaptation, minmax",
        lambda i: i.PixelDistributionAdaptation(references(), transform="minmax"),
        lambda a: a.PixelDistributionAdaptation(transform_type="minmax", p=1),
        call=lambda: {"pda_metadata": references()},
    ),
)
