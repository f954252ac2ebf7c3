from collections.abc import Mapping, Sequence, Set
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from covary.plan.changes import Floats, Image, Ints
from covary.plan.edits import Edit
from covary.plan.stages import Stage

T = TypeVar("T")

def philox(
    seed: int, epochs: NDArray[np.uint32], keys: NDArray[np.uint64], slots: NDArray[np.uint32]
) -> NDArray[np.uint32]: ...
def philox_streams(streams: NDArray[np.uint64], blocks: int) -> NDArray[np.uint32]: ...
def render(
    stages: Sequence[Stage],
    sources: Sequence[Image],
    outputs: Sequence[Image] | NDArray[Any] | None,
    threads: int,
    simd: bool,
    batch_bytes: int = 0,
) -> Any: ...
def carry_boxes(
    boxes: Sequence[NDArray[Any] | None],
    format: str,
    clip: bool,
    min_area: float,
    min_visibility: float,
    sizes: Ints,
    stages: Sequence[tuple[Floats, Ints]],
) -> list[tuple[NDArray[Any], Ints | None] | None]: ...
def carry_points(
    points: Sequence[NDArray[Any] | None],
    visibility: bool,
    outside: str,
    sizes: Ints,
    stages: Sequence[tuple[Floats, Ints]],
) -> list[tuple[NDArray[Any], Ints | None] | None]: ...
def disc(picture: Image, halves: Sequence[int]) -> None: ...
def box(picture: Image, out: Image, radius: int, simd: bool) -> None: ...
def median(picture: Image, out: Image, radius: int, simd: bool) -> None: ...
def extreme(picture: Image, out: Image, halves: Sequence[int], lightest: bool, simd: bool) -> None: ...
def zoom_blur(picture: Image, out: Image, steps: Sequence[float], simd: bool) -> None: ...
def glass(picture: Image, reach: int, rounds: int, stream: int) -> None: ...
def text_signs(texts: Sequence[str]) -> bytes: ...
def text_words(texts: Sequence[str]) -> list[list[tuple[int, int]]]: ...
def edit_texts(
    kernel: str,
    texts: Sequence[str],
    guarded: Sequence[list[tuple[int, int]]],
    streams: NDArray[np.uint64],
    rates: NDArray[np.float64],
    table: dict[str, tuple[str, ...]],
    alphabet: str | None,
    least: int,
    stays: bool,
) -> tuple[list[list[Edit]], list[str]]: ...
def replaceable_words(
    texts: Sequence[str],
    guarded: Sequence[list[tuple[int, int]]],
    streams: NDArray[np.uint64],
    rates: NDArray[np.float64],
    stop_words: Set[str],
    classes: dict[str, str],
    others: tuple[str, str, str],
    known: Mapping[tuple[str, str, str], T | None],
) -> list[list[tuple[int, int, T, float, int, int]]]: ...
def empty(shape: int | Sequence[int], dtype: DTypeLike) -> NDArray[Any]: ...
def kept_bytes() -> int: ...
def drop_kept() -> None: ...
def handed_between(array: NDArray[Any]) -> int: ...
def has_avx2() -> bool: ...
