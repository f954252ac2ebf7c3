"""There and back through MP3 by the optional package fast-mp3-augment: LAME at a quick setting."""

from __future__ import annotations

import numpy as np

from covary.plan.audio import Wave

# Kilobits per second that MP3 knows: at 32 kHz and more, at 16 kHz and more, below.
_MANY = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_SOME = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_FEW = (8, 16, 24, 32, 40, 48, 56, 64)
_LEAST = 0.2  # seconds that it takes; silence is added to shorter sounds


def kilobits(rate: int, compression: float) -> int:
    """The bit rate nearest to a place between the highest (0) and the lowest (1), as libsndfile counts it."""
    known = _MANY if rate >= 32000 else _SOME if rate >= 16000 else _FEW
    wanted = known[-1] - compression * (known[-1] - known[0])
    return min(known, key=lambda each: abs(each - wanted))


def round_trip(wave: Wave, rate: int, compression: float) -> Wave:
    """A sound within full scale behind the codec, of the same length, without delay.

    Args:
        wave: (1 or 2, N) float32.
        rate: one of those that MP3 knows.
        compression: 0 to 1.

    Raises:
        ImportError: fast-mp3-augment is not installed; the message has the line that installs it.
    """
    try:
        from fast_mp3_augment import compress_roundtrip
    except ImportError:
        raise ImportError(
            'engine "fast-mp3-augment" needs the package of that name: pip install fast-mp3-augment'
        ) from None
    length = wave.shape[1]
    short = round(_LEAST * rate) - length
    sent = np.ascontiguousarray(wave if short <= 0 else np.pad(wave, ((0, 0), (0, short))))
    made: Wave = compress_roundtrip(
        sent, sample_rate=rate, bitrate_kbps=kilobits(rate, compression), preserve_delay=False, quality=7
    )
    return made[:, :length]
