"""Random numbers for every value of a batch, the same as on every other renderer."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from covary.draws import streams
from covary.draws.philox import MULTIPLIERS, ROUNDS, WEYL, key_words
from covary.draws.streams import GROUP, LANES, Streams
from covary.render.torch.transfer import whole_on_device

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
    whole = [word.int().reshape(-1, channels, height, groups, LANES) for word in words]  # half of them negative
    halves = [(word >> shift) & 0xFFFF for shift in (0, 16) for word in whole]
    return torch.stack(halves, 4).reshape(-1, channels, height, groups * GROUP)[..., :width]


def _key_words(stream: Streams, device: torch.device) -> tuple[Tensor, Tensor]:
    low, high = key_words(stream)
    first, second = (whole_on_device(word.astype(np.int64), device).reshape(-1, 1, 1, 1) for word in (low, high))
    return first, second


def philox4x32(
    counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Philox 4x32 with ten rounds, as in `covary.draws.philox`: words of 32 bits in int64, which broadcast."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(ROUNDS):
        # Products wrap at 64 bits, as they should. Bits above the 32nd are masked away where they would come to count.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = ((p1 >> 32) ^ c1 ^ k0) & _LOW, p1, ((p0 >> 32) ^ c3 ^ k1) & _LOW, p0
        k0, k1 = (k0 + _WEYL[0]) & _LOW, (k1 + _WEYL[1]) & _LOW
    return c0, c1 & _LOW, c2, c3 & _LOW


def gaussian_values(bits: Tensor) -> Tensor:
    """Standard normal values of 16-bit numbers, float32; see `covary.draws.streams.gaussian_values`."""
    return _every_gaussian_value(bits.device)[bits]


@cache
def _every_gaussian_value(device: torch.device) -> Tensor:
    """The values of all 65,536 numbers."""
    return torch.tensor(streams.gaussian_values(np.arange(65536, dtype=np.uint16)), device=device)


def law_values(bits: Tensor, tables: NDArray[np.float32]) -> Tensor:
    """The values of 16-bit numbers (B, ...) by the tables (B, 6, 16) of laws; see `covary.draws.laws`."""
    samples = torch.arange(len(bits), device=bits.device).reshape(-1, *[1] * (bits.ndim - 1))
    table = torch.tensor(tables, device=bits.device).transpose(0, 1).flatten(1)  # (6, B * 16)
    mantissa, exponent = torch.frexp(((bits & 0x7FFF) * 2 + 1).float())
    half, place, t = 3 * (bits >> 15), exponent.long() - 1 + 16 * samples, mantissa * 2
    a, b, c = (table[half + row, place] for row in range(3))
    return (a * t + b) * t + c
