"""Masks as run lengths, as the COCO format has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from covary.plan.changes import Bools


def encode_runs(mask: Bools) -> list[int]:
    """Run lengths of a mask, column after column, beginning with the zeros (COCO's uncompressed RLE)."""
    flat = np.asarray(mask, dtype=bool).ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])) if flat.size else np.zeros(0, dtype=np.intp)
    leading = [0] if flat.size and flat[0] else []
    return leading + [int(run) for run in runs]


def decode_runs(runs: Sequence[int], size: tuple[int, int]) -> Bools:
    """The mask that run lengths stand for.

    Raises:
        ValueError: a run is negative, or they do not add up to the mask's pixels.
    """
    lengths = np.asarray(runs, dtype=np.int64)
    if (lengths < 0).any() or lengths.sum() != size[0] * size[1]:
        raise ValueError(
            f"run lengths add up to {lengths.sum()}, but a mask of {size[0]} x {size[1]} has {size[0] * size[1]}"
        )
    flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return flat.reshape(size, order="F")


def pack_runs(runs: Sequence[int]) -> str:
    """COCO's compressed RLE: base-32 digits; from the fourth run on, the difference to the one two before it."""
    text: list[str] = []
    for index, run in enumerate(runs):
        rest = run - runs[index - 2] if index > 2 else run
        while True:
            digit = rest & 31
            rest >>= 5
            more = rest != (-1 if digit & 16 else 0)
            text.append(chr(48 + (digit | 32 if more else digit)))
            if not more:
                break
    return "".join(text)


def unpack_runs(text: str) -> list[int]:
    """The run lengths in a compressed RLE.

    Raises:
        ValueError: a character that cannot occur, or an end within a number.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise ValueError(f"compressed run lengths hold {character!r}")
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = shift = 0
    if shift:
        raise ValueError("compressed run lengths end within a number")
    return runs
