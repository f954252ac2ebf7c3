"""Which of several processes this one is: worker of a DataLoader, rank of a training."""

from __future__ import annotations

import os

import torch
from torch.utils.data import get_worker_info

from covary.draws.keys import key_number
from covary.pipeline import Pipeline


def place_of_draws() -> str | None:
    """What tells the draws of this process from those of all others; None in the only one."""
    worker, (rank, world) = get_worker_info(), rank_and_world()
    if worker is None:
        return None if world == 1 else f"rank {rank}"
    return f"worker {worker.seed} of rank {rank}"


def drawing_at(place: str | None, pipeline: Pipeline) -> Pipeline:
    """The pipeline, with a seed of its own where there are several places."""
    return pipeline if place is None else pipeline.with_options(seed=key_number(f"{pipeline.seed}: {place}"))


def rank_and_world() -> tuple[int, int]:
    """Number of this process among those that train together, and how many there are.

    Where `torch.distributed` has not begun, as in the worker processes of a DataLoader, the environment says it, as
    `torchrun` sets it.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    rank, world = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    return (int(rank), int(world)) if rank.isdigit() and world.isdigit() else (0, 1)
