"""The rows of random numbers: one row per sample, one number per slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.draws.philox import philox_rows
from covary.draws.stratified import stratified_uniforms

Draws: TypeAlias = Literal["independent", "stratified"]
DRAWS: tuple[Draws, ...] = ("independent", "stratified")


def checked_seed(seed: object, owner: str) -> int:
    """A seed as a plain number.

    Raises:
        ValueError: it is no whole number in [0, 2**64); the message begins with the owner.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise ValueError(f"{owner}: seed is {seed!r}; allowed: a whole number in [0, 2**64)")
    return int(seed)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What chance says of B samples, a column per slot.

    Attributes:
        uniforms: (B, S) float64 in [0, 1), 53 random bits each.
        streams: (B, S) uint64 keys for bulk randomness, independent of the uniforms.
    """

    uniforms: NDArray[np.float64]
    streams: NDArray[np.uint64]


def draw_rows(
    seed: int,
    epochs: NDArray[np.uint32],
    keys: NDArray[np.uint64],
    slots: NDArray[np.uint32],
    draws: Draws = "independent",
) -> Rows:
    """The rows of B samples.

    Args:
        seed: of the pipeline, in [0, 2**64).
        epochs: (B,) uint32.
        keys: (B,) uint64 identities of the samples.
        slots: (S,) uint32.
        draws: "independent", or "stratified": the uniforms of one sample and slot form a low-discrepancy sequence
            over the epochs, so that 2**k epochs from a multiple of 2**k on fall one into each 2**k-th part of [0, 1).
    """
    words = philox_rows(seed, epochs, keys, slots)
    # Little-endian pairs of words read as 64-bit numbers: (w0, w1) the uniform, (w2, w3) the stream key.
    pairs = words.view("<u8")
    streams = np.ascontiguousarray(pairs[..., 1])
    if draws == "stratified":
        fixed = philox_rows(seed, np.zeros_like(epochs), keys, slots)
        return Rows(stratified_uniforms(epochs, fixed), streams)
    return Rows((pairs[..., 0] >> np.uint64(11)).astype(np.float64) * 2.0**-53, streams)
