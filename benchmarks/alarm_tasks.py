"""Tasks of which it is known what destroys their labels: drawn, sounded and written, and real handwritten digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from covary.ops.view import Modality
from covary.prove.task import Task


def task_of(
    name: str, samples: Sequence[Any], labels: Sequence[int], classes: Sequence[str], modality: Modality = "image"
) -> Task:
    count = len(samples)
    return Task(
        name=name,
        modality=modality,
        samples=list(samples),
        labels=np.asarray(labels, dtype=np.int64),
        classes=tuple(classes),
        keys=tuple(f"{name} {number}" for number in range(count)),
        splits=("",) * count,
        rates=np.full(count, 8000) if modality == "audio" else None,
    )


def hidden(count: int) -> list[str]:
    """Names that tell nothing."""
    return [f"class {number}" for number in range(count)]


def digits(count: int, seed: int, *, named: bool = True) -> Task:
    """Handwritten digits of scikit-learn, 8 x 8 px."""
    from sklearn.datasets import load_digits

    data = load_digits()
    chosen = np.random.default_rng(seed).permutation(len(data.images))[:count]
    pictures = [(data.images[i][..., None] * 15.9).astype(np.uint8) for i in chosen]
    return task_of("digits", pictures, data.target[chosen], list("0123456789") if named else hidden(10))


def arrows(count: int, seed: int, angles: Sequence[float] = (0, 180), side: int = 40) -> Task:
    """Arrows in two or more directions, of many sizes and greys, in noise; the names of the classes tell nothing."""
    generator = np.random.default_rng(seed)
    pictures = []
    for number in range(count):
        angle = np.deg2rad(angles[number % len(angles)] + generator.normal(0, 6))
        along = np.array([np.cos(angle), -np.sin(angle)]) * generator.uniform(0.22, 0.33) * side
        centre = generator.uniform(0.38, 0.62, 2) * side
        canvas = np.full((side, side), generator.uniform(10, 60), dtype=np.float32)
        tail, tip = (tuple(int(x * 16) for x in end) for end in (centre - along, centre + along))
        grey, width, head = generator.uniform(140, 230), int(generator.integers(1, 4)), generator.uniform(0.3, 0.5)
        cv2.arrowedLine(canvas, tail, tip, grey, width, cv2.LINE_AA, 4, head)
        pictures.append(_noisy(canvas, generator)[..., None])
    return task_of("arrows", pictures, np.arange(count) % len(angles), hidden(len(angles)))


def shapes(count: int, seed: int, side: int = 40) -> Task:
    """Discs, squares and triangles in any two colours."""
    generator = np.random.default_rng(seed)
    pictures = []
    for number in range(count):
        canvas = np.full((side, side, 3), generator.uniform(10, 60, 3), dtype=np.float32)
        colour = tuple(generator.uniform(130, 240, 3).tolist())
        centre, radius = generator.uniform(0.4, 0.6, 2) * side, generator.uniform(0.18, 0.3) * side
        if number % 3 == 0:
            cv2.circle(canvas, tuple(int(x * 16) for x in centre), int(radius * 16), colour, -1, cv2.LINE_AA, 4)
        elif number % 3 == 1:
            low, high = (tuple(int(x) for x in corner) for corner in (centre - radius, centre + radius))
            cv2.rectangle(canvas, low, high, colour, -1)
        else:
            angles = np.deg2rad([90, 210, 330])
            corners = centre + 1.2 * radius * np.stack([np.cos(angles), -np.sin(angles)], 1)
            cv2.fillPoly(canvas, [np.round(corners * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)
        pictures.append(_noisy(canvas, generator))
    return task_of("shapes", pictures, np.arange(count) % 3, ["disc", "square", "triangle"])


def sizes(count: int, seed: int, side: int = 40) -> Task:
    """Small discs and large ones; the names of the classes tell nothing."""
    generator = np.random.default_rng(seed)
    pictures = []
    for number in range(count):
        canvas = np.full((side, side), generator.uniform(10, 60), dtype=np.float32)
        radius = (generator.uniform(0.09, 0.14) if number % 2 else generator.uniform(0.2, 0.3)) * side
        centre = tuple(int(x * 16) for x in generator.uniform(0.4, 0.6, 2) * side)
        cv2.circle(canvas, centre, int(radius * 16), generator.uniform(140, 230), -1, cv2.LINE_AA, 4)
        pictures.append(_noisy(canvas, generator)[..., None])
    return task_of("sizes", pictures, np.arange(count) % 2, hidden(2))


def _noisy(canvas: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.clip(canvas + generator.normal(0, 8, canvas.shape), 0, 255).astype(np.uint8)


def chirps(count: int, seed: int) -> Task:
    """Rising tones and falling ones, 1 s at 8 kHz; the names of the classes tell nothing."""
    generator = np.random.default_rng(seed)
    time = np.arange(8000) / 8000
    waves = []
    for number in range(count):
        low, high = generator.uniform(300, 700), generator.uniform(1000, 2200)
        first, last = (high, low) if number % 2 else (low, high)
        length = generator.uniform(0.5, 0.9)
        begin = generator.uniform(0, 1 - length)
        since = time - begin
        phase = 2 * np.pi * (first * since + (last - first) * since**2 / 2 / length) + generator.uniform(0, 6)
        envelope = np.sqrt(np.sin(np.pi * np.clip(since / length, 0, 1)).clip(0))
        wave = np.sin(phase) * envelope * generator.uniform(0.2, 0.6) + generator.normal(0, 0.01, len(time))
        waves.append(wave.astype(np.float32)[None])
    return task_of("chirps", waves, np.arange(count) % 2, hidden(2), "audio")


_THINGS = "the film,this book,the service,our room,the food,that phone,the concert,her speech,the hotel,the new album"
_PRAISE = "good great pleasant useful lovely exciting friendly clever fresh reliable"
_TAILS = (
    "and we told our friends about it,as the critics wrote last week,which we saw on Monday,"
    "said my brother after dinner,though the weather was cold,when we visited in spring,"
    "and it cost us twenty euros,before the second half began"
)


def reviews(count: int, seed: int) -> Task:
    """Sentences of praise, and the same with "not"; the names of the classes tell nothing."""
    generator = np.random.default_rng(seed)

    def one_of(words: str, mark: str = " ") -> str:
        choices = words.split(mark)
        return choices[int(generator.integers(len(choices)))]

    texts = []
    for number in range(count):
        degree = one_of("really very quite rather truly")
        verb = "was not" if number % 2 else "was"
        texts.append(f"{one_of(_THINGS, ',')} {verb} {degree} {one_of(_PRAISE)} {one_of(_TAILS, ',')}.".capitalize())
    return task_of("reviews", texts, np.arange(count) % 2, hidden(2), "text")
