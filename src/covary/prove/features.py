"""What a probe sees of a sample: numbers that tell shapes, directions, places and words apart, made without training.

A sound is looked at as its spectrogram, so that pictures and sounds share one set: coarse values, histograms of signed
gradients over a grid (Dalal and Triggs 2005; signed, as a left arrow is a right one with all gradients turned about),
and responses to patches taken from the data (Coates and Ng 2011). Texts are counts of words, pairs of words and short
pieces.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.prove.inputs import Inputs, PictureInputs, SoundInputs
from covary.prove.task import Task

Floats = NDArray[np.float32]

SIDE = 32  # px: pictures are looked at no larger
FRAMES = 48  # of a spectrogram
PATCHES = 40
ORIENTATIONS = 8
_EPS = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class Features:
    """Features of samples, each block of them with the same weight. It is a form of `Inputs`, too.

    Attributes:
        seen: what gives the raw blocks.
        means, scales: of each feature in the data as they are, block for block.
    """

    seen: _Picture | _Sound | _Text
    means: tuple[Floats, ...]
    scales: tuple[Floats, ...]

    @classmethod
    def fitted(cls, task: Task, seed: int = 0) -> Features:
        """Features that suit the samples of a task; `seed` chooses the patches."""
        seen = _seen(task, np.random.default_rng(seed))
        blocks = seen.blocks([task.fields(i) for i in range(len(task))])
        means = tuple(block.mean(0) for block in blocks)
        scales = []
        for block in blocks:
            spread = block.std(0)
            # What hardly varies in the data is not blown up: that would make any variation look far away.
            spread = np.maximum(spread, np.float32(0.3) * np.sqrt(np.square(spread).mean()) + _EPS)
            scales.append((spread * np.sqrt(np.float32(block.shape[1]))).astype(np.float32))
        return cls(seen, means, tuple(scales))

    def of(self, samples: Sequence[dict[str, Any]]) -> Floats:
        """(B, D) features of samples given as the fields of a pipeline."""
        blocks = self.seen.blocks(samples)
        scaled = [(b - mean) / scale for b, mean, scale in zip(blocks, self.means, self.scales, strict=True)]
        return np.concatenate(scaled, axis=1)


def _seen(task: Task, generator: np.random.Generator) -> _Picture | _Sound | _Text:
    if task.modality == "text":
        return _Text.fitted(task)
    some = generator.permutation(len(task))[:200]
    samples = [task.fields(int(i)) for i in some]
    if task.modality == "image":
        inputs = PictureInputs.fitted(task, SIDE)
        return _Picture(inputs, _Patches.fitted(_grey(inputs.of(samples)), generator))
    sounds = SoundInputs.fitted(task, longest=4.0)
    return _Sound(sounds, _Patches.fitted(_spectrograms(sounds, samples)[0], generator))


@dataclass(frozen=True, eq=False)
class _Picture:
    inputs: Inputs
    patches: _Patches

    def blocks(self, samples: Sequence[dict[str, Any]]) -> list[Floats]:
        pictures = self.inputs.of(samples)
        grey = _grey(pictures)
        blocks = [_coarse(grey, 12, 12), _gradients(grey), self.patches.pooled(grey)]
        if pictures.shape[1] >= 3:
            colours = np.stack([_pooled(pictures[:, c, :, :, None], 3, 3) for c in range(3)], -1)
            blocks.append(colours.reshape(len(pictures), -1))
        return blocks


@dataclass(frozen=True, eq=False)
class _Sound:
    inputs: SoundInputs
    patches: _Patches

    def blocks(self, samples: Sequence[dict[str, Any]]) -> list[Floats]:
        grey, level = _spectrograms(self.inputs, samples)
        bands = np.concatenate([grey.mean(2), grey.std(2)], axis=1)
        return [_coarse(grey, 10, 12), _gradients(grey), self.patches.pooled(grey), bands, level]


def _spectrograms(inputs: SoundInputs, samples: Sequence[dict[str, Any]]) -> tuple[Floats, Floats]:
    """(B, bands, FRAMES) in [0, 1], the loudest place of each 1 and all 8 nepers below it 0, and (B, 1) its level."""
    import cv2

    mels = inputs.of(samples)[:, 0]
    loudest = mels.max((1, 2), keepdims=True)
    shown = np.clip((mels - loudest) / 8 + 1, 0, 1).astype(np.float32)
    size = (FRAMES, shown.shape[1])
    how = cv2.INTER_AREA if shown.shape[2] > FRAMES else cv2.INTER_LINEAR
    fitted = [np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.float32) for picture in shown]
    return np.stack(fitted), loudest[:, :, 0].astype(np.float32)


def _grey(pictures: Floats) -> Floats:
    grey: Floats = pictures.mean(1, dtype=np.float32)
    return grey


def _coarse(grey: Floats, rows: int, columns: int) -> Floats:
    """The pictures at a low resolution, each with mean 0 and unit contrast."""
    small = _pooled(grey[..., None], min(rows, grey.shape[1]), min(columns, grey.shape[2]))
    small = small - small.mean(1, keepdims=True)
    size: Floats = small / (np.sqrt(np.square(small).mean(1, keepdims=True)) + np.float32(0.02))
    return size


def _pooled(maps: Floats, rows: int, columns: int) -> Floats:
    """(B, rows * columns * F) means of maps (B, H, W, F) over a grid."""
    down, across = (
        np.arange(count) * size // count for count, size in ((rows, maps.shape[1]), (columns, maps.shape[2]))
    )
    sums = np.add.reduceat(np.add.reduceat(maps, down, axis=1), across, axis=2)
    heights = np.diff([*down, maps.shape[1]]).astype(np.float32)
    widths = np.diff([*across, maps.shape[2]]).astype(np.float32)
    means: Floats = sums / (heights[:, None, None] * widths[:, None])
    return means.reshape(len(maps), -1)


def _gradients(grey: Floats) -> Floats:
    """Histograms of the gradients' directions, weighted by their lengths, in a grid of 4 x 4 cells and of 1."""
    padded = np.pad(grey, ((0, 0), (1, 1), (1, 1)), mode="edge")
    dx = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    dy = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    length = np.hypot(dx, dy)
    place = np.arctan2(dy, dx) * np.float32(ORIENTATIONS / (2 * np.pi))
    bins = np.arange(ORIENTATIONS, dtype=np.float32)
    # Each gradient is shared by the two directions next to it.
    away = np.abs((place[..., None] - bins + ORIENTATIONS / 2) % ORIENTATIONS - ORIENTATIONS / 2)
    votes = np.maximum(1 - away, 0).astype(np.float32) * length[..., None]
    cells, whole = _pooled(votes, min(4, grey.shape[1]), min(4, grey.shape[2])), _pooled(votes, 1, 1)
    return np.concatenate([_unit(cells), _unit(whole)], axis=1)


def _unit(rows: Floats) -> Floats:
    scaled: Floats = rows / (np.sqrt(np.square(rows).sum(1, keepdims=True)) + np.float32(1e-3))
    return scaled


@dataclass(frozen=True, eq=False)
class _Patches:
    """Patches of the data themselves as filters (F, k * k), each with mean 0 and unit length."""

    filters: Floats
    size: int

    @classmethod
    def fitted(cls, grey: Floats, generator: np.random.Generator) -> _Patches:
        size = max(3, min(7, min(grey.shape[1:]) // 4))
        windows = _windows(grey, size)
        count = windows.shape[1] * windows.shape[2]
        chosen = generator.integers(0, len(grey) * count, 40 * PATCHES)
        found = _normal(windows.reshape(len(grey) * count, -1)[chosen])
        # Patches with some contrast, far from those chosen before.
        found = found[np.square(found).sum(1) > 0.25]
        if not len(found):
            found = _normal(generator.normal(size=(PATCHES, size * size)).astype(np.float32))
        kept = [0]
        nearest = found @ found[0]
        for _ in range(min(PATCHES, len(found)) - 1):
            kept.append(int(nearest.argmin()))
            nearest = np.maximum(nearest, found @ found[kept[-1]])
        return cls(found[kept], size)

    def pooled(self, grey: Floats) -> Floats:
        """How well each filter fits, on average in each quarter and at best anywhere."""
        rows = []
        for start in range(0, len(grey), 64):
            windows = _windows(grey[start : start + 64], self.size)
            fits = np.maximum(_normal(windows) @ self.filters.T - np.float32(0.3), 0)
            rows.append(np.concatenate([_pooled(fits, 2, 2), fits.max((1, 2))], axis=1))
        return np.concatenate(rows)


def _windows(grey: Floats, size: int) -> Floats:
    """(B, rows, columns, size * size) all windows."""
    windows = np.lib.stride_tricks.sliding_window_view(grey, (size, size), axis=(1, 2))
    return windows.reshape(*windows.shape[:3], size * size)


def _normal(windows: Floats) -> Floats:
    """Windows with mean 0 and unit length; flat ones stay near 0."""
    centred = windows - windows.mean(-1, keepdims=True)
    length = np.sqrt(np.square(centred).sum(-1, keepdims=True))
    normal: Floats = centred / (length + np.float32(0.02) * windows.shape[-1])
    return normal


_WORD = re.compile(r"\w+(?:['\u2019]\w+)?|[^\w\s]")
_BUCKETS = 1 << 12


@dataclass(frozen=True, eq=False)
class _Text:
    """Counts of words and pairs of words, and of pieces of three to four characters, by hash; rare ones weigh more."""

    weights: tuple[Floats, Floats]

    @classmethod
    def fitted(cls, task: Task) -> _Text:
        raw = cls((np.ones(_BUCKETS, dtype=np.float32),) * 2)
        counts = raw._counts([task.fields(i) for i in range(len(task))])
        rarity = [np.log((1 + len(task)) / (1 + (block > 0).sum(0))) + 1 for block in counts]
        return cls((rarity[0].astype(np.float32), rarity[1].astype(np.float32)))

    def blocks(self, samples: Sequence[dict[str, Any]]) -> list[Floats]:
        counts = self._counts(samples)
        return [_unit(np.log1p(block) * weight) for block, weight in zip(counts, self.weights, strict=True)]

    def _counts(self, samples: Sequence[dict[str, Any]]) -> list[Floats]:
        words, pieces = (np.zeros((len(samples), _BUCKETS), dtype=np.float32) for _ in range(2))
        for row, sample in enumerate(samples):
            text = sample["text"].casefold()
            found = _WORD.findall(text)
            for word in [*found, *(f"{a} {b}" for a, b in zip(["", *found], [*found, ""], strict=True))]:
                words[row, _bucket(word)] += 1
            whole = f" {' '.join(found)} "
            for size in (3, 4):
                for start in range(len(whole) - size + 1):
                    pieces[row, _bucket(whole[start : start + size])] += 1
        return [words, pieces]


def _bucket(piece: str) -> int:
    return zlib.crc32(piece.encode(errors="surrogatepass")) % _BUCKETS
