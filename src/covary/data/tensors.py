"""The arrays of a batch as tensors of a framework, on the same memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

Framework: TypeAlias = Literal["numpy", "torch", "jax"]
FRAMEWORKS: tuple[Framework, ...] = ("numpy", "torch", "jax")


def tensor_maker(to: Framework, pin_memory: bool = False, device: Any = None) -> Callable[[Any], Any] | None:
    """The function that turns a field of a batch into tensors; what is no array of numbers stays as it is.

    Args:
        to: the framework; "numpy" needs nothing.
        pin_memory: PyTorch tensors in page-locked memory, from which a GPU copies without waiting.
        device: where the tensors go.

    Raises:
        ImportError: the framework is not installed.
    """
    if to == "numpy":
        return None
    convert = _to_torch(pin_memory, device) if to == "torch" else _to_jax(device)

    def converted(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return convert(value) if value.dtype.kind in "biuf" else value
        if type(value) is list and value and all(isinstance(each, np.ndarray) for each in value):
            return [converted(each) for each in value]
        return value

    return converted


def _to_torch(pin_memory: bool, device: Any) -> Callable[[Any], Any]:
    try:
        import torch
    except ImportError:
        raise ImportError('Loader: to="torch" needs PyTorch: pip install torch') from None
    pinned = pin_memory and torch.cuda.is_available()
    if pin_memory and not pinned:
        warnings.warn("Loader: pin_memory has no effect, as PyTorch finds no CUDA device", stacklevel=4)

    def convert(array: Any) -> Any:
        tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
        if pinned:
            tensor = tensor.pin_memory()
        return tensor if device is None else tensor.to(device, non_blocking=pinned)

    return convert


def _to_jax(device: Any) -> Callable[[Any], Any]:
    try:
        import jax
    except ImportError:
        raise ImportError('Loader: to="jax" needs JAX: pip install jax') from None

    def convert(array: Any) -> Any:
        array = array.astype(jax.dtypes.canonicalize_dtype(array.dtype), copy=False)  # 32 bits unless x64 is enabled
        try:
            made = jax.dlpack.from_dlpack(array)
        except (BufferError, TypeError, RuntimeError):  # read-only, a type that dlpack lacks, or ill aligned
            made = jax.numpy.asarray(array)
        return made if device is None else jax.device_put(made, device)

    return convert
