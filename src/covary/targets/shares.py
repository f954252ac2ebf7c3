"""Checks that the options of several kinds of label share."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_clip(options: Any) -> None:
    """Refuse a `clip` that is neither True nor False."""
    if not isinstance(options.clip, bool):
        raise ValueError(f"{type(options).__name__}: clip is {options.clip!r}; allowed: True or False")


def check_least(options: Any, argument: str, unit: str) -> None:
    """Refuse a limit that is no finite number from 0."""
    value = getattr(options, argument)
    if not _is_number(value) or not 0 <= value < np.inf:
        raise ValueError(f"{type(options).__name__}: {argument} is {value!r}; allowed: {unit}, 0 or more")


def check_share(options: Any, argument: str) -> None:
    """Refuse a share outside [0, 1]."""
    value = getattr(options, argument)
    if not _is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"{type(options).__name__}: {argument} is {value!r}; allowed: a share in [0, 1]")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
