"""Where a stream stands, and what must agree for it to go on elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.data.dataset import Dataset
from covary.data.schedule import Schedule
from covary.draws.keys import key_numbers
from covary.ops.mix.plain import mixers_to_plain
from covary.pipeline import Pipeline

# These say which samples stand in a batch; the others, what becomes of them.
PLAN = ("samples", "keys", "batch_size", "seed", "shuffle", "drop_last", "repeats", "world", "balance", "weights")

# Of so many identities at most a digest is made: one that comes or goes shifts those behind it.
PROBED = 4096


@dataclass(frozen=True, slots=True)
class Position:
    """The next batch of a stream: its epoch, and its number there."""

    epoch: int
    batch: int

    def to_plain(self) -> dict[str, int]:
        return {"epoch": self.epoch, "batch": self.batch}


def plan_options(
    schedule: Schedule,
    *,
    dataset: Dataset,
    pipeline: Pipeline | None,
    mix: Any,
    decode: str,
    cached: int | None,
    channels: int | None,
    on_error: str,
    strength: Any,
) -> dict[str, Any]:
    """All on which the batches depend, as plain data; what is long stands there as a digest."""
    return {
        "samples": len(schedule.rows),
        "keys": digest_of_keys(dataset, schedule.rows),
        "batch_size": schedule.batch_size,
        "seed": schedule.seed,
        "shuffle": schedule.shuffle,
        "drop_last": schedule.drop_last,
        "repeats": schedule.repeats,
        "world": schedule.world,
        "balance": None if schedule.labels is None else digest(schedule.labels.tobytes()),
        "weights": None if schedule.weights is None else digest(schedule.weights.tobytes()),
        "pipeline": None if pipeline is None else digest(_text(pipeline)),
        "mix": None if mix is None else digest(repr(mixers_to_plain(mix)).encode()),
        "decode": decode,
        "cache_side": cached,
        "channels": channels,
        "on_error": on_error,
        "strength": strength,
    }


def checked_position(state: Mapping[str, Any], options: Mapping[str, Any], batches: int, strict: bool) -> Position:
    """The position that a state tells of.

    Args:
        state: of a loader.
        options: of this one.
        batches: in an epoch.
        strict: whether all options must agree, or those of the batch plan only.

    Raises:
        ValueError: it is no state of a loader, or options differ.
    """
    try:
        position, before = Position(int(state["epoch"]), int(state["batch"])), dict(state["options"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("load_state_dict: this is no state of a covary Loader") from None
    names = [name for name in options if strict or name in PLAN]
    differing = [name for name in names if before.get(name) != options[name]]
    if differing:
        said = "; ".join(f"{name} was {before.get(name)!r}, is {options[name]!r}" for name in differing)
        raise ValueError(f"load_state_dict: the state is of a loader with other options: {said}")
    if position.epoch < 0 or not 0 <= position.batch < batches:
        raise ValueError(
            f"load_state_dict: batch {position.batch} of epoch {position.epoch} is not in {batches} batches"
        )
    return position


def digest(data: bytes) -> str:
    """A short digest, as text."""
    return blake2b(data, digest_size=8).hexdigest()


def digest_of_keys(dataset: Dataset, rows: NDArray[np.int64]) -> str:
    """A digest of identities: of all, or of PROBED of them, evenly spread, where there are more."""
    chosen = rows if len(rows) <= PROBED else rows[np.linspace(0, len(rows) - 1, PROBED).astype(np.int64)]
    return digest(key_numbers(dataset.keys[index] for index in chosen.tolist()).tobytes() + chosen.tobytes())


def _text(pipeline: Pipeline) -> bytes:
    return json.dumps(pipeline.to_dict(), sort_keys=True, default=repr).encode()
