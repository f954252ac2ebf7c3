"""Sounds as users give them, and as the renderers take them: (channels, samples), full scale 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.plan.audio import Wave

# dtype -> what full scale is in it.
FULL_SCALE = {"float32": 1.0, "float64": 1.0, "int16": 2.0**15, "int32": 2.0**31}
_NATIVE = frozenset(np.dtype(name) for name in FULL_SCALE)  # names of dtypes are slow to ask for
_MOST_CHANNELS = 256


@runtime_checkable
class Stored(Protocol):
    """A sound that is not in memory: what it is, and any part of it on request (see `covary.data.audio.StoredSound`).

    Attributes:
        channels, length, rate: their number, its samples, and samples per second.
    """

    @property
    def channels(self) -> int: ...

    @property
    def length(self) -> int: ...

    @property
    def rate(self) -> int: ...

    def read(self, start: int = 0, stop: int | None = None) -> Wave:
        """The samples from `start` up to `stop` (None: the end), (channels, samples)."""
        ...


def as_wave(value: Any, field: str) -> NDArray[Any]:
    """A user's sound as (channels, samples) in its own dtype, checked; a view where that is possible.

    Raises:
        TypeError, ValueError: not an array, or of a dtype or shape that no sound has, or with values that are no
        numbers.
    """
    wave = formed(value, field)
    check_finite(wave, field, [(0, wave.shape[1])])
    return wave


def formed(value: Any, field: str) -> NDArray[Any]:
    """As `as_wave`, its values not looked at."""
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{field} is a {type(value).__name__}; an array (samples,) or (channels, samples) is needed")
    if value.dtype not in _NATIVE:
        if value.dtype.name not in FULL_SCALE:
            raise TypeError(f"{field} has dtype {value.dtype}; allowed: {', '.join(FULL_SCALE)}")
        # Another machine's order of bytes.
        value = value.astype(value.dtype.newbyteorder("="))
    if value.ndim not in (1, 2):
        raise ValueError(f"{field} has shape {value.shape}; allowed: (samples,) or (channels, samples)")
    wave: NDArray[Any] = value if value.ndim == 2 else value[None]
    if wave.shape[0] == 0 or wave.shape[0] > _MOST_CHANNELS:
        raise ValueError(
            f"{field} has shape {value.shape}: {wave.shape[0]} channels; channels come first, 1 to {_MOST_CHANNELS}"
        )
    return wave


def check_finite(wave: NDArray[Any], field: str, spans: Sequence[tuple[int, int]]) -> None:
    """Refuse a sound (channels, samples) with values that are no numbers.

    Args:
        wave: of any dtype that sounds have.
        field: its name.
        spans: the samples that are looked at: from each first up to the one behind each last.

    Raises:
        ValueError: there is such a value.
    """
    if wave.dtype.kind != "f":
        return
    for start, stop in spans:
        part = wave[:, start:stop]
        if not _all_finite(part):
            channel, sample = np.argwhere(~np.isfinite(part))[0].tolist()
            value = part[channel, sample]
            raise ValueError(f"{field} has the value {value} at channel {channel}, sample {start + sample}")


def _all_finite(wave: NDArray[Any]) -> bool:
    if kernels.native is None or wave.strides[1] != wave.itemsize or not wave.flags.aligned:
        return bool(np.isfinite(wave).all())
    return bool(kernels.native.all_finite(wave, kernels.simd))


def to_float(wave: NDArray[Any]) -> Wave:
    """The sound as float32 with full scale 1; float32 as it is."""
    if wave.dtype == np.float32:
        return wave
    if wave.dtype == np.float64:
        return wave.astype(np.float32)
    made: Wave = np.multiply(wave, np.float32(1 / FULL_SCALE[wave.dtype.name]), dtype=np.float32)
    return made


def to_dtype(wave: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The sound in a dtype: integers are rounded to nearest, ties to even, and clipped."""
    if wave.dtype == dtype:
        return wave
    if dtype.kind == "f":
        return wave.astype(dtype)
    full = FULL_SCALE[dtype.name]
    # float64 holds every int32; float32 does not.
    levels = np.multiply(wave, full, dtype=np.float32 if full < 2**24 else np.float64)
    np.rint(levels, out=levels)
    made: NDArray[Any] = np.clip(levels, -full, full - 1, out=levels).astype(dtype)
    return made


def like_given(wave: NDArray[Any], value: NDArray[Any]) -> NDArray[Any]:
    """The result in the form of what was given: (samples,) again where one channel came so and one is left."""
    return wave[0] if value.ndim == 1 and wave.shape[0] == 1 else wave
