"""Channels exchanged and left out."""

from __future__ import annotations

from dataclasses import field

import numpy as np

from covary.draws.distributions import Integers, Range
from covary.draws.streams import stream_uniforms
from covary.ops.base import Draw, Operation, operation, ranged
from covary.ops.image.luma import Fill, check_fill, identity_matrix
from covary.ops.view import View
from covary.plan.changes import Change, Colour


@operation
class ChannelShuffle(Operation):
    """Put the channels into random order, each order with equal chance (the given one too).

    Pictures may have any number of channels; one-channel pictures stay as they are.

    Helps: pictures whose colours carry no meaning; keeps a model from resting on colour.
    Hurts: most photographs: skin, sky and leaves have their colours for a reason. Use a small `p`.
    """

    streams = ("order",)

    def describe(self, draw: Draw, view: View) -> Change:
        order = np.argsort(stream_uniforms(draw.stream("order"), view.channels), axis=1)
        return Colour(identity_matrix(view.channels)[order])


@operation
class ChannelSwap(Operation):
    """Put the channels into another, given order.

    Pictures may have more channels than are named, which stay; those with fewer stay as they are.

    Args:
        order: for each channel of the result the one that it shows. Default (2, 1, 0): red and blue trade places.
        p: probability. Default 0.5.

    Helps: pictures that come as RGB and as BGR; bands of satellites under other names.
    Hurts: photographs, whose colours have their reasons.
    """

    order: tuple[int, ...] = (2, 1, 0)
    p: float = field(default=0.5, kw_only=True)

    def check(self) -> None:
        if not isinstance(self.order, tuple) or sorted(self.order) != list(range(len(self.order))) or not self.order:
            self.refuse("order", repr(self.order), "each of the numbers 0, 1 ... once")

    def describe(self, draw: Draw, view: View) -> Change:
        matrix = identity_matrix(view.channels)
        if view.channels < len(self.order):
            return Colour(matrix[None].repeat(view.count, axis=0))
        rows = [*self.order, *range(len(self.order), view.channels)]
        return Colour(matrix[rows][None].repeat(view.count, axis=0))


@operation
class ChannelDropout(Operation):
    """Replace some channels, chosen with equal chance, by a constant.

    Args:
        channels: how many: a whole number or an inclusive range (low, high). Default 1. One channel always
            stays, so one-channel pictures stay as they are.
        fill: the constant, in the image's own range; one number, or one for each channel of the image. Default 0.

    Raises:
        ValueError: at the call, when `fill` has neither one value nor as many as the image has channels.

    Helps: multispectral data and sensors that fail; keeps a model from resting on one channel.
    Hurts: photographs: a picture without its red channel is like none in use. Use a small `p`.
    """

    channels: Range = ranged(default=Integers(1, 1), low=0)
    fill: Fill = 0

    streams = ("which",)

    def check(self) -> None:
        check_fill(self, "fill", self.fill)

    def describe(self, draw: Draw, view: View) -> Change:
        dropped = np.minimum(np.rint(draw("channels")), view.channels - 1)
        rank = np.argsort(np.argsort(stream_uniforms(draw.stream("which"), view.channels), axis=1), axis=1)
        stays = rank >= dropped[:, None]
        matrix = stays[:, :, None] * identity_matrix(view.channels)
        matrix[:, :, -1] = np.where(stays, 0.0, view.colour(self.fill))
        return Colour(matrix)
