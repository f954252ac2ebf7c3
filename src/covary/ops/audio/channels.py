"""Channels: dropped, swapped, mixed, panned."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.audio.base import SoundOperation
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Channels


@operation
class ChannelDrop(SoundOperation):
    """Silence one channel, chosen at random. Sounds of one channel are left alone.

    Args:
        p: probability that a sound is changed. Default 0.5.

    Helps: arrays and stereo recordings of which a cable or a microphone fails.
    Hurts: what is in that channel only.
    """

    p: float = field(default=0.5, kw_only=True)

    uniforms = ("which",)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        matrices = []
        for count, place in zip(view.channels.tolist(), draw("which").tolist(), strict=True):
            matrix = np.eye(count)
            if count > 1:
                matrix[int(place * count)] = 0
            matrices.append(matrix)
        return Channels(tuple(matrices))


@operation
class ChannelSwap(SoundOperation):
    """Put the channels in another order, drawn at random; two are swapped. Sounds of one channel are left alone.

    Args:
        p: probability that a sound is changed. Default 0.5.

    Helps: stereo and arrays whose sides mean nothing.
    Hurts: localisation, unless its labels are swapped too.
    """

    p: float = field(default=0.5, kw_only=True)

    streams = ("order",)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        most = int(view.channels.max(initial=1))
        places = stream_uniforms(draw.stream("order"), most)
        matrices = []
        for count, row in zip(view.channels.tolist(), places, strict=True):
            order = np.argsort(row[:count], kind="stable")
            # The order that they are in already is none: two are swapped, more are rotated.
            if (order == np.arange(count)).all():
                order = np.roll(order, 1)
            matrices.append(np.eye(count)[order])
        return Channels(tuple(matrices))


@operation
class ToMono(SoundOperation):
    """Mix all channels into one: their mean.

    A strength leaves it alone: it prepares the sound for the model.

    Helps: data of several layouts for one model.
    Hurts: what only the difference between channels tells.
    """

    required = True

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Channels(tuple(np.full((1, count), 1 / count) for count in view.channels.tolist()))


@operation
class Pan(SoundOperation):
    """Move the sound to the left or the right, at equal power. Stereo is balanced, one channel becomes two.

    Args:
        position: -1 is left, 1 right; a number x means -x to x. Default -1 to 1. Identity: 0.

    In the middle both channels stay as they are (a mono sound is copied into both); towards a side that side gains up
    to 3 dB and the other is turned down. Sounds of more than two channels are left alone.

    Helps: stereo models that should not rely on the side.
    Hurts: localisation.
    """

    position: Range = ranged(default=Uniform(-1, 1, identity=0), low=-1, high=1)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        angle = (draw("position") + 1) * (np.pi / 4)
        sides = 2**0.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        sides[draw("position") == 0] = 1
        matrices = []
        for count, gains in zip(view.channels.tolist(), sides, strict=True):
            if count > 2:
                matrices.append(np.eye(count))
            else:
                matrices.append(gains[:, None] if count == 1 else np.diag(gains))
        return Channels(tuple(matrices))
