"""The batch plan: which variation of which sample stands in which batch. Made in one place, before anything is read.

All of it is a pure function of the seed and the epoch, in flat arrays. No worker has a say in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.data.strength import EpochStrength
from covary.draws.keys import slot_number
from covary.draws.philox import philox_rows

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

_ORDER = slot_number("Loader", "order")
_ROUNDS = slot_number("Loader", "rounds")
_WEIGHTS = slot_number("Loader", "weights")

# A sample that chance draws again in one epoch takes its variations from so far behind the first ones.
AGAIN = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One batch to be made.

    Attributes:
        epoch: of the stream.
        number: of the batch in its epoch.
        indices: (B,) numbers of the samples in the data set.
        variations: (B,) uint32, which variation of each: the `epoch=` of a pipeline's call.
        strength: of the epoch's variations: one number, one for each class, or None for 1.
    """

    epoch: int
    number: int
    indices: Ints
    variations: NDArray[np.uint32]
    strength: EpochStrength = None

    def pieces(self, count: int) -> list[Order]:
        """The order in pieces of about one size, end to end; no more of them than there are samples."""
        ends = np.linspace(0, len(self.indices), min(count, len(self.indices)) + 1).astype(np.int64)
        rows = [slice(start, end) for start, end in pairwise(ends)]
        return [replace(self, indices=self.indices[part], variations=self.variations[part]) for part in rows]


@dataclass(frozen=True, slots=True, eq=False)
class Epoch:
    """All batches of one epoch on one rank, end to end; the attributes are those of `Order`."""

    number: int
    batch_size: int
    indices: Ints
    variations: NDArray[np.uint32]
    strength: EpochStrength = None

    def __len__(self) -> int:
        return -(-len(self.indices) // self.batch_size)

    def order(self, batch: int) -> Order:
        """What one batch is made of."""
        rows = slice(batch * self.batch_size, (batch + 1) * self.batch_size)
        return Order(self.number, batch, self.indices[rows], self.variations[rows], self.strength)

    def behind(self, batch: int) -> tuple[Ints, NDArray[np.uint32]]:
        """Indices and variations of what follows a batch, round to and including the batch itself."""
        shift = -min((batch + 1) * self.batch_size, len(self.indices))
        return np.roll(self.indices, shift), np.roll(self.variations, shift)


@dataclass(frozen=True, eq=False)
class Schedule:
    """The batches of every epoch.

    Attributes:
        rows: (N,) numbers of the samples that take part.
        batch_size: pictures in a batch; a multiple of `repeats`.
        seed: of the order.
        shuffle: False keeps the order of the data set.
        drop_last: whether a last batch that is not full is left out.
        repeats: variations of a sample in one batch.
        rank, world: this process draws every world-th sample, from number `rank` on.
        labels: (N,) classes, each to be drawn equally often; None for no balance.
        weights: (N,) how often each sample is drawn, relative to others, with replacement; None for once each.
    """

    rows: Ints
    batch_size: int
    seed: int
    shuffle: bool = True
    drop_last: bool = False
    repeats: int = 1
    rank: int = 0
    world: int = 1
    labels: Ints | None = None
    weights: Floats | None = None

    def __len__(self) -> int:
        """Batches in an epoch, the same on all ranks."""
        return -(-self._share // self._distinct)

    @property
    def _distinct(self) -> int:
        return self.batch_size // self.repeats

    @cached_property
    def _share(self) -> int:
        """Draws of an epoch that fall to each rank."""
        drawn = len(self.rows) if self.labels is None else _quota(self.labels) * len(np.unique(self.labels))
        if self.drop_last:
            return drawn // self.world // self._distinct * self._distinct
        return -(-drawn // self.world)

    def epoch(self, number: int) -> Epoch:
        """The batches of an epoch."""
        variations: NDArray[np.uint32]
        if self.labels is not None:
            drawn, variations = balanced(self.seed, number, self.labels)
        elif self.weights is not None:
            drawn, variations = weighted(self.seed, number, self.weights)
        else:
            count = len(self.rows)
            drawn = permutation(self.seed, number, count) if self.shuffle else np.arange(count)
            variations = np.full(count, number, np.uint32)
        mine = share(len(drawn), self.rank, self.world, self._share)
        indices, variations = self.rows[drawn[mine]], variations[mine]
        if self.repeats > 1:
            indices = indices.repeat(self.repeats)
            variations = repeated(variations, self.repeats)
        return Epoch(number, self.batch_size, indices, variations)


def permutation(seed: int, epoch: int, count: int) -> Ints:
    """A permutation of `count` numbers: they are sorted by random words, one for each."""
    return _sorted_by_chance(seed, np.full(count, epoch, np.uint32), np.arange(count, dtype=np.uint64), _ORDER)


def balanced(seed: int, epoch: int, labels: Ints) -> tuple[Ints, NDArray[np.uint32]]:
    """Each class equally often, in an epoch about as long as the data set.

    The samples of a class follow each other in rounds, every round in an order of its own, and the epochs take what
    they need where the epoch before stopped: over time all samples of a class come equally often.

    Returns:
        Places in `labels`, shuffled, and the variation of each: how often the sample was drawn before.
    """
    quota = _quota(labels)
    by_class = np.argsort(labels, kind="stable")
    places: list[Ints] = []
    rounds: list[Ints] = []
    for members in np.split(by_class, np.flatnonzero(np.diff(labels[by_class])) + 1):
        wanted = np.arange(epoch * quota, (epoch + 1) * quota)
        turn, place = wanted // len(members), wanted % len(members)
        first, last = int(turn[0]), int(turn[-1]) + 1
        epochs = np.arange(first, last, dtype=np.uint32).repeat(len(members))
        keys = np.tile(members.astype(np.uint64), last - first)
        in_turn = _sorted_by_chance(seed, epochs, keys, _ROUNDS, last - first)
        places.append(members[in_turn[turn - first, place]])
        rounds.append(turn)
    order = permutation(seed, epoch, quota * len(places))
    return np.concatenate(places)[order], np.concatenate(rounds).astype(np.uint32)[order]


def weighted(seed: int, epoch: int, weights: Floats) -> tuple[Ints, NDArray[np.uint32]]:
    """As many draws as there are weights, with replacement.

    Returns:
        Places in `weights`, and the variation of each: the epoch, and for a place drawn again AGAIN more each time.
    """
    count = len(weights)
    words = _words(seed, np.full(count, epoch, np.uint32), np.arange(count, dtype=np.uint64), _WEIGHTS)
    ends = np.cumsum(weights)
    drawn = np.searchsorted(ends, (words >> np.uint64(11)) * 2.0**-53 * ends[-1], side="right")
    drawn = np.minimum(drawn, np.flatnonzero(weights)[-1])  # the product may round up to the end
    return drawn, (epoch + AGAIN * _occurrences(drawn)).astype(np.uint32)


def share(count: int, rank: int, world: int, length: int) -> Ints:
    """Places of an epoch's draws that fall to one rank: every world-th, from the beginning again where they run out."""
    return (rank + world * np.arange(length)) % max(count, 1)


def repeated(variations: NDArray[np.uint32], repeats: int) -> NDArray[np.uint32]:
    """Variations repeats * v, ..., repeats * v + repeats - 1 in place of variation v."""
    several = variations[:, None].astype(np.uint64) * np.uint64(repeats) + np.arange(repeats, dtype=np.uint64)
    return several.astype(np.uint32).ravel()


def _quota(labels: Ints) -> int:
    return -(-len(labels) // len(np.unique(labels)))


def _occurrences(values: Ints) -> Ints:
    """How often each value stood before, at each place."""
    order = np.argsort(values, kind="stable")
    starts = np.r_[True, np.diff(values[order]) != 0]
    positions = np.arange(len(values))
    counted = np.empty_like(positions)
    counted[order] = positions - np.maximum.accumulate(np.where(starts, positions, 0))
    return counted


def _words(seed: int, epochs: NDArray[np.uint32], keys: NDArray[np.uint64], slot: int) -> NDArray[np.uint64]:
    """One 64-bit word for each epoch and key."""
    words = philox_rows(seed, epochs, keys, np.array([slot], np.uint32))
    return np.ascontiguousarray(words.view("<u8")[:, 0, 0])


def _sorted_by_chance(
    seed: int, epochs: NDArray[np.uint32], keys: NDArray[np.uint64], slot: int, turns: int | None = None
) -> Ints:
    words = _words(seed, epochs, keys, slot)
    return np.argsort(words if turns is None else words.reshape(turns, -1), axis=-1, kind="stable")
