"""Matrices of the channels, and colours, that several operations share."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.ops.base import Operation
from covary.ops.view import View

Fill: TypeAlias = float | tuple[float, ...]

# Rec. 601: the luma of R, G and B.
LUMA = np.array([0.299, 0.587, 0.114])


@cache
def identity_matrix(channels: int) -> NDArray[np.float64]:
    """The (C, C + 1) matrix that leaves all channels as they are; read-only."""
    matrix = np.eye(channels, channels + 1)
    matrix.flags.writeable = False
    return matrix


def has_chroma(operation: Operation, view: View) -> bool:
    """Whether the pictures have colour: three channels do, one does not.

    Raises:
        ValueError: they have another number of channels, of which nobody knows which is red.
    """
    if view.channels not in (1, 3):
        raise ValueError(
            f"the image has {view.channels} channels; {type(operation).__name__} takes 3 (red, green, blue) or 1 (grey)"
        )
    return view.channels == 3


def check_fill(operation: Operation, argument: str, value: Any, *words: str) -> None:
    """Refuse a fill that is neither a finite number, nor a tuple of them, nor one of the words.

    Raises:
        ValueError: naming the operation and the argument.
    """
    if isinstance(value, str) and value in words:
        return
    parts = value if isinstance(value, tuple) else (value,)
    numbers = [isinstance(x, (int, float, np.number)) and not isinstance(x, bool) and math.isfinite(x) for x in parts]
    if not numbers or not all(numbers):
        allowed = ["a number", "a tuple with one number per channel", *(f'"{word}"' for word in words)]
        operation.refuse(argument, repr(value), ", ".join(allowed))
