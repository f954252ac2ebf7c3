"""What overdriven, coarse or cheap equipment does to the values."""

from __future__ import annotations

import numpy as np

from covary.draws.distributions import Constant, Integers, LogUniform, Range, Uniform
from covary.ops.audio.base import SoundOperation, rows_of
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Function, Quantise, Shaper, Wave


@operation
class ClippingDistortion(SoundOperation):
    """Clip the loudest samples, as an input that is driven too high does.

    Args:
        share: of the samples that are clipped, 0 to 1, all channels together; a single number is that share. Default
            0 to 0.4. Identity: 0.

    The level is not made up for.

    Helps: recordings that were too loud.
    Hurts: above a fifth little is left of the timbre.
    """

    share: Range = ranged(default=Uniform(0.0, 0.4, identity=0), low=0, high=1)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Function(clipped_share, rows_of(share=draw("share")))


def clipped_share(wave: Wave, rate: int, share: float) -> Wave:
    """The wave cut off where a share of its magnitudes lies beyond."""
    from covary.render.buffers import empty

    beyond = int(share * wave.size)
    if beyond == 0:
        return wave.copy()
    made: Wave = np.abs(wave, out=empty(wave.shape, np.float32))
    place = max(wave.size - 1 - beyond, 0)
    sizes = made.ravel()
    sizes.partition(place)
    limit = sizes[place]
    np.clip(wave, -limit, limit, out=made)
    return made


@operation
class Tanh(SoundOperation):
    """Soft clipping by the hyperbolic tangent, as valves and tape do it.

    Args:
        drive_db: how far the peak is driven above 1 before the tangent, in decibels. Default 0 to 20. Identity: -40.

    The root mean square stays what it was.

    Helps: loudspeakers, guitar amplifiers, tape.
    Hurts: little below 10 dB.
    """

    drive_db: Range = ranged(default=Uniform(0, 20, identity=-40), low=-40, high=60)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Function(driven, rows_of(drive_db=draw("drive_db")))


def driven(wave: Wave, rate: int, drive_db: float) -> Wave:
    """The tangent of the wave, at the same root mean square."""
    from covary.render.buffers import empty

    highest = max(float(wave.max(initial=0)), -float(wave.min(initial=0)))
    if highest == 0:
        return wave.copy()
    made: Wave = np.multiply(wave, np.float32(10 ** (drive_db / 20) / highest), out=empty(wave.shape, np.float32))
    np.tanh(made, out=made)
    before = float(np.add.reduce(np.square(wave), axis=None))
    after = float(np.add.reduce(np.square(made), axis=None))
    made *= np.float32(np.sqrt(before / after)) if after > 0 else np.float32(1)
    return made


@operation
class BitCrush(SoundOperation):
    """Round the values to few levels.

    Args:
        bits: per sample, 1 to 24; a single number is that many. Default 5 to 14. Identity: 24.

    Levels are counted from full scale, so soft sounds keep fewer of them. No dither.

    Helps: old samplers and toys; models that should not listen to the last bits.
    Hurts: soft sounds, of which nothing may be left.
    """

    bits: Range = ranged(default=Integers(5, 14, identity=24), low=1, high=24)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Quantise(draw("bits").astype(np.int64))


@operation
class MuLaw(SoundOperation):
    """There and back through 8-bit mu-law, as telephone lines code speech.

    Args:
        levels: 16 to 65536: 256 is ITU-T G.711's number; a single number is that many. Default 256.

    By the continuous law (mu = levels - 1), values beyond full scale being clipped. The rate stays: telephones have 8
    kHz.

    Helps: call centres, voice over IP.
    Hurts: music, slightly.
    """

    levels: Range = ranged(default=Constant(256.0), low=16, high=65536)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Shaper(companded, rows_of(levels=np.rint(draw("levels"))))


def companded(wave: Wave, levels: float) -> Wave:
    """The wave coded by the mu law on some levels, and decoded."""
    mu = levels - 1
    size = np.log1p(np.minimum(np.abs(wave), np.float32(1)) * np.float32(mu))
    size /= np.float32(np.log1p(mu))
    code = np.rint((np.copysign(size, wave) + 1) * np.float32(mu / 2))
    signed = code * np.float32(2 / mu) - 1
    made: Wave = np.copysign(np.expm1(np.abs(signed) * np.float32(np.log1p(mu))) / np.float32(mu), signed)
    return made


@operation
class Downsample(SoundOperation):
    """Take away what a lower rate cannot hold: down to that rate and back, by soxr. The rate itself stays.

    Args:
        rate_hz: the lower rate; a single number is that rate. Default 3000 to 16000, evenly spread in the logarithm.
            Rates above the sound's own leave it alone.

    Helps: old recordings, narrow lines; a low-pass as steep as it gets.
    Hurts: as `LowPass`.
    """

    rate_hz: Range = ranged(default=LogUniform(3000, 16000), low=100)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Function(band_limited, rows_of(rate_hz=np.rint(draw("rate_hz"))))


def band_limited(wave: Wave, rate: int, rate_hz: float) -> Wave:
    """The wave resampled down and up again."""
    from covary.resample import resample

    if rate_hz >= rate or not wave.shape[1]:
        return wave.copy()
    low = resample(wave, rate / rate_hz, int(np.ceil(wave.shape[1] * rate_hz / rate)))
    return resample(low, rate_hz / rate, wave.shape[1])


@operation
class Aliasing(SoundOperation):
    """A lower rate without the filter that belongs before it: frequencies fold back. The rate itself stays.

    Args:
        rate_hz: the lower rate; a single number is that rate. Default 3000 to 16000, evenly spread in the logarithm.
            Rates above the sound's own leave it alone.
        hold: True repeats each value until the next, as cheap converters do; False draws straight lines. Default False.

    Helps: toys, cheap converters, careless recipes.
    Hurts: music; it sounds harsh below 8 kHz.
    """

    rate_hz: Range = ranged(default=LogUniform(3000, 16000), low=100)
    hold: bool = False

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        rows = rows_of(rate_hz=np.rint(draw("rate_hz")))
        return Function(folded, tuple({**row, "hold": self.hold} for row in rows))


def folded(wave: Wave, rate: int, rate_hz: float, hold: bool) -> Wave:
    """The wave at every rate / rate_hz-th sample, and what lies between drawn from these."""
    length = wave.shape[1]
    if rate_hz >= rate or length < 2:
        return wave.copy()
    step = rate / rate_hz
    place = np.arange(length) / step
    low = place.astype(np.intp)
    taken = np.minimum(np.rint(np.arange(int(low[-1]) + 2) * step).astype(np.intp), length - 1)
    values = wave[:, taken]
    if hold:
        made: Wave = values[:, low]
        return made
    part = (place - low).astype(np.float32)
    first = values[:, low]
    return np.asarray(first + (values[:, low + 1] - first) * part, dtype=np.float32)
