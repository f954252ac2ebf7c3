"""How loud a sound is."""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal

import numpy as np

from covary.draws.distributions import Constant, Distribution, Range, Uniform, as_distribution
from covary.ops.audio.base import SoundOperation, linear
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Clamp, Envelope, Level
from covary.plan.audio import Gain as Factor

_TARGETS = {"peak": -1.0, "rms": -20.0, "lufs": -23.0}


@operation
class Gain(SoundOperation):
    """Make the sound louder or softer.

    Args:
        gain_db: decibels; a number x means -x to x. Default -12 to 12. Identity: 0.

    float32 sounds may go beyond full scale; integers are clipped at the end. Add a `Clip` or a `Limiter` behind it
    where that matters.

    Helps: recordings from near and far, of any level; anything that was trained on one microphone.
    Hurts: tasks where loudness is the answer.
    """

    gain_db: Range = ranged(default=Uniform(-12, 12, identity=0))

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Factor(linear(draw("gain_db")))


@operation
class GainTransition(SoundOperation):
    """Fade from one level to another, straight in decibels, beginning anywhere in the sound.

    Args:
        from_db: gain before the transition, in decibels; a number x means -x to x. Default -24 to 6. Identity: 0.
        to_db: gain behind it, likewise. Default -24 to 6. Identity: 0.
        seconds: how long it takes. Default 0.2 to 6.

    The transition may begin before the sound and end after it.

    Helps: speakers who turn away, automatic gain control, radio.
    Hurts: tasks where loudness is the answer.
    """

    from_db: Range = ranged(default=Uniform(-24, 6, identity=0))
    to_db: Range = ranged(default=Uniform(-24, 6, identity=0))
    seconds: Range = ranged(default=Uniform(0.2, 6.0), low=0)

    uniforms = ("start",)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        long = draw("seconds") * view.rate
        start = draw("start") * (view.length + long) - long
        return Envelope(
            np.stack([start, start + long], axis=1), np.stack([draw("from_db"), draw("to_db")], axis=1), decibels=True
        )


@operation
class PolarityInversion(SoundOperation):
    """Turn the waveform upside down.

    Args:
        p: probability that a sound is turned. Default 0.5.

    Helps: microphones wired either way; costs nothing, as nobody can hear it.
    Hurts: nothing, unless several sounds that belong together are turned apart.
    """

    p: float = field(default=0.5, kw_only=True)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Factor(np.full(view.count, -1.0))


@operation
class Normalize(SoundOperation):
    """Bring the sound to a level that is measured on it. Silence is left as it is.

    Args:
        measure: "peak": the highest magnitude; "rms": the root mean square of all channels together; "lufs":
            integrated loudness by ITU-R BS.1770-4, both gates included. Default "peak".
        target: decibels re full scale for "peak" and "rms", LUFS for "lufs": a number, a range or a distribution.
            Default -1 for peak, -20 for rms, -23 for lufs.
        only_above: change only sounds that are above the target. Default False.

    A strength leaves it alone: it prepares the sound for the model.

    Helps: data sets recorded at many levels.
    Hurts: tasks where loudness is the answer; "peak" lets one click decide for all the rest.
    """

    measure: Literal["peak", "rms", "lufs"] = "peak"
    target: Any = None
    only_above: bool = False

    required = True

    def check(self) -> None:
        self.one_of("measure", tuple(_TARGETS))
        if self.target is None:
            law: Distribution = Constant(_TARGETS[self.measure])
        else:
            try:
                law = as_distribution(self.target, Constant(0.0))
            except (TypeError, ValueError) as error:
                raise type(error)(f"Normalize: target: {error}") from None
        if law.bounds()[1] > 60:
            self.refuse("target", repr(self.target), "decibels re full scale, at most 60")
        object.__setattr__(self, "target", law)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Level(draw("target"), self.measure, self.only_above)


@operation
class Clip(SoundOperation):
    """Cut off what lies beyond two values.

    Args:
        low: the least value, full scale being -1 to 1. Default -1.
        high: the greatest value. Default 1.

    A strength leaves it alone: it belongs to the format.

    Helps: at the end of a pipeline whose model, file or player takes no values beyond full scale.
    Hurts: it distorts what it cuts; `Limiter` turns the sound down instead.
    """

    low: float = -1.0
    high: float = 1.0

    required = True

    def check(self) -> None:
        if not self.low < self.high:
            self.refuse("low", f"{self.low} with high {self.high}", "less than high")

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Clamp(np.full(view.count, float(self.low)), np.full(view.count, float(self.high)))
