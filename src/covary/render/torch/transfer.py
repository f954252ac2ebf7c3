"""Small arrays of a plan on their way to the device."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_STAGED = 1 << 16  # bytes that CUDA takes over at once, from any memory


def on_device(array: NDArray[Any], device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """An array as a tensor of its own. No GPU is waited for: what it still has to do, it does meanwhile."""
    tensor = torch.tensor(np.ascontiguousarray(array), dtype=dtype, device="cpu")
    if device.type == "cuda" and tensor.nbytes > _STAGED:
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def whole_on_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Whole numbers as a tensor of int64."""
    return on_device(array, device, torch.int64)
