"""The arrays of a batch as tensors of a framework, on the same memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np

from covary.data.pinned import Pinned, import_torch

Framework: TypeAlias = Literal["numpy", "torch", "jax"]
FRAMEWORKS: tuple[Framework, ...] = ("numpy", "torch", "jax")


def tensor_maker(to: Framework, pinned: Pinned | None = None, device: Any = None) -> Callable[[Any], Any] | None:
    """The function that turns a field of a batch into tensors; what is no array of numbers stays as it is.

    Args:
        to: the framework; "numpy" needs nothing.
        pinned: has PyTorch tensors in page-locked memory, from which a GPU copies without waiting: arrays that do not
            stand there are copied. None: they stay where they are.
        device: where the tensors go.

    Raises:
        ImportError: the framework is not installed.
    """
    if to == "numpy":
        return None
    convert = _to_torch(pinned, device) if to == "torch" else _to_jax(device)

    def converted(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return convert(value) if value.dtype.kind in "biuf" else value
        if type(value) is list and value and all(isinstance(each, np.ndarray) for each in value):
            return [converted(each) for each in value]
        return value

    return converted


def _to_torch(pinned: Pinned | None, device: Any) -> Callable[[Any], Any]:
    torch = import_torch()

    def convert(array: Any) -> Any:
        if pinned is not None:
            tensor = pinned.tensor(array)
        else:
            tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
        return tensor if device is None else tensor.to(device, non_blocking=pinned is not None)

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
