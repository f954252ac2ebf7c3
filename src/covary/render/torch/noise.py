"""Random numbers for every value of a batch, the same as on every other renderer."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from covary.draws.philox import MULTIPLIERS, ROUNDS, WEYL
from covary.draws.streams import GROUP, LANES, Streams, gaussian_table

_LOW = 0xFFFFFFFF
_MULTIPLIERS, _WEYL = tuple(map(int, MULTIPLIERS)), tuple(map(int, WEYL))


def picture_bits(stream: Streams, tag: int, height: int, width: int, channels: int, device: torch.device) -> Tensor:
    """One 16-bit number for every value of each picture; see `covary.draws.streams.picture_bits`.

    Args:
        stream: (B,) uint64 keys.
        tag, height, width, channels: as there.
        device: where they are wanted.

    Returns:
        (B, channels, height, width) int32, 0 to 65535.
    """
    groups = -(-width // GROUP)

    def axis(count: int, place: int) -> Tensor:
        return torch.arange(count, device=device).reshape([-1 if i == place else 1 for i in range(4)])

    tags = torch.full((1, 1, 1, 1), tag, dtype=torch.int64, device=device)
    words = philox4x32((axis(groups * LANES, 3), axis(height, 2), axis(channels, 1), tags), _key_words(stream, device))
    block = torch.stack([word.expand(len(stream), channels, height, -1) for word in words], -1)
    by_lane = block.int().reshape(*block.shape[:3], groups, LANES, 4)  # the upper half may lie in the sign
    halves = torch.stack([by_lane & 0xFFFF, (by_lane >> 16) & 0xFFFF], 4)  # (B, C, H, groups, halves, lanes, words)
    return halves.transpose(5, 6).reshape(*halves.shape[:3], -1)[..., :width]


def _key_words(stream: Streams, device: torch.device) -> tuple[Tensor, Tensor]:
    low, high = (stream & np.uint64(_LOW)).astype(np.int64), (stream >> np.uint64(32)).astype(np.int64)
    first, second = (torch.tensor(word, device=device).reshape(-1, 1, 1, 1) for word in (low, high))
    return first, second


def philox4x32(
    counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Philox 4x32 with ten rounds, as in `covary.draws.philox`: words of 32 bits in int64, which broadcast."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        # The product wraps at 64 bits, as it should; the shift's sign bits are masked away.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = ((p1 >> 32) & _LOW) ^ c1 ^ k0, p1 & _LOW, ((p0 >> 32) & _LOW) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return c0, c1, c2, c3


def gaussian_values(bits: Tensor) -> Tensor:
    """Standard normal values of 16-bit numbers, float32; see `covary.draws.streams.gaussian_values`."""
    table = torch.tensor(gaussian_table(), device=bits.device)
    a, b, c, t = _parabolas(table, bits, 0)
    magnitude = (a * t + b) * t + c
    return torch.where(bits >> 15 > 0, -magnitude, magnitude)


def law_values(bits: Tensor, tables: NDArray[np.float32]) -> Tensor:
    """The values of 16-bit numbers (B, ...) by the tables (B, 6, 16) of laws; see `covary.draws.laws`."""
    samples = torch.arange(len(bits), device=bits.device).reshape(-1, *[1] * (bits.ndim - 1))
    table = torch.tensor(tables, device=bits.device).transpose(0, 1).flatten(1)  # (6, B * 16)
    a, b, c, t = _parabolas(table, bits, 3 * (bits >> 15), samples)
    return (a * t + b) * t + c


def _parabolas(table: Tensor, bits: Tensor, half: Tensor | int, sample: Tensor | int = 0) -> tuple[Tensor, ...]:
    """Three coefficients of each number's parabola, and where on it the number stands."""
    share = ((bits & 0x7FFF) * 2 + 1).float()
    mantissa, exponent = torch.frexp(share)
    place = exponent.long() - 1 + 16 * sample
    a, b, c = (table[half + row, place] for row in range(3))
    return a, b, c, mantissa * 2
