"""The grain of film: coarser than pixels, and stronger where the picture is dark."""

from __future__ import annotations

import numpy as np

from covary.draws.distributions import Range, Uniform
from covary.gaussian import gaussian_wave
from covary.ops.amounts import Amount
from covary.ops.base import Draw, operation, ranged
from covary.ops.view import View
from covary.plan.changes import Change, Shade

# What share of the grain in the shadows is left at white.
_AT_WHITE = 0.3


@operation
class FilmGrain(Amount):
    """Add the grain of photographic film.

    Any (H, W, C) image, all channels alike: a value v gets `intensity` * (white - 0.7 v) * n, n being a field of
    Gaussian noise with a standard deviation of 1 at knots `size` pixels apart, bilinear in between.

    Args:
        intensity: standard deviation in the shadows as a fraction of white, 0 to 1. Default 0.02 to 0.1. Identity: 0.
        size: of a grain, in pixels, 1 to 32. Default 1 to 2.5.

    Helps: scanned film, archives, old prints.
    Hurts: fine texture; tasks on noise itself (forensics, quality).
    """

    intensity: Range = ranged(default=Uniform(0.02, 0.1, identity=0), low=0, high=1)
    size: Range = ranged(default=Uniform(1.0, 2.5), low=1, high=32)

    streams = ("grain",)

    def describe(self, draw: Draw, view: View) -> Change:
        rows = zip(draw("intensity"), draw("size"), draw.stream("grain"), view.size, strict=True)
        grids = []
        for intensity, size, stream, sides in rows:
            height, width = (int(np.ceil(side / size)) + 1 for side in sides)
            offset = gaussian_wave(int(stream), height, width) * np.float32(intensity)
            gain = 1 - (1 - _AT_WHITE) * offset
            grids.append(np.stack([gain, offset * np.float32(view.white)], axis=-1)[..., None])
        return Shade(tuple(grids))
