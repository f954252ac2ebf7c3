"""Noise that is made up: Gaussian, coloured, and the hum of the mains."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Choice, Range, Uniform
from covary.ops.audio.base import SoundOperation, linear, rows_of
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Mixture, Wave

COLOURS = {"violet": 6.02, "blue": 3.01, "white": 0.0, "pink": -3.01, "brown": -6.02}
_FLAT_BELOW = 20.0  # hertz: falling spectra rise no further below
_HARMONICS = 12


@operation
class GaussianNoise(SoundOperation):
    """Add white Gaussian noise of a level of its own, whatever the level of the sound.

    Args:
        std: standard deviation as a fraction of full scale; a single number is that value. Default 0.001 to 0.015.
            Identity: 0.

    Each channel has noise of its own.

    Helps: microphones and preamplifiers that hiss; makes a model smoother.
    Hurts: quiet recordings, which it may drown: `GaussianSNR` goes by the sound's level.
    """

    std: Range = ranged(default=Uniform(0.001, 0.015, identity=0), low=0)

    streams = ("noise",)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Mixture(gaussian, rows_of(stream=draw.stream("noise")), draw("std"))


@operation
class GaussianSNR(SoundOperation):
    """Add white Gaussian noise at a signal-to-noise ratio. Silence stays silent.

    Args:
        snr_db: root mean square of the sound over that of the noise, in decibels. Default 5 to 40.

    Helps: models that must hear through noise, whatever the level of the recording.
    Hurts: below 0 dB, where listeners give up too.
    """

    snr_db: Range = ranged(default=Uniform(5, 40))

    streams = ("noise",)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Mixture(gaussian, rows_of(stream=draw.stream("noise")), draw("snr_db"), "snr_db")


@operation
class ColorNoise(SoundOperation):
    """Add Gaussian noise whose spectrum rises or falls, at a signal-to-noise ratio. Silence stays silent.

    Args:
        snr_db: root mean square of the sound over that of the noise, in decibels. Default 5 to 40.
        slope_db: slope of the noise's spectrum in decibels per octave, -12 to 12: -6.02 is brown, -3.01 pink, 0 white,
            3.01 blue, 6.02 violet. Default -6.02 to 6.02. Below 20 Hz the spectrum is flat.

    Helps: rain, traffic, fans and tape are not white.
    Hurts: little; brown noise hides in the lowest octaves, where few models listen.
    """

    snr_db: Range = ranged(default=Uniform(5, 40))
    slope_db: Range = ranged(default=Uniform(-6.02, 6.02), low=-12, high=12)

    streams = ("noise",)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        rows = rows_of(stream=draw.stream("noise"), slope_db=draw("slope_db"))
        return Mixture(coloured, rows, draw("snr_db"), "snr_db")


@operation
class Hum(SoundOperation):
    """Add the hum of the mains: its frequency and harmonics that fall off, at a signal-to-noise ratio.

    Args:
        snr_db: root mean square of the sound over that of the hum, in decibels. Default 10 to 40.
        frequency_hz: of the mains, above 0. Default 50 or 60.
        falloff_db: by how much the level falls per octave of harmonics, 0 to 24. Default 3 to 12.

    Each harmonic has a phase of its own; all channels have the same hum.

    Helps: recordings over poor cables and power supplies.
    Hurts: bass instruments and tasks on the hum itself.
    """

    snr_db: Range = ranged(default=Uniform(10, 40))
    frequency_hz: Range = ranged(default=Choice((50.0, 60.0)), low=1e-3)
    falloff_db: Range = ranged(default=Uniform(3, 12), low=0, high=24)

    streams = ("phase",)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        rows = rows_of(stream=draw.stream("phase"), frequency_hz=draw("frequency_hz"), falloff_db=draw("falloff_db"))
        return Mixture(hum, rows, draw("snr_db"), "snr_db")


def gaussian(channels: int, length: int, rate: int, stream: int) -> Wave:
    """White Gaussian noise of unit variance."""
    from covary.gaussian import gaussian_wave

    return gaussian_wave(stream, channels, length)


def coloured(channels: int, length: int, rate: int, stream: int, slope_db: float) -> Wave:
    """Gaussian noise of unit variance whose power spectrum has a slope, in decibels per octave."""
    from scipy.fft import irfft, next_fast_len

    from covary.gaussian import gaussian_wave

    if slope_db == 0 or length < 2:
        return gaussian_wave(stream, channels, length)
    size = next_fast_len(length, True)
    bins = size // 2 + 1
    # Real and imaginary parts drawn at once: one transform instead of two.
    spectrum = gaussian_wave(stream, channels, 2 * bins).view(np.complex64)
    spectrum *= _shape(size, rate, slope_db)
    made: Wave = irfft(spectrum, size, axis=1, overwrite_x=True)[:, :length]
    return made


@lru_cache(maxsize=4)
def _shape(size: int, rate: int, slope_db: float) -> NDArray[np.float32]:
    frequency = np.arange(size // 2 + 1) * (rate / size)
    shape = np.maximum(frequency, _FLAT_BELOW) ** (slope_db / (20 * math.log10(2)))
    shape[0] = 0
    # Each bin but the last is there twice, as itself and as its mirror image.
    power = 2 * np.sum(np.square(shape)) - (shape[-1] ** 2 if size % 2 == 0 else 0)
    # A bin drawn as two unit normals has a power of 2.
    made: NDArray[np.float32] = (shape * (size / math.sqrt(2 * power))).astype(np.float32)
    return made


def hum(channels: int, length: int, rate: int, stream: int, frequency_hz: float, falloff_db: float) -> Wave:
    """A fundamental and its harmonics below half the rate, at drawn phases."""
    from covary.draws.streams import stream_uniforms

    count = min(_HARMONICS, int(rate / 2 / frequency_hz - 1e-9))
    phases = 2 * np.pi * stream_uniforms(np.array([stream], dtype=np.uint64), _HARMONICS)[0]
    turn = np.exp(2j * np.pi * frequency_hz / rate * np.arange(length))
    harmonic = np.ones(length, dtype=np.complex128)
    made = np.zeros(length)
    for index in range(count):
        harmonic *= turn
        weight = float(linear(np.array(-falloff_db * math.log2(index + 1)))) * np.exp(1j * phases[index])
        made += weight.real * harmonic.imag + weight.imag * harmonic.real
    return made.astype(np.float32)[None]
