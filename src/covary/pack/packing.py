"""The run of a packing: samples made in threads, written in order, one shard after the other."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from covary.data.cache import bytes_of
from covary.data.dataset import Dataset, SampleError
from covary.data.folder import Problem
from covary.data.shard_writing import INDEX_NAME, write_shard
from covary.draws.keys import key_numbers
from covary.expand.errors import ExpandError
from covary.expand.files import locked, place, write_temporary
from covary.expand.progress import Progress, progress_of
from covary.expand.report import printable
from covary.pack.index import PackedShard, finished_shards, index_text, problems_of, settings_of
from covary.pack.packed import packed, size_of, stems
from covary.pack.report import PackReport
from covary.pack.shrink import PACKED_FORMATS, Bounds, PackedFormat
from covary.pipeline import usable_cores

OnError: TypeAlias = Literal["skip", "raise"]

SHARD_SIZE = 256_000_000
"""Bytes of a shard, unless told otherwise: large enough to be read at the disk's speed, small enough to be moved."""
_AHEAD = 4  # samples made ahead of the writer, per thread


def pack(
    source: Any,
    out: str | os.PathLike[str],
    *,
    side: int | None = 512,
    shard_size: int | str = SHARD_SIZE,
    per_shard: int | None = None,
    format: PackedFormat = "same",
    quality: int = 95,
    shuffle: bool = True,
    split: str | None = None,
    workers: int | None = None,
    on_error: OnError = "skip",
    progress: bool | None = False,
) -> PackReport:
    """Shrink a data set once, and write it as WebDataset shards.

    Training that crops 224 pixels out of 12-megapixel photographs spends its time on decoding them, in every epoch
    anew. A packed data set has pictures of a bounded size in a few large files; masks, boxes, regions and keypoints are
    scaled along, labels and other columns kept. `covary.data.WebDataset` and the webdataset library read it. Samples
    keep their keys: an augmentation draws for a packed picture what it draws for the original.

    Each part of the data (train, val ...) has shards of its own: `train-000000.tar` ... `index.json` beside them names
    the classes. Every shard is written under a temporary name and renamed; after an interruption the same call goes on
    with the next one, and gives the same bytes as an undisturbed run.

    Args:
        source: a path or anything else that `covary.data.open_dataset` takes, or a `Dataset`.
        out: folder to write to.
        side: most pixels of a picture's shorter side, from 1. Larger ones are shrunk, each pixel the mean of the area
            that it stands for; none is enlarged. None leaves all sizes. Pictures that need no change are copied byte
            for byte.
        shard_size: most bytes of a shard, as a number or as "500MB"; a single larger sample has one of its own.
        per_shard: most samples of a shard, from 1. Default: as many as its size allows.
        format: of the pictures: "same" as the source's, "jpeg", "png" or "webp".
        quality: 1 to 100, for JPEG and WebP (100: lossless).
        shuffle: mix the samples, by a hash of their keys: what reads shards from front to back meets all classes.
            False keeps the data set's order.
        split: only this part of the data.
        workers: threads; None uses every core that the process may use.
        on_error: what a sample that cannot be used does: "skip" it and go on, or "raise".
        progress: None shows a bar on a terminal and plain lines elsewhere; False nothing.

    Returns:
        What was done, and what was skipped and why.

    Raises:
        ExpandError: it cannot begin (another run is at work, the folder holds another packing) or not go on (the disk
            is full; a bad sample under on_error="raise"). Finished shards are kept.
        ValueError: an argument is out of its range, or the source is no data set.
        OSError: the source cannot be listed.
    """
    size = bytes_of(shard_size) if isinstance(shard_size, str) else shard_size
    if size is None:
        raise ValueError(f'pack: shard_size={shard_size!r}; allowed: a number of bytes, or a size as "500MB"')
    _check(side, size, per_shard, format, quality, workers, on_error)
    target = Path(out)
    if isinstance(source, str | os.PathLike):
        here, there = Path(os.path.realpath(target)), Path(os.path.realpath(source))
        if there == here or there in here.parents:
            raise ExpandError(
                f"{out}: the output lies inside the source, whose part it would be; choose another folder"
            )
    dataset = _opened(source, split)
    bounds = Bounds(side, format, quality)
    options = {"side": side, "format": format, "quality": quality}
    settings = settings_of(dataset, {**options, "shard_size": size, "per_shard": per_shard, "shuffle": bool(shuffle)})
    limits = _Limits(size, per_shard or len(dataset))
    try:
        target.mkdir(parents=True, exist_ok=True)
        with locked(target) as temporary, progress_of("covary pack", len(dataset), progress) as shown:
            run = _Run(dataset, target, temporary, bounds, limits, settings, on_error, shown)
            return run.carry_out(workers or usable_cores())
    except OSError as error:
        raise ExpandError(
            f"{error.filename or target}: {error.strerror or error}; stopped, run the same command again to go on"
        ) from error


def _check(
    side: int | None,
    shard_size: int,
    per_shard: int | None,
    format: str,
    quality: int,
    workers: int | None,
    on_error: str,
) -> None:
    for name, value, choices in (("format", format, PACKED_FORMATS), ("on_error", on_error, get_args(OnError))):
        if value not in choices:
            raise ValueError(f"pack: {name}={value!r}; allowed: {', '.join(choices)}")
    counts = (("side", side), ("shard_size", shard_size), ("per_shard", per_shard), ("workers", workers))
    for name, number in counts:
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
            raise ValueError(f"pack: {name}={number!r}; allowed: a whole number, 1 or more")
    if not 1 <= quality <= 100:
        raise ValueError(f"pack: quality={quality}; allowed: 1 to 100")


def _opened(source: Any, split: str | None) -> Dataset:
    if isinstance(source, Dataset) and split is None:
        dataset = source
    else:
        from covary.data import open_dataset

        dataset = open_dataset(source, split=split)
    if not len(dataset):
        raise ValueError(f"pack: {source}: no samples there")
    return dataset


@dataclass(frozen=True, slots=True)
class _Limits:
    """Where a shard ends."""

    bytes: int
    samples: int


@dataclass(frozen=True, slots=True)
class _Made:
    """A sample's files and their size in a shard, or why there are none."""

    key: str
    files: dict[str, Any]
    size: int
    reason: str = ""


class _Stream:
    """Samples of one split, made ahead in threads and taken in order."""

    def __init__(self, pool: ThreadPoolExecutor, make: Callable[[int], _Made], ahead: int) -> None:
        self._pool = pool
        self._make = make
        self._ahead = ahead
        self._coming: deque[Future[_Made]] = deque()
        self._samples: Sequence[int] = ()
        self.position = 0

    def start(self, samples: Sequence[int], first: int) -> None:
        """Go on at a sample; what was made for another place is dropped."""
        if samples is not self._samples or first != self.position:
            for future in self._coming:
                future.cancel()
            self._coming.clear()
            self._samples, self.position = samples, first

    def next(self, end: int) -> _Made | None:
        """The sample at this position; None at the end."""
        if self.position >= end:
            return None
        begun = self.position + len(self._coming)
        for index in self._samples[begun : self.position + self._ahead]:
            self._coming.append(self._pool.submit(self._make, index))
        return self._coming[0].result()

    def take(self) -> None:
        """Go on to the next sample."""
        self._coming.popleft()
        self.position += 1


class _Run:
    """One run on one output folder; its methods are called by one thread."""

    def __init__(
        self,
        dataset: Dataset,
        out: Path,
        temporary: Path,
        bounds: Bounds,
        limits: _Limits,
        settings: dict[str, Any],
        on_error: OnError,
        shown: Progress,
    ) -> None:
        self._dataset = dataset
        self._out = out
        self._temporary = temporary
        self._bounds = bounds
        self._limits = limits
        self._settings = settings
        self._on_error = on_error
        self._shown = shown
        self._stems = stems(dataset.keys)
        self._begun = (out / INDEX_NAME).exists()
        self._finished = {shard.name: shard for shard in finished_shards(out, settings)}
        self._shards: list[PackedShard] = []
        self._skipped: list[tuple[str, str]] = []  # of splits of which no sample is left
        self._made = 0

    def carry_out(self, workers: int) -> PackReport:
        """Do all that is to be done."""
        pool = ThreadPoolExecutor(workers, thread_name_prefix="covary-pack")
        try:
            stream = _Stream(pool, self._sample, _AHEAD * workers)
            for split, samples in self._parts():
                self._pack_split(split, samples, stream)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        used = {shard.name for shard in self._shards}
        for name in self._finished.keys() - used:
            (self._out / name).unlink(missing_ok=True)
        self._finished = {}
        self._write_index(complete=True)
        problems = (*problems_of(self._shards), *(Problem(key, reason) for key, reason in self._skipped))
        kept, size = sum(shard.samples for shard in self._shards), sum(shard.bytes for shard in self._shards)
        return PackReport(kept, len(self._shards), self._made, size, problems)

    def _parts(self) -> Iterator[tuple[str, Sequence[int]]]:
        """The samples of each split, in the order in which they are written."""
        order = np.arange(len(self._dataset))
        if self._settings["shuffle"]:
            order = np.argsort(key_numbers(f"pack\0{key}" for key in self._dataset.keys), kind="stable")
        splits = self._dataset.splits
        if splits is None:
            yield "", order.tolist()
            return
        for split in sorted(set(splits)):
            yield split, [index for index in order.tolist() if splits[index] == split]

    def _pack_split(self, split: str, samples: Sequence[int], stream: _Stream) -> None:
        first = 0
        for number in count():
            if first == len(samples):
                return
            name = f"{shard_prefix(split)}-{number:06}.tar"
            shard = self._finished.get(name)
            if shard is not None and (shard.first, shard.split) != (first, split):
                shard = None
            if shard is not None and self._is_there(shard):
                self._shown.spared(shard.taken)
            else:
                stream.start(samples, first)
                shard = self._make(name, split, first, len(samples) if shard is None else first + shard.taken, stream)
                if not shard.samples:
                    self._skipped += shard.skipped
                    return
            self._shards.append(shard)
            first += shard.taken
            if self._made:
                self._write_index(complete=False)

    def _is_there(self, shard: PackedShard) -> bool:
        try:
            return (self._out / shard.name).stat().st_size == shard.bytes
        except OSError:
            return False

    def _make(self, name: str, split: str, first: int, end: int, stream: _Stream) -> PackedShard:
        """Write one shard: the samples from the stream's position on, up to its limits or the end."""
        final = self._out / name
        if not self._begun and final.exists():
            raise ExpandError(f"{final} is in the way: covary did not make it, and leaves it alone")
        skipped: list[tuple[str, str]] = []
        temporary = self._temporary / name
        with temporary.open("wb") as file:
            samples = write_shard(file, self._filling(stream, end, skipped))
        size = temporary.stat().st_size if samples else 0
        if samples:
            if not self._made:
                self._write_index(complete=False)  # a shard without an index would be taken for another's
            place(temporary, final)
            self._made += 1
        return PackedShard(name, split, first, stream.position - first, samples, size, tuple(skipped))

    def _filling(self, stream: _Stream, end: int, skipped: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
        """The samples of one shard; those that cannot be used are noted."""
        taken, size = 0, 0
        while (made := stream.next(end)) is not None:
            if made.reason:
                if self._on_error == "raise":
                    raise ExpandError(f"{printable(made.key)}: {made.reason}")
                skipped.append((made.key, made.reason))
                self._shown.spared(1)
            elif taken and (taken == self._limits.samples or size + made.size > self._limits.bytes):
                return
            else:
                yield made.files
                taken += 1
                size += made.size
                self._shown.made(1)
            stream.take()

    def _sample(self, index: int) -> _Made:
        """Make one sample; it runs in any thread."""
        key = str(self._dataset.keys[index])
        try:
            files = packed(self._dataset, index, self._stems[index], self._bounds)
            return _Made(key, files, size_of(files))
        except SampleError as error:
            return _Made(key, {}, 0, error.reason)
        except OSError as error:
            return _Made(key, {}, 0, f"it cannot be read: {error.strerror or error}")
        except ValueError as error:
            return _Made(key, {}, 0, str(error))
        except Exception as error:  # one odd file must not end the run
            return _Made(key, {}, 0, f"{type(error).__name__}: {error}")

    def _write_index(self, *, complete: bool) -> None:
        known = {shard.name for shard in self._shards}
        shards = [*self._shards, *(shard for name, shard in self._finished.items() if name not in known)]
        text = index_text(self._dataset, self._settings, shards, complete)
        place(write_temporary(self._temporary, text.encode()), self._out / INDEX_NAME)


def shard_prefix(split: str) -> str:
    """How the names of a split's shards begin."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", split) or "data"
