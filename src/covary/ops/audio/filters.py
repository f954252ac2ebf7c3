"""Filters. Neighbours among them, with gains and impulse responses, are applied as one.

They leave every frequency's delay as it is (zero phase), so that what happens at a time is heard at that time;
`zero_phase=False` gives the causal filter of the same magnitude, as circuits have it.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from covary.draws.distributions import LogUniform, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.audio.base import SoundOperation
from covary.ops.audio.sections import band_stop, butterworth, peaking, shelf
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Curve, Filters

_BUTTERWORTH = 2**-0.5
SEVEN_BANDS = (100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0)  # hertz; the outermost are shelves

TELEPHONE_BANDS = {"narrow": (300.0, 3400.0), "wide": (50.0, 7000.0)}  # hertz


def _check_order(owner: SoundOperation, order: int) -> None:
    if order not in range(2, 13, 2):
        owner.refuse("order", repr(order), "2, 4, 6, 8, 10 or 12")


@operation
class LowPass(SoundOperation):
    """Take away what is above a frequency.

    Args:
        cutoff_hz: where 3 dB are gone, above 0. Default 150 to 7500, evenly spread in the logarithm.
        order: 2 to 12, even: so many times 6 dB per octave are gone beyond. Default 4.
        zero_phase: whether no frequency is delayed. Default True.

    A cutoff beyond the sound's own highest frequency leaves it as it is.

    Helps: telephones, walls, cheap microphones.
    Hurts: fricatives and everything else that lives in the highs.
    """

    cutoff_hz: Range = ranged(default=LogUniform(150, 7500), low=1e-3)
    order: int = 4
    zero_phase: bool = True

    def check(self) -> None:
        _check_order(self, self.order)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Filters(butterworth(draw("cutoff_hz"), view.rate, self.order, high=False), self.zero_phase)


@operation
class HighPass(SoundOperation):
    """Take away what is below a frequency.

    Args:
        cutoff_hz: where 3 dB are gone, above 0. Default 20 to 2400, evenly spread in the logarithm.
        order: 2 to 12, even: so many times 6 dB per octave are gone beyond. Default 4.
        zero_phase: whether no frequency is delayed. Default True.

    Helps: small loudspeakers and microphones; rumble taken away or not.
    Hurts: bass, and voices whose fundamental goes.
    """

    cutoff_hz: Range = ranged(default=LogUniform(20, 2400), low=1e-3)
    order: int = 4
    zero_phase: bool = True

    def check(self) -> None:
        _check_order(self, self.order)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Filters(butterworth(draw("cutoff_hz"), view.rate, self.order, high=True), self.zero_phase)


@operation
class BandPass(SoundOperation):
    """Keep what is about a frequency.

    Args:
        centre_hz: the geometric mean of the two cutoffs, above 0. Default 200 to 4000, evenly spread in the logarithm.
        octaves: from one cutoff (3 dB gone) to the other, above 0. Default 1 to 4.
        order: of each side, 2 to 12, even: so many times 6 dB per octave are gone beyond. Default 4.
        zero_phase: whether no frequency is delayed. Default True.

    Helps: radio, intercoms, poor loudspeakers.
    Hurts: narrow bands leave little to recognise.
    """

    centre_hz: Range = ranged(default=LogUniform(200, 4000), low=1e-3)
    octaves: Range = ranged(default=Uniform(1, 4), low=0.01)
    order: int = 4
    zero_phase: bool = True

    def check(self) -> None:
        _check_order(self, self.order)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        half = 2 ** (draw("octaves") / 2)
        low = butterworth(draw("centre_hz") * half, view.rate, self.order, high=False)
        high = butterworth(draw("centre_hz") / half, view.rate, self.order, high=True)
        return Filters(np.concatenate([high, low], axis=1), self.zero_phase)


@operation
class BandStop(SoundOperation):
    """Take away what is about a frequency.

    Args:
        centre_hz: of which nothing is left, above 0. Default 200 to 4000, evenly spread in the logarithm.
        octaves: from one edge (3 dB gone) to the other, above 0. Default 0.5 to 2.
        zero_phase: whether no frequency is delayed. Default True.

    Helps: as frequency masks do on spectrograms; resonances that swallow a tone.
    Hurts: narrow-band sounds, which may vanish.
    """

    centre_hz: Range = ranged(default=LogUniform(200, 4000), low=1e-3)
    octaves: Range = ranged(default=Uniform(0.5, 2), low=0.01)
    zero_phase: bool = True

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        half = 2 ** (draw("octaves") / 2)
        return Filters(band_stop(draw("centre_hz"), 1 / (half - 1 / half), view.rate), self.zero_phase)


@operation
class LowShelf(SoundOperation):
    """Raise or lower everything below a frequency.

    Args:
        gain_db: decibels; a number x means -x to x. Default -18 to 18. Identity: 0.
        corner_hz: where half of the decibels are reached, above 0. Default 50 to 4000, evenly spread in the logarithm.
        quality: steepness, above 0; more than 0.71 overshoots. Default 0.3 to 0.7.
        zero_phase: whether no frequency is delayed. Default True.

    Helps: rooms, distances to the microphone, loudspeakers.
    Hurts: little.
    """

    gain_db: Range = ranged(default=Uniform(-18, 18, identity=0))
    corner_hz: Range = ranged(default=LogUniform(50, 4000), low=1e-3)
    quality: Range = ranged(default=Uniform(0.3, 0.7), low=0.01)
    zero_phase: bool = True

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        sections = shelf(draw("corner_hz"), draw("quality"), draw("gain_db"), view.rate, high=False)
        return Filters(sections, self.zero_phase)


@operation
class HighShelf(SoundOperation):
    """Raise or lower everything above a frequency.

    Args:
        gain_db: decibels; a number x means -x to x. Default -18 to 18. Identity: 0.
        corner_hz: where half of the decibels are reached, above 0. Default 300 to 7500, evenly spread in the logarithm.
        quality: steepness, above 0; more than 0.71 overshoots. Default 0.3 to 0.7.
        zero_phase: whether no frequency is delayed. Default True.

    Helps: microphones, and speakers who turn away.
    Hurts: little.
    """

    gain_db: Range = ranged(default=Uniform(-18, 18, identity=0))
    corner_hz: Range = ranged(default=LogUniform(300, 7500), low=1e-3)
    quality: Range = ranged(default=Uniform(0.3, 0.7), low=0.01)
    zero_phase: bool = True

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        sections = shelf(draw("corner_hz"), draw("quality"), draw("gain_db"), view.rate, high=True)
        return Filters(sections, self.zero_phase)


@operation
class Peaking(SoundOperation):
    """Raise or lower what is about a frequency.

    Args:
        gain_db: decibels at the centre; a number x means -x to x. Default -24 to 24. Identity: 0.
        centre_hz: above 0. Default 50 to 7500, evenly spread in the logarithm.
        quality: centre over width between the points of half the decibels, above 0. Default 0.5 to 5.
        zero_phase: whether no frequency is delayed. Default True.

    Helps: resonances of rooms and devices.
    Hurts: little.
    """

    gain_db: Range = ranged(default=Uniform(-24, 24, identity=0))
    centre_hz: Range = ranged(default=LogUniform(50, 7500), low=1e-3)
    quality: Range = ranged(default=Uniform(0.5, 5), low=0.01)
    zero_phase: bool = True

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Filters(peaking(draw("centre_hz"), draw("quality"), draw("gain_db"), view.rate), self.zero_phase)


@operation
class SevenBandEQ(SoundOperation):
    """Seven bands, each raised or lowered by itself: a low shelf, five bells and a high shelf.

    Args:
        gain_db: decibels of each band, drawn for each; a number x means -x to x. Default -12 to 12. Identity: 0.
        zero_phase: whether no frequency is delayed. Default True.

    The bands are at 100, 250, 500, 1000, 2500, 5000 and 10000 Hz; those beyond the sound's own highest frequency do
    nothing.

    Helps: all that microphones, rooms and loudspeakers do to a spectrum, at once.
    Hurts: little.
    """

    gain_db: Range = ranged(default=Uniform(-12, 12, identity=0))
    zero_phase: bool = True

    streams = ("bands",)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        gains = self.law("gain_db").quantile(stream_uniforms(draw.stream("bands"), len(SEVEN_BANDS)))
        sections = []
        for index, hertz in enumerate(SEVEN_BANDS):
            centre, gain = np.full(view.count, hertz), gains[:, index]
            if 0 < index < len(SEVEN_BANDS) - 1:
                sections.append(peaking(centre, np.array(1.0), gain, view.rate))
            else:
                sections.append(shelf(centre, np.array(_BUTTERWORTH), gain, view.rate, high=index > 0))
        return Filters(np.concatenate(sections, axis=1), self.zero_phase)


@operation
class TelephoneBand(SoundOperation):
    """What a telephone lets through.

    Args:
        band: "narrow": 300 to 3400 Hz (ITU-T G.712); "wide": 50 to 7000 Hz (G.722). 3 dB are gone at the edges.
        order: of each side, 2 to 12, even: so many times 6 dB per octave are gone beyond. Default 8.
        zero_phase: whether no frequency is delayed. Default True.

    The rate stays: see `ResampleTo` for 8 kHz, and `MuLaw` for the codec.

    Helps: call centres; voices over any line.
    Hurts: music.
    """

    band: Literal["narrow", "wide"] = "narrow"
    order: int = 8
    zero_phase: bool = True

    def check(self) -> None:
        self.one_of("band", tuple(TELEPHONE_BANDS))
        _check_order(self, self.order)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        low, high = (
            np.full(view.count, hertz) for hertz in ((300.0, 3400.0) if self.band == "narrow" else (50.0, 7000.0))
        )
        sections = [
            butterworth(low, view.rate, self.order, high=True),
            butterworth(high, view.rate, self.order, high=False),
        ]
        return Filters(np.concatenate(sections, axis=1), self.zero_phase)


@operation
class AirAbsorption(SoundOperation):
    """What the air takes from the highs over a distance, by ISO 9613-1 at sea level.

    Args:
        distance_m: metres from 0 on; a single number is that distance. Default 10 to 100. Identity: 0.
        temperature_c: of the air, -20 to 50 degrees Celsius. Default 10 to 25.
        humidity: relative, 5 to 100 per cent. Default 30 to 90.

    The level does not fall with the distance, only the spectrum; add a `Gain` for that.

    Helps: sounds outdoors and in large halls.
    Hurts: nothing; below 5 m nobody hears it.
    """

    distance_m: Range = ranged(default=Uniform(10, 100, identity=0), low=0)
    temperature_c: Range = ranged(default=Uniform(10, 25), low=-20, high=50)
    humidity: Range = ranged(default=Uniform(30, 90), low=5, high=100)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        frequency = np.concatenate([[0.0], np.geomspace(50, 100_000, 128)])
        lost = absorption_db_per_m(frequency, draw("temperature_c")[:, None], draw("humidity")[:, None])
        return Curve(frequency, -np.minimum(lost * draw("distance_m")[:, None], 200), reach=0.01)


def absorption_db_per_m(frequency_hz: Any, temperature_c: Any, humidity: Any) -> Any:
    """Attenuation of pure tones by the air at one standard atmosphere, ISO 9613-1:1993, equations 3 to 5 and B.3."""
    kelvin = temperature_c + 273.15
    warm, triple = kelvin / 293.15, 273.16
    water = humidity * 10 ** (-6.8346 * (triple / kelvin) ** 1.261 + 4.6151)
    oxygen = 24 + 4.04e4 * water * (0.02 + water) / (0.391 + water)
    nitrogen = warm**-0.5 * (9 + 280 * water * np.exp(-4.170 * (warm ** (-1 / 3) - 1)))
    square = np.square(frequency_hz)
    return (
        8.686
        * square
        * (
            1.84e-11 * np.sqrt(warm)
            + warm**-2.5
            * (
                0.01275 * np.exp(-2239.1 / kelvin) / (oxygen + square / oxygen)
                + 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen + square / nitrogen)
            )
        )
    )
