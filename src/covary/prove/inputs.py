"""From samples, as they are or varied, to the arrays that models and probes take."""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from covary.ops.audio.features import LogMel
from covary.pipeline import Pipeline
from covary.prove.task import Task
from covary.resample import resample

Floats = NDArray[np.float32]


class Inputs(Protocol):
    """The form in which a model takes samples: chosen once for a task, the same for all arms."""

    def of(self, samples: Sequence[dict[str, Any]]) -> NDArray[Any]:
        """(B, ...) what the model takes, of B samples given as the fields of a pipeline."""
        ...


def clean(task: Task, inputs: Inputs, indices: NDArray[np.int64]) -> NDArray[Any]:
    """Inputs of samples as they are. Those made once are kept with the task, up to 512 MB of them."""
    with _KEEPING:
        kept = _KEPT.setdefault(task, {})
        store = kept.setdefault(inputs, _Kept())
        return store.rows(task, inputs, indices)


def varied(
    task: Task, inputs: Inputs, indices: NDArray[np.int64], pipeline: Pipeline, epoch: int, *, threads: int = 1
) -> NDArray[Any]:
    """Inputs of variations: variation `epoch` of each sample. `Normalize` and `ToTensor` at the pipeline's end are left
    out, as inputs have a form of their own.
    """
    return inputs.of(varied_samples(task, indices, pipeline, epoch, threads=threads))


def varied_samples(
    task: Task, indices: NDArray[np.int64], pipeline: Pipeline | None, epoch: int, *, threads: int = 1
) -> list[dict[str, Any]]:
    """Variation `epoch` of samples as the fields of a pipeline, see `varied`; None leaves them as they are."""
    samples = [task.fields(i) for i in indices.tolist()]
    if pipeline is None or not samples:
        return samples
    body, _ = pipeline.parted()
    columns = {name: [sample[name] for sample in samples] for name in samples[0]}
    made = body.batch(keys=[task.keys[i] for i in indices.tolist()], epoch=epoch, threads=threads, **columns)
    return [{name: made[name][row] for name in columns} for row in range(len(samples))]


class _Kept:
    """Inputs of a task's samples, made when first asked for."""

    MOST = 512 << 20  # bytes

    def __init__(self) -> None:
        self.made: NDArray[Any] | None = None
        self.known: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)

    def rows(self, task: Task, inputs: Inputs, indices: NDArray[np.int64]) -> NDArray[Any]:
        if self.made is None:
            first = inputs.of([task.fields(i) for i in indices[:1].tolist()])
            if len(first) == 0 or first.nbytes * len(task) > self.MOST:
                return inputs.of([task.fields(i) for i in indices.tolist()])
            self.made = np.empty((len(task), *first.shape[1:]), first.dtype)
            self.known = np.zeros(len(task), dtype=np.bool_)
        new = np.unique(indices[~self.known[indices]])
        if len(new):
            self.made[new] = inputs.of([task.fields(i) for i in new.tolist()])
            self.known[new] = True
        return self.made[indices]


_KEPT: WeakKeyDictionary[Task, dict[Inputs, _Kept]] = WeakKeyDictionary()
_KEEPING = threading.Lock()


def inputs_for(task: Task) -> Inputs:
    """The usual form of a task's samples."""
    if task.modality == "image":
        return PictureInputs.fitted(task)
    return SoundInputs.fitted(task) if task.modality == "audio" else TextInputs()


@dataclass(frozen=True)
class PictureInputs:
    """Pictures of one size: (B, C, S, S) float32 in [0, 1].

    Attributes:
        size: S, px. Pictures are fitted in by area, whole, whatever their proportions.
        channels: C, 1 or 3, or what all pictures have.
    """

    size: int
    channels: int

    @classmethod
    def fitted(cls, task: Task, largest: int = 48) -> PictureInputs:
        """The size of most pictures (their shorter side), at most `largest`."""
        shapes = np.array([picture.shape for picture in task.samples])
        side = int(np.median(shapes[:, :2].min(1)))
        channels = set(shapes[:, 2].tolist())
        return cls(max(8, min(side, largest)), channels.pop() if len(channels) == 1 else 3)

    def of(self, samples: Sequence[dict[str, Any]]) -> Floats:
        made = np.empty((len(samples), self.channels, self.size, self.size), dtype=np.float32)
        for row, sample in zip(made, samples, strict=True):
            row[:] = np.moveaxis(self._fitted_in(sample["image"]), -1, 0)
        return made

    def _fitted_in(self, picture: NDArray[Any]) -> Floats:
        import cv2

        scale = np.float32(1 if picture.dtype == np.float32 else 1 / np.iinfo(picture.dtype).max)
        if picture.shape[:2] != (self.size, self.size):
            shrinks = min(picture.shape[:2]) >= self.size
            picture = cv2.resize(
                picture, (self.size, self.size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            )
        picture = picture.reshape(self.size, self.size, -1)
        if picture.shape[2] != self.channels:
            picture = np.repeat(picture[..., :1], self.channels, -1) if picture.shape[2] < 3 else picture[..., :3]
        return picture.astype(np.float32) * scale


@dataclass(frozen=True)
class SoundInputs:
    """Log-mel spectrograms of one length: (B, 1, bands, frames) float32, in nepers above silence (a power of 1e-6).

    Attributes:
        rate: Hz, to which all sounds are resampled.
        seconds: of sound that are kept, about the middle; shorter sounds are padded with silence on both sides.
        bands: of mel.
    """

    rate: int
    seconds: float
    bands: int = 40

    @classmethod
    def fitted(cls, task: Task, longest: float = 10.0, highest_rate: int = 16000) -> SoundInputs:
        """The lowest rate of the sounds, and the length that 95 in 100 of them fit into."""
        assert task.rates is not None
        lengths = [wave.shape[-1] / rate for wave, rate in zip(task.samples, task.rates.tolist(), strict=True)]
        return cls(min(highest_rate, int(task.rates.min())), float(min(longest, max(0.1, np.percentile(lengths, 95)))))

    def of(self, samples: Sequence[dict[str, Any]]) -> Floats:
        return self.of_waves(self.waves(samples))

    def waves(self, samples: Sequence[dict[str, Any]]) -> Floats:
        """(B, samples) float32: one channel, at the rate, of the length."""
        count = round(self.rate * self.seconds)
        return np.stack([self._fitted_in(s["audio"], int(s["rate"]), count) for s in samples])

    def of_waves(self, waves: Floats) -> Floats:
        """(B, 1, bands, frames) float32 of what `waves` gave."""
        front = _log_mel(self.rate, self.bands)
        return np.stack([front(wave) for wave in waves])[:, None] - np.float32(np.log(front.least))

    def _fitted_in(self, wave: NDArray[Any], rate: int, count: int) -> Floats:
        mono: Floats = np.atleast_2d(wave).mean(0, dtype=np.float32)
        if rate != self.rate:
            length = max(1, round(len(mono) * self.rate / rate))
            mono = resample(mono[None], rate / self.rate, length)[0]
        surplus = len(mono) - count
        if surplus >= 0:
            return mono[surplus // 2 : surplus // 2 + count]
        return np.pad(mono, (-surplus // 2, -surplus - -surplus // 2))


@lru_cache(maxsize=8)
def _log_mel(rate: int, bands: int) -> LogMel:
    # About 25 ms of sound in a frame, a new one each 16 ms.
    size = 1 << max(5, round(np.log2(rate * 0.025)))
    return LogMel(rate=rate, size=size, hop=max(1, round(rate * 0.016)), bands=bands, least=1e-6)


_WORDS = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class TextInputs:
    """Words and punctuation marks as numbers: (B, L) int64, hashed (CRC-32) into [1, buckets), 0 behind the end.

    Attributes:
        length: L, of words that are kept.
        buckets: how many different numbers there are.
        fold: whether capitals count as small letters.
    """

    length: int = 128
    buckets: int = 1 << 14
    fold: bool = True

    def of(self, samples: Sequence[dict[str, Any]]) -> NDArray[np.int64]:
        made = np.zeros((len(samples), self.length), dtype=np.int64)
        for row, sample in zip(made, samples, strict=True):
            numbers = [_number(word, self.buckets) for word in _words(sample["text"], self.fold)[: self.length]]
            row[: len(numbers)] = numbers
        return made


@dataclass(frozen=True)
class NgramInputs:
    """A text's words, pairs of neighbouring words, and runs of three and four letters (with the ends of words) as
    numbers, in no order that means anything: (B, L) int64, hashed (CRC-32) into [1, buckets), 0 behind the end.

    Runs of letters find words in other forms and with typing errors (Bojanowski et al. 2017, "Enriching word vectors
    with subword information").

    Attributes:
        length: of words that are kept; L is twelve times that.
        buckets: how many different numbers there are.
        fold: whether capitals count as small letters.
    """

    length: int = 128
    buckets: int = 1 << 15
    fold: bool = True

    def of(self, samples: Sequence[dict[str, Any]]) -> NDArray[np.int64]:
        made = np.zeros((len(samples), 12 * self.length), dtype=np.int64)
        for row, sample in zip(made, samples, strict=True):
            words = _words(sample["text"], self.fold)[: self.length]
            numbers = [_number(f"{one} {two}", self.buckets) for one, two in pairwise(words)]
            for word in words:
                numbers += _parts(word, self.buckets)
            numbers = numbers[: len(row)]
            row[: len(numbers)] = numbers
        return made


def _words(text: str, fold: bool) -> list[str]:
    return _WORDS.findall(text.lower() if fold else text)


def _number(word: str, buckets: int) -> int:
    return 1 + zlib.crc32(word.encode(errors="replace")) % (buckets - 1)


@lru_cache(maxsize=1 << 16)
def _parts(word: str, buckets: int) -> tuple[int, ...]:
    """Numbers of a word and of its runs of letters."""
    ends = f"<{word}>"
    runs = (ends[start : start + size] + "#" for size in (3, 4) for start in range(len(ends) - size + 1))
    return _number(word, buckets), *(_number(run, buckets) for run in runs)
