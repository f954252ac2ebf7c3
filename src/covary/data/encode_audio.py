"""From samples to an encoded sound. The same samples give the same bytes, always."""

from __future__ import annotations

import io
import re
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.data.encode import EncodeError

LOSSY = ("VORBIS", "OPUS", "MPEG_")
"""How the names of subtypes begin that take a quality."""

_INTEGERS = re.compile(r"(?:PCM_[SU]?|ALAC_)(\d+)$")
# A command of libsndfile: whether floating-point files say how loud their peak is, and when that was found out.
_ADD_PEAK_CHUNK = 0x1050


def encode_audio(wave: NDArray[np.float32], rate: int, format: str, subtype: str, *, quality: int = 95) -> bytes:
    """Encode a sound.

    Args:
        wave: (channels, samples) float32, full scale at -1 and 1. Integers are rounded to nearest; what was read from
            integers of up to 24 bits and not changed comes back as it was. What is beyond full scale is clipped, but in
            floating-point files.
        rate: samples per second.
        format, subtype: as soundfile names them, such as "WAV" and "PCM_16", "OGG" and "VORBIS".
        quality: 1 to 100, of lossy subtypes (Vorbis, Opus, MP3).

    Raises:
        EncodeError: the format cannot hold these channels at this rate.
        ValueError: quality out of range.
    """
    import soundfile

    if not 1 <= quality <= 100:
        raise ValueError(f"encode_audio: quality={quality}; allowed: 1 to 100")
    lossy = subtype.startswith(LOSSY)
    level = {"compression_level": 1 - quality / 100} if lossy else {}
    buffer = io.BytesIO()
    try:
        with soundfile.SoundFile(
            buffer, "w", rate, wave.shape[0], subtype, format=format, closefd=False, **level
        ) as file:
            soundfile._snd.sf_command(file._file, _ADD_PEAK_CHUNK, soundfile._ffi.NULL, 0)
            file.write(np.ascontiguousarray(_levels(wave, subtype).T))
    except (soundfile.LibsndfileError, ValueError) as error:
        what = f"{wave.shape[0]} channels of {rate:,} samples per second"
        raise EncodeError(f"{format} {subtype} cannot hold {what}: {error}") from None
    data = buffer.getvalue()
    return _with_serial(data, zlib.crc32(wave.tobytes())) if data[:4] == b"OggS" else data


def _levels(wave: NDArray[np.float32], subtype: str) -> NDArray[Any]:
    """The values that are written: for integers those of 32 bits, of which the file keeps the upper ones."""
    if subtype == "DOUBLE":
        return wave.astype(np.float64)
    integers = _INTEGERS.match(subtype)
    if integers is None:
        return wave if subtype == "FLOAT" else np.clip(wave, -1, 1)
    bits = int(integers[1])
    full = 2.0 ** (bits - 1)
    levels = np.rint(np.multiply(wave, full, dtype=np.float64))
    return np.clip(levels, -full, full - 1).astype(np.int32) << (32 - bits)


# Ogg: pages of a stream carry a number that libsndfile makes from the time of day, and a check sum.

_BITS_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_SERIAL, _CHECK, _SEGMENTS = 14, 22, 26


def _with_serial(data: bytes, serial: int) -> bytes:
    """The pages of an Ogg file with a stream number of our own (RFC 3533, section 6)."""
    made = bytearray(data)
    at = 0
    while at < len(made):
        count = made[at + _SEGMENTS]
        table = at + _SEGMENTS + 1
        end = table + count + sum(made[table : table + count])
        made[at + _SERIAL : at + _SERIAL + 4] = serial.to_bytes(4, "little")
        made[at + _CHECK : at + _CHECK + 4] = bytes(4)
        made[at + _CHECK : at + _CHECK + 4] = _check_sum(made[at:end]).to_bytes(4, "little")
        at = end
    return bytes(made)


def _check_sum(page: bytes | bytearray) -> int:
    """Ogg's CRC: the polynomial of zlib's, but the highest bit first, and nothing inverted."""
    reflected = zlib.crc32(page.translate(_BITS_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
