"""A sound as the bytes of a WAV file that every browser plays."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.waves import to_dtype, to_float


def wav_bytes(wave: NDArray[Any], rate: int) -> bytes:
    """16-bit PCM: int16 stays as it is, all else is rounded to it and clipped at full scale.

    Args:
        wave: (channels, samples) float32, float64, int16 or int32.
        rate: samples per second.
    """
    import soundfile

    levels = wave if wave.dtype == np.int16 else to_dtype(to_float(wave), np.dtype(np.int16))
    file = io.BytesIO()
    soundfile.write(file, levels.T, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()
