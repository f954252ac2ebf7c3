"""What turns the level down by itself: compressors and limiters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary import kernels
from covary.draws.distributions import LogUniform, Range, Uniform
from covary.ops.audio.base import SoundOperation, rows_of
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Function, Wave


@operation
class Limiter(SoundOperation):
    """Turn the sound down wherever it would go beyond a threshold, a little ahead of time; nothing comes out above it.

    Args:
        threshold_db: decibels re full scale. Default -24 to -2. Identity: 0.
        attack_seconds: how long before a peak the level begins to fall, above 0. Default 0.0005 to 0.01.
        release_seconds: in which two thirds (in decibels) of it come back, above 0. Default 0.05 to 0.5.

    It looks ahead and so delays nothing; all channels are turned down alike. What stays below the threshold stays as it
    is.

    Helps: broadcasts and loud masters.
    Hurts: tasks where loudness is the answer.
    """

    threshold_db: Range = ranged(default=Uniform(-24, -2, identity=0), high=40)
    attack_seconds: Range = ranged(default=LogUniform(0.0005, 0.01), low=1e-5, high=1)
    release_seconds: Range = ranged(default=LogUniform(0.05, 0.5), low=1e-4, high=10)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Function(
            limited,
            rows_of(
                threshold_db=draw("threshold_db"),
                attack_seconds=draw("attack_seconds"),
                release_seconds=draw("release_seconds"),
            ),
        )


@operation
class Compressor(SoundOperation):
    """Turn down what is louder than a threshold by a ratio, and all of it back up to its level.

    Args:
        threshold_db: below the peak, in decibels. Default -30 to -10. Identity: 0.
        ratio: 4 leaves one decibel of four above the threshold; from 1 on. Default 2 to 8, evenly spread in the
            logarithm.
        attack_seconds: in which two thirds of the way down are gone, above 0. Default 0.001 to 0.03.
        release_seconds: of the way back, above 0. Default 0.05 to 0.5.
        make_up: whether the result is brought back to the root mean square that the sound had. Default True.

    All channels are turned down alike.

    Helps: broadcasts, phones, podcasts: most of what is recorded.
    Hurts: tasks where loudness is the answer.
    """

    threshold_db: Range = ranged(default=Uniform(-30, -10, identity=0), high=0)
    ratio: Range = ranged(default=LogUniform(2, 8), low=1)
    attack_seconds: Range = ranged(default=LogUniform(0.001, 0.03), low=1e-5, high=1)
    release_seconds: Range = ranged(default=LogUniform(0.05, 0.5), low=1e-4, high=10)
    make_up: bool = True

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        rows = rows_of(
            threshold_db=draw("threshold_db"),
            ratio=draw("ratio"),
            attack_seconds=draw("attack_seconds"),
            release_seconds=draw("release_seconds"),
        )
        return Function(compressed, tuple({**row, "make_up": self.make_up} for row in rows))


def _decibels(wave: Wave) -> NDArray[np.float32]:
    """The magnitude of the loudest channel, in decibels."""
    size = np.abs(wave).max(axis=0)
    made: NDArray[np.float32] = np.log10(np.maximum(size, np.float32(1e-10))) * np.float32(20)
    return made


def released(need: NDArray[np.float32], rate: int, seconds: float) -> NDArray[np.float64]:
    """The least curve that is never below `need` and falls no faster than two thirds of itself in `seconds`.

    Such a curve is the highest of all decayed copies of what came before. In logarithms decay is a straight line, so
    one running maximum finds it.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(need.astype(np.float64))
    fall = np.arange(len(need)) * (np.log(3.0) / (seconds * rate))
    made: NDArray[np.float64] = np.exp(np.maximum.accumulate(logs + fall) - fall)
    return made


def limited(wave: Wave, rate: int, threshold_db: float, attack_seconds: float, release_seconds: float) -> Wave:
    """The wave behind a limiter that looks ahead; without the compiled kernels the same but for rounding."""
    if kernels.native is None:
        return limited_by_scipy(wave, rate, threshold_db, attack_seconds, release_seconds)
    from covary.render.buffers import empty

    half = max(1, min(round(attack_seconds * rate / 2), wave.shape[1]))
    kept = 3.0 ** (-1 / (release_seconds * rate))
    whole = wave if wave.strides[1] == wave.itemsize else np.ascontiguousarray(wave)
    made = empty(wave.shape, np.float32)
    limit = 10 ** (threshold_db / 20)
    return kernels.native.limit(whole, limit, kept, half, made, kernels.simd)  # type: ignore[no-any-return]


def limited_by_scipy(wave: Wave, rate: int, threshold_db: float, attack_seconds: float, release_seconds: float) -> Wave:
    """As `limited`, by SciPy's filters."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    length = wave.shape[1]
    need = np.maximum(_decibels(wave) - np.float32(threshold_db), 0) if length else np.zeros(0, dtype=np.float32)
    if not need.any():
        return wave.copy()
    half = max(1, min(round(attack_seconds * rate / 2), length))
    down = released(need, rate, release_seconds)
    # The highest within half the attack either way, averaged as widely: every value in the average covers the sample in
    # the middle, so that nowhere less is turned down than is needed.
    coming = maximum_filter1d(np.pad(down, half, mode="edge"), 2 * half + 1)
    smooth = uniform_filter1d(coming, 2 * half + 1)[half:-half]
    made: Wave = wave * np.power(10, -np.maximum(smooth, need) / 20).astype(np.float32)
    # Rounding may leave a sample a hair above.
    limit = np.float32(10 ** (threshold_db / 20))
    return np.clip(made, -limit, limit, out=made)


def compressed(
    wave: Wave,
    rate: int,
    threshold_db: float,
    ratio: float,
    attack_seconds: float,
    release_seconds: float,
    make_up: bool,
) -> Wave:
    """The wave behind a feed-forward compressor."""
    from scipy.signal import lfilter

    if not wave.any():
        return wave.copy()
    level = _decibels(wave)
    over = np.maximum(level - (level.max() + np.float32(threshold_db)), 0)
    down = released(over * np.float32(1 - 1 / ratio), rate, release_seconds)
    pole = float(np.exp(-np.log(3.0) / (attack_seconds * rate)))
    down = lfilter([1 - pole], [1, -pole], down)
    made: Wave = wave * np.power(10, -down / 20).astype(np.float32)
    if make_up:
        before = float(np.add.reduce(np.square(wave), axis=None))
        after = float(np.add.reduce(np.square(made), axis=None))
        made *= np.float32(np.sqrt(before / max(after, 1e-30)))
    return made
