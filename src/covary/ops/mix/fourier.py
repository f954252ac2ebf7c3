"""Regions of any shape, from low frequencies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from covary.draws.streams import stream_normals
from covary.ops.base import operation
from covary.ops.mix.base import BetaMixer, Draws
from covary.ops.mix.batch import Batch, Made
from covary.ops.mix.regions import fill_by_partners
from covary.plan.changes import Bools

# Frequencies drawn, in periods of the picture: beyond, less than a millionth of the map's energy is left at decay 3.
HIGHEST = 32


def grey_map(stream: np.uint64, height: int, width: int, decay: float) -> NDArray[np.float64]:
    """A smooth random picture: Gaussian noise whose spectrum falls with frequency ** decay.

    Args:
        stream: its 64-bit key.
        height, width: in pixels.
        decay: above 0; the more, the larger the patches.

    Returns:
        (height, width) float64.
    """
    import scipy.fft

    rows = np.fft.fftfreq(height, 1 / height).astype(np.int64)
    rows = rows[np.abs(rows) <= HIGHEST]
    columns = np.arange(min(width // 2, HIGHEST) + 1)
    frequency = np.hypot(rows[:, None] / height, columns / width)
    amplitude = np.maximum(frequency, 1 / max(height, width)) ** -decay
    normals = stream_normals(np.array([stream], dtype=np.uint64), 2 * amplitude.size).reshape(*amplitude.shape, 2)
    spectrum = np.zeros((height, width // 2 + 1), dtype=np.complex128)
    spectrum[rows[:, None], columns] = amplitude * (normals[..., 0] + 1j * normals[..., 1])
    grey: NDArray[np.float64] = scipy.fft.irfft2(spectrum, s=(height, width))
    return grey


def highest(grey: NDArray[np.float64], count: int) -> Bools:
    """(H, W) the `count` highest pixels of a map, exactly so many."""
    chosen = np.zeros(grey.size, dtype=bool)
    if count:
        chosen[np.argpartition(grey.ravel(), grey.size - count)[grey.size - count :]] = True
    return chosen.reshape(grey.shape)


@operation
class FMix(BetaMixer):
    """Fill the low parts of a smooth random map with the partner; labels are mixed by area.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda, the share that is left of the sample. Default 1, as in
            the paper.
        decay: how fast the map's spectrum falls with frequency; the more, the larger and smoother the patches. Default
            3, as in the paper.
        pairs: whether `target_a`, `target_b` and `lam` come out too.

    Paper: Harris et al. 2020, "FMix: enhancing mixed sample data augmentation". A share of exactly lambda of the pixels
    is left, to the nearest pixel. Frequencies above 32 periods of the picture, too faint to move an outline, are left
    out.

    Masks follow the pixels; boxes those of their instance masks. A box without a mask stays whole, in both pictures,
    unless it is not to be seen at all.

    Helps: image classification with large networks; shapes other than rectangles keep edges from becoming a clue.
    Hurts: small networks, as all mixing; small objects, which may vanish while their label stays.
    """

    decay: float = 3.0

    streams = ("map",)

    def check(self) -> None:
        BetaMixer.check(self)
        if isinstance(self.decay, bool) or not isinstance(self.decay, (int, float)) or not 0 < self.decay <= 10:
            self.refuse("decay", repr(self.decay), "a number above 0, up to 10")

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        shares, streams = self.shares(draw).tolist(), draw.stream("map")

        def left(row: int, height: int, width: int) -> Bools:
            return highest(grey_map(streams[row], height, width, self.decay), round(shares[row] * height * width))

        fill_by_partners(batch, rows, draw.partners().tolist(), left, made)
