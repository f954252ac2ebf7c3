"""Sounds mixed between classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from covary.ops.base import operation
from covary.ops.mix.base import BetaMixer, Draws
from covary.ops.mix.batch import Batch, Made

FLOOR_DB = -80.0  # sounds below are as quiet as this
_FRAME = {False: 2048, True: 4096}  # samples of a frame, up to and above 32 kHz: about a tenth of a second


def a_weighting_db(frequency: NDArray[np.float64]) -> NDArray[np.float64]:
    """The gain of the A curve of IEC 61672-1 at frequencies in Hz: 0 at 1 kHz, -infinity at 0."""
    square = np.square(frequency)
    response = (12194.0**2 * square**2) / (
        (square + 20.6**2) * np.sqrt((square + 107.7**2) * (square + 737.9**2)) * (square + 12194.0**2)
    )
    with np.errstate(divide="ignore"):
        return 20 * np.log10(response) + 2.0


def sound_pressure_level(audio: NDArray[np.floating], rate: float | None) -> float:
    """The level of the loudest frame of a sound, in dB against full scale, not below -80.

    Args:
        audio: (samples,) or (channels, samples).
        rate: in Hz, for A-weighting; None: unweighted.
    """
    import scipy.fft

    frame = _FRAME[rate is not None and rate > 32000]
    mono = np.atleast_2d(audio).astype(np.float32)
    if mono.shape[1] < frame:
        mono = np.pad(mono, ((0, 0), (0, frame - mono.shape[1])))
    frames = np.lib.stride_tricks.sliding_window_view(mono, frame, axis=1)[:, :: frame // 2]
    spectra = scipy.fft.rfft(frames * np.hanning(frame).astype(np.float32), axis=-1)
    power = np.square(np.abs(spectra)).mean(axis=0, dtype=np.float64)
    if rate is not None:
        power *= 10 ** (a_weighting_db(np.fft.rfftfreq(frame, 1 / rate).astype(np.float64)) / 10)
    # Of a full-scale sine the window leaves 3 / 8, half of that is its power, and half of that on one side of the
    # spectrum.
    loudest = float(power.sum(axis=1).max()) * 4 / (0.375 * frame * frame)
    return float(10 * np.log10(max(loudest, 10 ** (FLOOR_DB / 10))))


@operation
class BCLearning(BetaMixer):
    """Mix each sound with a partner so that a share lam of what is heard is its own; labels are mixed by lam.

    Sounds differ in loudness: at a plain average the louder one is all that is heard. The amplitudes are therefore
    weighed by the sounds' levels, p = 1 / (1 + 10 ** ((G1 - G2) / 20) * (1 - lam) / lam), and the sum
    p x1 + (1 - p) x2 is divided by the root of p ** 2 + (1 - p) ** 2, which keeps the energy of two sounds that have
    nothing in common. Peaks may exceed 1.

    Args:
        alpha: shape of Beta(alpha, alpha), the law of lambda. Default 1, the uniform law of the paper.
        rate: in Hz. Default: the field `rate`, a number or one for each sample; where there is none, levels are not
            A-weighted.
        pairs: whether `target_a`, `target_b` and `lam` come out too.

    Paper: Tokozume et al. 2018, "Learning from between-class examples for deep sound recognition". Levels are those of
    the loudest frame of about a tenth of a second, A-weighted where the rate is known.

    The field is `audio`, (B, samples) or (B, channels, samples), float32.

    Helps: sound classification (ESC-50, EnvNet-v2: 25.6 to 18.2 % error, in the paper); train longer than without.
    Hurts: sounds that overlap in the data already; tasks that count or locate events.
    """

    rate: float | None = None

    def check(self) -> None:
        BetaMixer.check(self)
        if self.rate is not None and (
            isinstance(self.rate, bool) or not isinstance(self.rate, (int, float)) or not self.rate > 0
        ):
            self.refuse("rate", repr(self.rate), "a number of Hz above 0, or None")

    def mix(self, batch: Batch, rows: list[int], draw: Draws, made: Made) -> None:
        audio = batch.stack("audio")
        if audio.dtype != np.float32 or audio.ndim not in (2, 3):
            raise TypeError(
                f"audio is {audio.dtype} {audio.shape}; allowed: float32 (B, samples) or (B, channels, samples)"
            )
        shares, partners = self.shares(draw).tolist(), draw.partners().tolist()
        rates = self._rates(batch)
        needed = sorted({*rows, *(partners[row] for row in rows)})
        levels = {row: sound_pressure_level(audio[row], rates[row]) for row in needed}
        room = made.room("audio")
        for row in rows:
            partner, share = partners[row], shares[row]
            if rates[row] != rates[partner]:
                raise ValueError(f"samples {row} and {partner} have rates {rates[row]} and {rates[partner]}: resample")
            weight = share / (share + 10 ** ((levels[row] - levels[partner]) / 20) * (1 - share))
            energy = (weight**2 + (1 - weight) ** 2) ** 0.5
            mixed = room.open(row)
            np.multiply(audio[row], np.float32(weight / energy), out=mixed)
            mixed += audio[partner] * np.float32((1 - weight) / energy)
            made.pair(row, partner, share)

    def _rates(self, batch: Batch) -> Sequence[float | None]:
        if self.rate is not None or not batch.has("rate"):
            return [self.rate] * batch.count
        rates = np.broadcast_to(np.asarray(batch.fields["rate"], dtype=np.float64), (batch.count,))
        return [float(rate) for rate in rates]
