"""Small arrays of a plan on their way to the device."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def on_device(array: NDArray[Any], device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """An array as a tensor of its own."""
    return torch.tensor(np.ascontiguousarray(array), dtype=dtype, device=device)
