"""Front ends: log-mel spectrograms and mel-frequency cepstral coefficients, of ragged batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from covary.ops.audio.mel import SCALES, MelScale, mel_filters
from covary.waves import as_wave, to_float


@dataclass(frozen=True)
class LogMel:
    """Logarithms of the power in mel bands.

    Args:
        rate: samples per second of the sounds. Default 16000.
        size: samples of the Fourier transform. Default 512.
        window: samples of the Hann window (periodic), centred in the transform. Default: the size.
        hop: samples from frame to frame. Default 160.
        bands: number of mel bands. Default 80.
        low_hz, high_hz: edges of the lowest and the highest band. Default: 0 and half of the rate.
        scale: of the mels, "slaney" or "htk". Default "slaney".
        area: whether each filter has unit area; otherwise its peak is 1, as in HTK. Default True.
        centred: whether frame i is centred on sample i * hop, the sound being mirrored at its ends; otherwise frames
            lie within the sound. Default True.
        log: "ln" (nepers), "log10" or "db" (10 log10) of the power. Default "ln".
        least: powers below count as this. Default 1e-10.

    Raises:
        ValueError: an argument is none of those allowed.
    """

    rate: int = 16000
    size: int = 512
    window: int | None = None
    hop: int = 160
    bands: int = 80
    low_hz: float = 0.0
    high_hz: float | None = None
    scale: MelScale = "slaney"
    area: bool = True
    centred: bool = True
    log: Literal["ln", "log10", "db"] = "ln"
    least: float = 1e-10

    def __post_init__(self) -> None:
        window = self.size if self.window is None else self.window
        highest = self.rate / 2 if self.high_hz is None else self.high_hz
        for name, right, allowed in (
            ("size", self.size >= 2, "2 and more"),
            ("window", 1 <= window <= self.size, f"1 to {self.size}"),
            ("hop", self.hop >= 1, "1 and more"),
            ("bands", self.bands >= 1, "1 and more"),
            ("low_hz", 0 <= self.low_hz < highest, f"0 to below {highest:g}"),
            ("high_hz", 0 < highest <= self.rate / 2, f"above 0, up to {self.rate / 2:g}"),
            ("scale", self.scale in SCALES, ", ".join(SCALES)),
            ("log", self.log in ("ln", "log10", "db"), "ln, log10, db"),
            ("least", self.least > 0, "above 0"),
        ):
            if not right:
                raise ValueError(f"{type(self).__name__}: {name} is {getattr(self, name)!r}; allowed: {allowed}")

    def frames(self, samples: int) -> int:
        """How many frames a sound of so many samples has."""
        if self.centred:
            return 1 + samples // self.hop if samples else 0
        return 1 + (samples - self.size) // self.hop if samples >= self.size else 0

    def power(self, wave: NDArray[Any]) -> NDArray[np.float32]:
        """The power spectrogram of one sound: (..., size // 2 + 1, frames) float32.

        Args:
            wave: (samples,) or (channels, samples), float32, float64, int16 or int32.
        """
        from scipy.fft import rfft

        signal = to_float(as_wave(wave, "wave"))
        count = self.frames(signal.shape[1])
        bins = self.size // 2 + 1
        if not count:
            return np.zeros((*wave.shape[:-1], bins, 0), dtype=np.float32)
        if self.centred:
            half = self.size // 2
            # One sample has nothing to be mirrored in.
            mode: Any = "reflect" if signal.shape[1] > 1 else "edge"
            signal = np.pad(signal, ((0, 0), (half, half)), mode=mode)
        places = np.lib.stride_tricks.sliding_window_view(signal, self.size, axis=1)[:, :: self.hop][:, :count]
        spectrum = rfft(places * _window(self.size, self.window), axis=2, overwrite_x=True)
        power = np.square(spectrum.real)
        power += np.square(spectrum.imag)
        made: NDArray[np.float32] = np.swapaxes(power, 1, 2).reshape(*wave.shape[:-1], bins, count)
        return made

    def __call__(self, wave: NDArray[Any]) -> NDArray[np.float32]:
        """The log-mel spectrogram of one sound: (..., bands, frames) float32.

        Args:
            wave: (samples,) or (channels, samples), float32, float64, int16 or int32.

        Raises:
            TypeError, ValueError: not a sound.
        """
        filters = _filters(self.rate, self.size, self.bands, self.low_hz, self.high_hz, self.scale, self.area)
        mels = np.maximum(filters @ self.power(wave), np.float32(self.least))
        made: NDArray[np.float32] = np.log(mels) if self.log == "ln" else np.log10(mels)
        return made * np.float32(10) if self.log == "db" else made

    def batch(
        self, waves: Sequence[NDArray[Any]], pad: float | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The features of several sounds, padded at their ends.

        Args:
            waves: B sounds of any lengths, with the same channels.
            pad: value of the padding. Default: that of silence.

        Returns:
            (B, ..., features, T) float32, and (B,) how many frames of each are no padding.
        """
        made = [self(wave) for wave in waves]
        lengths = np.array([spectra.shape[-1] for spectra in made], dtype=np.int64)
        if not made:
            return np.zeros((0, self.bands, 0), dtype=np.float32), lengths
        silence = self(np.zeros(self.size, dtype=np.float32))[..., :1] if pad is None else np.float32(pad)
        padded = np.empty((len(made), *made[0].shape[:-1], int(lengths.max())), dtype=np.float32)
        for row, spectra in zip(padded, made, strict=True):
            row[..., : spectra.shape[-1]] = spectra
            row[..., spectra.shape[-1] :] = silence
        return padded, lengths


@dataclass(frozen=True)
class MFCC(LogMel):
    """Mel-frequency cepstral coefficients: the discrete cosine transform (type II, orthonormal) of a log-mel
    spectrogram.

    Args:
        rate, size, window, hop, bands, low_hz, high_hz, scale, area, centred, log, least: as for `LogMel`.
        count: coefficients that are kept, from the zeroth on. Default 13.
        lifter: L of HTK's liftering, 1 + L / 2 sin(pi n / L); 0 for none. Default 0.

    Raises:
        ValueError: an argument is none of those allowed.
    """

    count: int = 13
    lifter: int = 0

    def __post_init__(self) -> None:
        LogMel.__post_init__(self)
        if not 1 <= self.count <= self.bands:
            raise ValueError(f"MFCC: count is {self.count!r}; allowed: 1 to {self.bands}, the number of bands")
        if self.lifter < 0:
            raise ValueError(f"MFCC: lifter is {self.lifter!r}; allowed: 0 and more")

    def __call__(self, wave: NDArray[Any]) -> NDArray[np.float32]:
        """The coefficients of one sound: (..., count, frames) float32.

        Args:
            wave: (samples,) or (channels, samples), float32, float64, int16 or int32.
        """
        from scipy.fft import dct

        cepstra: NDArray[np.float32] = dct(LogMel.__call__(self, wave), axis=-2, norm="ortho")[..., : self.count, :]
        if not self.lifter:
            return cepstra
        weights = 1 + self.lifter / 2 * np.sin(np.pi * np.arange(self.count) / self.lifter)
        return cepstra * weights.astype(np.float32)[:, None]


@lru_cache(maxsize=8)
def _window(size: int, window: int | None) -> NDArray[np.float32]:
    width = size if window is None else window
    made = np.zeros(size, dtype=np.float32)
    first = (size - width) // 2
    made[first : first + width] = 0.5 - 0.5 * np.cos(2 * np.pi / width * np.arange(width))
    made.flags.writeable = False
    return made


@lru_cache(maxsize=8)
def _filters(*arguments: Any) -> NDArray[np.float32]:
    made: NDArray[np.float32] = mel_filters(*arguments).astype(np.float32)
    made.flags.writeable = False
    return made
