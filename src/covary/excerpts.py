"""Stored sounds, read as far as a plan looks at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.plan.audio import AudioPlan, Kind
from covary.plan.changes import Ints
from covary.plan.excerpts import on_excerpts, samples_needed
from covary.waves import Stored

Companions: TypeAlias = Mapping[str, tuple[Any, Sequence[Kind]]]


class ReadSounds(NamedTuple):
    """B sounds in memory, whole or in part, and the plan for them as they are.

    Attributes:
        plan: for these sounds.
        sounds: (samples,) or (channels, samples) each.
        companions: of each, other waveforms that belong to it, by name, with the kinds of change that they take.
    """

    plan: AudioPlan
    sounds: list[NDArray[Any]]
    companions: Sequence[Companions]


def read_sounds(plan: AudioPlan, sounds: Sequence[Any], companions: Sequence[Companions]) -> ReadSounds:
    """Read what is stored: of each sound the part that its passes look at, and the same part of its companions.

    A sound that stands there several times, in variations, is read once where that is less.

    Args:
        plan: for the whole sounds.
        sounds: B arrays or stored sounds.
        companions: of each.
    """
    read = list(sounds)
    first, length = np.zeros(len(read), dtype=np.int64), np.array(plan.lengths, dtype=np.int64)
    needed = samples_needed(plan)
    for row, some in enumerate(companions):
        if any("time" not in kinds for _, kinds in some.values()):
            needed[row] = 0, length[row]  # what stays in its place is wanted whole
    for rows in _alike(sounds).values():
        of_all = int(needed[rows, 0].min()), int(needed[rows, 1].max())
        together = of_all[1] - of_all[0] <= int((needed[rows, 1] - needed[rows, 0]).sum())
        held = sounds[rows[0]].read(*of_all) if together else None
        for row in rows:
            start, stop = needed[row].tolist()
            read[row] = sounds[row].read(start, stop) if held is None else held[:, start - of_all[0] : stop - of_all[0]]
            first[row], length[row] = start, stop - start
    others = [
        {name: (_part(value, plan, first, length, row), kinds) for name, (value, kinds) in some.items()}
        for row, some in enumerate(companions)
    ]
    return ReadSounds(on_excerpts(plan, first, length), read, others)


def _alike(sounds: Sequence[Any]) -> dict[int, list[int]]:
    """The rows of each stored sound."""
    rows: dict[int, list[int]] = {}
    for row, sound in enumerate(sounds):
        if isinstance(sound, Stored):
            rows.setdefault(id(sound), []).append(row)
    return rows


def _part(value: Any, plan: AudioPlan, first: Ints, length: Ints, row: int) -> Any:
    """Of a companion the part that was read of its sound; one of another length is left for the renderer to refuse."""
    start, stop = int(first[row]), int(first[row] + length[row])
    if isinstance(value, Stored):
        return value.read(start, stop) if value.length == plan.lengths[row] else value.read()
    if isinstance(value, np.ndarray) and value.ndim and value.shape[-1] == plan.lengths[row]:
        return value[..., start:stop]
    return value
