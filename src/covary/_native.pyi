from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from covary.plan.changes import Floats, Image, Ints
from covary.plan.stages import Stage

def philox(
    seed: int, epochs: NDArray[np.uint32], keys: NDArray[np.uint64], slots: NDArray[np.uint32]
) -> NDArray[np.uint32]: ...
def philox_streams(streams: NDArray[np.uint64], blocks: int) -> NDArray[np.uint32]: ...
def render(
    stages: Sequence[Stage], sources: Sequence[Image], outputs: Sequence[Image] | None, threads: int, simd: bool
) -> list[Image]: ...
def carry_boxes(
    boxes: Sequence[NDArray[Any] | None],
    format: str,
    clip: bool,
    min_area: float,
    min_visibility: float,
    sizes: Ints,
    stages: Sequence[tuple[Floats, Ints]],
) -> list[tuple[NDArray[Any], Ints | None] | None]: ...
def empty(shape: int | Sequence[int], dtype: DTypeLike) -> NDArray[Any]: ...
def kept_bytes() -> int: ...
def drop_kept() -> None: ...
def has_avx2() -> bool: ...
