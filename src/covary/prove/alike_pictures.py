"""Pictures that are one picture: encoded, scaled or slightly cropped anew.

Candidates come from a fingerprint of 63 bits (signs of low frequencies of the cosine transform, Zauner 2010), which
similar pictures share as well; a candidate counts only if the fine detail agrees all over the picture, which that of
two photographs of similar things does not. Drawings with little detail have to agree much better.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from covary.prove.duplicates import Pairs

Floats = NDArray[np.float32]

TINY = 24  # px: below, a picture has too few pixels for its detail to prove anything
NEAREST = 8  # candidates for each picture
BITS_APART = 20  # of 63 at which two fingerprints may still belong to one picture; strangers differ in 31.5 +- 4
SAME = 0.9  # correlation of all detail
SAME_PLAIN = 0.99  # the same for pictures whose detail may agree by chance, such as upright strokes
SAME_CELL, SAME_CELLS = 0.7, 0.8  # correlation of a cell's detail, and in how many cells it has to be reached
CELLS = 8  # cells in a row
FLAT = 0.012  # standard deviation of detail, of full range, below which a cell proves nothing
RICH = 40  # independent frequencies from which on detail does not agree by chance
# Share of cells with detail that a picture needs to be found under a crop: a drawing on plain ground has less.
FILLED = 0.7
INDIVIDUAL = 0.6  # see `_individuality`
SMALLEST = 0.75  # side of a crop, of the whole picture
SLANT, LOOSE = 0.03, 0.02  # how far a found motion may be off that of a crop
COMMON = 3  # other pictures, on average, that a picture agrees with when moved, above which agreeing is commonplace
COLOURS_APART = 0.08  # of full range, in what the mean of a channel differs from grey
TINY_APART = 0.06  # root mean square, of the standard deviation of the picture


def alike_pictures(pictures: Sequence[NDArray[Any]]) -> Pairs:
    """(P, 2) pairs of places of pictures (H, W, C) that are near-duplicates."""
    sides = np.array([min(picture.shape[:2]) for picture in pictures])
    tiny = np.flatnonzero(sides < TINY)
    large = np.flatnonzero(sides >= TINY)
    found = []
    if len(tiny) > 1:
        found.append(tiny[_alike_tiny([pictures[i] for i in tiny.tolist()])])
    if len(large) > 1:
        side = 64 if np.median(sides[large]) >= 48 else 32
        found.append(large[_alike_large([pictures[i] for i in large.tolist()], side)])
    return np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)


def _alike_tiny(pictures: Sequence[NDArray[Any]]) -> Pairs:
    """Tiny pictures are alike if they are of one size and nearly all their pixels agree."""
    found = []
    shapes = sorted({picture.shape for picture in pictures})
    for shape in shapes:
        places = np.array([i for i, picture in enumerate(pictures) if picture.shape == shape])
        flat = np.stack([_full_range(pictures[i]).ravel() for i in places.tolist()])
        spread = flat.std(1)
        squares = np.square(flat).sum(1)
        for start in range(0, len(flat), 1024):
            rows = slice(start, start + 1024)
            apart = squares[rows, None] + squares - 2 * (flat[rows] @ flat.T)
            limit = (TINY_APART * np.minimum(spread[rows, None], spread)) ** 2 * flat.shape[1]
            found.append(places[_upper(np.argwhere(apart <= limit) + np.array([start, 0]))])
    return np.concatenate(found)


def _upper(pairs: Pairs) -> Pairs:
    return pairs[pairs[:, 0] < pairs[:, 1]]


def _alike_large(pictures: Sequence[NDArray[Any]], side: int) -> Pairs:
    thumbs = np.stack([_thumb(picture, side) for picture in pictures])
    colours = np.stack([_colour(picture) for picture in pictures])
    pairs = _candidates(_fingerprints(thumbs))
    details = np.stack([_detail(thumb) for thumb in thumbs])
    flat = details.reshape(len(details), -1)
    alike = _correlation(flat[pairs[:, 0]], flat[pairs[:, 1]])
    individual = np.bool_(_individuality(pairs, alike, len(pictures)) >= INDIVIDUAL)
    same = np.abs(colours[pairs[:, 0]] - colours[pairs[:, 1]]).max(1, initial=0) <= COLOURS_APART
    pairs, alike = pairs[same], alike[same]
    rich = individual & np.array([_rich(detail) for detail in details], dtype=bool)[pairs].all(1)
    filled = np.array([_filled(_detail(_softened(thumb))) >= FILLED for thumb in thumbs], dtype=bool)
    equal = _held(
        _agree(details[i], details[j], SAME if detailed else SAME_PLAIN)
        for (i, j), detailed in zip(pairs.tolist(), rich.tolist(), strict=True)
    )
    # At a low resolution an outline can be moved onto many another one.
    tried = rich & filled[pairs].all(1) & ~equal & (side >= 64)
    moved = np.zeros(len(pairs), dtype=bool)
    moved[tried] = _held(_agree_when_moved(thumbs[i], thumbs[j]) for i, j in pairs[tried].tolist())
    # Where a picture can be brought to agree with many, they are drawings of a few kinds, and that proves nothing.
    if moved.any() and 2 * moved.sum() > COMMON * len(np.unique(pairs[moved])):
        moved[:] = False
    chosen: Pairs = pairs[equal | moved]
    return chosen


def _held(answers: Iterable[bool]) -> NDArray[np.bool_]:
    return np.fromiter(answers, dtype=bool)


def _individuality(pairs: Pairs, alike: Floats, count: int) -> float:
    """How much the detail of a typical picture differs from that of the last of its candidates, which is no duplicate.

    About 1 among photographs, near 0 among drawings that differ in a few numbers. Duplicates of photographs stand out;
    among such drawings a close match says little.
    """
    own = np.concatenate([pairs[:, 0], pairs[:, 1]])
    apart = 1 - np.concatenate([alike, alike])
    order = np.lexsort((apart, own))
    own, apart = own[order], apart[order]
    starts = np.searchsorted(own, np.arange(count))
    amounts = np.searchsorted(own, np.arange(count), side="right") - starts
    last = np.ones(count)
    many = amounts >= NEAREST
    last[many] = apart[starts[many] + NEAREST - 1]
    return float(np.median(last))


def _full_range(picture: NDArray[Any]) -> Floats:
    scale = 1 if picture.dtype == np.float32 else 1 / np.iinfo(picture.dtype).max
    return picture.astype(np.float32) * np.float32(scale)


def _thumb(picture: NDArray[Any], side: int) -> Floats:
    """The grey picture fitted into a square, blurred as little as shrinking does."""
    import cv2

    shrinks = min(picture.shape[:2]) >= side
    small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    grey: Floats = _full_range(small.reshape(side, side, -1)).mean(2, dtype=np.float32)
    return grey


def _colour(picture: NDArray[Any]) -> Floats:
    """What the means of three channels differ from grey; nothing in a grey picture."""
    mean = _full_range(picture.reshape(-1, picture.shape[2]).mean(0, keepdims=True).astype(picture.dtype))[0]
    return mean[:3] - mean[:3].mean() if len(mean) >= 3 else np.zeros(3, dtype=np.float32)


def _fingerprints(thumbs: Floats) -> NDArray[np.float32]:
    """(N, 63) signs: which low frequencies are above what is usual in these pictures."""
    import cv2

    low = np.stack([cv2.dct(cv2.resize(thumb, (32, 32), interpolation=cv2.INTER_AREA))[:8, :8] for thumb in thumbs])
    low = low.reshape(len(thumbs), -1)[:, 1:]
    # What all pictures share, such as the lungs of all X-rays, tells none apart; a few pictures know nothing of that.
    usual = np.median(low, axis=0) if len(low) >= 30 else np.float32(0)
    return np.where(low > usual, np.float32(1), np.float32(-1))


def _candidates(prints: Floats) -> Pairs:
    """(P, 2) each picture with those nearest to it by fingerprint, each pair once, in order."""
    bits = prints.shape[1]
    found = []
    for start in range(0, len(prints), 1024):
        apart = (bits - prints[start : start + 1024] @ prints.T) / 2
        apart[np.arange(len(apart)), np.arange(start, start + len(apart))] = np.inf
        near = np.argsort(apart, axis=1, kind="stable")[:, :NEAREST]
        rows = np.repeat(np.arange(start, start + len(apart)), near.shape[1])
        pairs = np.stack([rows, near.ravel()], 1)
        found.append(pairs[np.take_along_axis(apart, near, 1).ravel() <= BITS_APART])
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _detail(thumb: Floats) -> Floats:
    """What is finer than a cell."""
    import cv2

    detail: Floats = thumb - cv2.GaussianBlur(thumb, (0, 0), len(thumb) / CELLS / 2)
    return detail


def _cells(detail: Floats) -> Floats:
    """(CELLS * CELLS, pixels of a cell)"""
    size = len(detail) // CELLS
    return detail.reshape(CELLS, size, CELLS, size).swapaxes(1, 2).reshape(CELLS * CELLS, size * size)


def _rich(detail: Floats) -> bool:
    """Whether detail is spread over many frequencies: (sum)^2 / sum of squares of its power."""
    power = np.square(np.abs(np.fft.rfft2(detail.astype(np.float64))))
    return bool(power.sum() ** 2 >= RICH * np.square(power).sum() > 0)


def _filled(detail: Floats) -> float:
    """The share of cells with detail."""
    return float((_cells(detail).std(1) > FLAT).mean())


def _agree(a: Floats, b: Floats, same: float, flat: float = 2 * FLAT) -> bool:
    """Whether two pictures have the same detail, as a whole and in nearly each cell that has some."""
    cells, others = _cells(a), _cells(b)
    telling = np.maximum(cells.std(1), others.std(1)) > flat
    if not telling.any():
        return False
    if _correlation(a.ravel(), b.ravel()) < same:
        return False
    return bool((_correlation(cells[telling], others[telling]) >= SAME_CELL).mean() >= SAME_CELLS)


def _correlation(a: Floats, b: Floats) -> Any:
    a, b = a - a.mean(-1, keepdims=True), b - b.mean(-1, keepdims=True)
    scale = np.sqrt(np.square(a).sum(-1) * np.square(b).sum(-1))
    return (a * b).sum(-1) / np.maximum(scale, 1e-12)


def _agree_when_moved(a: Floats, b: Floats) -> bool:
    """Whether one picture is a slight crop of the other: found by maximising the correlation (Evangelidis 2008)."""
    import cv2

    side = len(a)
    motion: Any = np.eye(2, 3, dtype=np.float32)
    for size, rounds in ((side // 2, 30), (side, 30)):
        level: Any = [cv2.resize(x, (size, size), interpolation=cv2.INTER_AREA) for x in (a, b)]
        stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, rounds, 1e-4)
        motion[:, 2] *= size / side
        try:
            match, motion = cv2.findTransformECC(
                level[0], level[1], motion, cv2.MOTION_AFFINE, stop, np.ones((size, size), np.uint8), 3
            )
        except cv2.error:  # no picture of the other: it does not converge
            return False
        motion[:, 2] *= side / size
        if match < 0.7:
            return False
    if not _is_crop(np.asarray(motion, dtype=np.float64), side):
        return False
    moved: Any = cv2.warpAffine(
        b, motion, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    seen = cv2.warpAffine(np.ones_like(b), motion, (side, side), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP) > 0
    # Softened, as interpolation has softened one of the two.
    return bool(seen.mean() > 0.6) and _agree(
        _detail(_softened(a)) * seen, _detail(_softened(moved)) * seen, SAME, FLAT
    )


def _is_crop(motion: NDArray[np.float64], side: int) -> bool:
    """Whether a motion (2, 3) shows a part of one picture as the whole of the other: a frame that lies within it.

    Drawings of the same thing at two places agree after a shift; a frame of a picture does not reach beyond its edges.
    """
    if np.abs(motion[[0, 1], [1, 0]]).max() > SLANT:
        return False
    zoom, shift = motion[[0, 1], [0, 1]], motion[:, 2] / side
    if zoom.prod() > 1:  # the other way about
        zoom, shift = 1 / zoom, -shift / zoom
    lies_within = (shift > -LOOSE) & (shift < 1 - zoom + LOOSE)
    return bool(((zoom > SMALLEST) & (zoom < 1 + LOOSE) & lies_within).all())


def _softened(thumb: Floats) -> Floats:
    import cv2

    return np.asarray(cv2.GaussianBlur(thumb, (0, 0), 0.8), dtype=np.float32)
