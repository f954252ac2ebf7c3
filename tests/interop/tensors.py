"""Batches of tensors for the tests of PyTorch, and the devices there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")),
]
WHITE = {torch.uint8: 255, torch.uint16: 65535}


def pictures(dtype: Any = torch.uint8, channels: int = 3, count: int = 6, size: tuple[int, int] = (40, 48)) -> Any:
    """(B, C, H, W) of noise on a ramp, over most of the dtype's range."""
    height, width = size
    rng = np.random.default_rng(channels)
    ramp = np.linspace(0.1, 0.7, width) * np.linspace(0.6, 1, height)[:, None]
    values = torch.from_numpy(ramp + rng.uniform(-0.05, 0.25, (count, channels, *size)))
    if dtype in WHITE:
        whole = (values * WHITE[dtype]).round().to(torch.int32)
        return torch.from_numpy(whole.numpy().astype(str(dtype).removeprefix("torch.")))
    return values.to(dtype)


def equal(one: Any, other: Any) -> bool:
    """Whether two tensors hold the same, compared on the CPU, which compares all dtypes."""
    return bool(torch.equal(one.cpu(), other.cpu()))


def arrays(batch: Any) -> NDArray[Any]:
    """(B, H, W, C) of a batch, narrow floats as the float32 in which they are computed."""
    wide = batch.float() if batch.dtype in (torch.float16, torch.bfloat16, torch.float64) else batch
    return np.ascontiguousarray(np.moveaxis(wide.cpu().numpy(), 1, -1))


def channels_first(made: Any) -> list[NDArray[Any]]:
    """What a pipeline made of a batch, as (C, H, W) arrays."""
    return [np.moveaxis(each, -1, 0) for each in made]
