"""covary in JAX: batches on the device before they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from covary.interop.missing import missing

try:
    import jax
except ImportError as error:
    raise missing("jax", error) from None


def prefetch(batches: Iterable[Mapping[str, Any]], size: int = 2, *, device: Any = None) -> Iterator[dict[str, Any]]:
    """Batches as dicts of JAX arrays, copied to the device ahead of the training step.

    Args:
        batches: of a `covary.Loader` (`loader`, `loader.epoch(3)`), or any dicts of NumPy arrays. What is no array of
            numbers (keys, annotated objects) stays as it is.
        size: how many batches are on their way at the same time, from 1 on. Default 2.
        device: a device, or a sharding, such as `NamedSharding(mesh, PartitionSpec("batch"))`, that spreads each batch
            over several. Default: JAX's default device.

    Raises:
        ValueError: at once, for a wrong `size`.

    As everywhere in JAX, 64-bit numbers become 32-bit ones unless `jax_enable_x64` is set.
    """
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"prefetch: size is {size!r}; allowed: a whole number from 1 on")
    return _prefetched(iter(batches), size, device)


def _prefetched(batches: Iterator[Mapping[str, Any]], size: int, device: Any) -> Iterator[dict[str, Any]]:
    """A copy to a device is begun here and not waited for; it goes on while earlier batches are used."""
    ahead = deque(_put(batch, device) for batch in islice(batches, size))
    while ahead:
        yield ahead.popleft()
        ahead.extend(_put(batch, device) for batch in islice(batches, 1))


def _put(batch: Mapping[str, Any], device: Any) -> dict[str, Any]:
    return {name: jax.device_put(value, device) if _is_numbers(value) else value for name, value in dict(batch).items()}


def _is_numbers(value: Any) -> bool:
    return isinstance(value, (np.ndarray, jax.Array)) and value.dtype.kind in "biufc"
