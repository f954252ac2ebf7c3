"""Parts of a sound that fall silent."""

from __future__ import annotations

import numpy as np

from covary.draws.distributions import Integers, Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.audio.base import SoundOperation
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Envelope


@operation
class TimeMask(SoundOperation):
    """Silence parts of the sound, durations and labels unchanged.

    Args:
        fraction: share of the duration that each part has; a single number is that share. Default 0.01 to 0.15.
            Identity: 0.
        count: how many parts; a single number is that many. Default 1. They may overlap.
        fade_seconds: fade out and in at the edges, inside the part. Default 0.005; 0 for none.

    Helps: speech recognition and classification; models that should use all of the sound.
    Hurts: short events, which may vanish while their labels stay.
    """

    fraction: Range = ranged(default=Uniform(0.01, 0.15, identity=0), low=0, high=1)
    count: Range = ranged(default=Integers(1, 1, identity=0), low=0, high=64)
    fade_seconds: float = 0.005

    streams = ("places",)

    def check(self) -> None:
        if not self.fade_seconds >= 0:
            self.refuse("fade_seconds", repr(self.fade_seconds), "a duration from 0 on")

    def describe(self, draw: Draw, view: AudioView) -> list[AudioChange]:
        counts = draw("count")
        places = stream_uniforms(draw.stream("places"), int(counts.max(initial=0)))
        wide = np.rint(draw("fraction") * view.length)
        edge = np.rint(self.fade_seconds * view.rate)
        made: list[AudioChange] = []
        for index in range(places.shape[1]):
            width = wide * (counts > index)
            start = np.floor(places[:, index] * (view.length - width + 1))
            fade = np.minimum(edge, width // 2)
            end = start + width
            knots, factors = np.empty((view.count, 4)), np.ones((view.count, 4))
            knots[:, 0], knots[:, 1], knots[:, 2], knots[:, 3] = start, start + fade, end - fade, end
            # A part of no width is a dip of no width: nothing.
            factors[:, 1:3] = (width == 0)[:, None]
            made.append(Envelope(knots, factors))
        return made
