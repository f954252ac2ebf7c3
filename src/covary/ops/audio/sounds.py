"""Sounds to mix in and to convolve with: from a folder, files or arrays; decoded once for all processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.ops.audio.shelf import Shelf
from covary.plan.audio import Wave
from covary.waves import as_wave, to_float

SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".w64", ".caf"}
)
_LARGEST_BANK = 2**30  # bytes of decoded sounds; collections beyond are read from their files part by part
_MOST_OPEN = 64  # collections by path
_CONTEXT = 0.05  # seconds about a part that is read for itself, for the resampler

Source: TypeAlias = "str | Path | Sounds | Sequence[Any]"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One sound: where it is, its length in samples, its rate and channels."""

    name: str
    length: int
    rate: int
    channels: int
    wave: Wave | None = None


class Sounds:
    """A collection of sounds, each at its own rate and number of channels.

    A collection from files reads their headers when it is made. When a sound is first asked for at some rate, all are
    decoded and resampled into memory that forked processes and those that get the collection by pickle share (see
    `covary.ops.audio.shelf`); no file is written. Collections of more than 1 GiB are read from their files part by part
    instead.

    Args:
        source: a folder (searched with all folders in it), a file, or a list of files; or a list of arrays (samples,)
            or (channels, samples), float32, float64, int16 or int32.
        rate: samples per second of the arrays: one for all, or one for each. For arrays only.

    Raises:
        ValueError: nothing to read, a file that is no sound, or arrays without a rate.
        FileNotFoundError: a path that leads nowhere.
    """

    def __init__(self, source: str | Path | Sequence[Any], rate: int | Sequence[int] | None = None) -> None:
        if isinstance(source, (str, Path)):
            source = _files(Path(source))
        if len(source) == 0:
            raise ValueError("an empty list; at least one sound is needed")
        if all(isinstance(item, (str, Path)) for item in source):
            if rate is not None:
                raise ValueError(f"rate is {rate!r}; files have rates of their own")
            self._entries = tuple(_header(Path(item)) for item in source)
        else:
            self._entries = _given(source, rate)
        self._shelf = Shelf()
        self._banks: dict[int, tuple[NDArray[np.float32], NDArray[np.int64]] | None] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __getstate__(self) -> Mapping[str, Any]:
        return {"_entries": self._entries, "_shelf": self._shelf}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self._entries, self._shelf = state["_entries"], state["_shelf"]
        self._banks = {}

    def length(self, index: int, rate: int) -> int:
        """Samples of a sound at a rate."""
        entry = self._entries[index]
        return -(-entry.length * rate // entry.rate)

    def whole(self, index: int, rate: int) -> Wave:
        """A sound at a rate, (channels, samples), read-only."""
        bank = self._bank(rate)
        if bank is None:
            return _resampled(self._entries[index], rate)
        values, starts = bank
        channels = self._entries[index].channels
        return values[starts[index] : starts[index + 1]].reshape(channels, -1)

    def part(self, index: int, rate: int, place: float, length: int) -> Wave:
        """`length` samples of a sound at a rate, as a new array; shorter sounds are played again and again.

        Args:
            index: of the sound.
            rate: samples per second.
            place: where it begins, in [0, 1): of what leaves room for the length, or of the whole of shorter sounds.
            length: in samples.
        """
        from covary.render.buffers import empty

        there = self.length(index, rate)
        entry = self._entries[index]
        if there == 0 or length == 0:
            return np.zeros((entry.channels, length), dtype=np.float32)
        if length <= there:
            start = int(place * (there - length + 1))
            if self._bank(rate) is None and entry.wave is None:
                return _read_part(entry, rate, start, length)
            made: Wave = empty((entry.channels, length), np.float32)
            made[...] = self.whole(index, rate)[:, start : start + length]
            return made
        return np.take(self.whole(index, rate), np.arange(length) + int(place * there), axis=1, mode="wrap")

    def _bank(self, rate: int) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
        """All sounds at a rate, one after the other, and where each begins; None for collections too large for that."""
        if rate not in self._banks:
            sizes = [entry.channels * self.length(index, rate) for index, entry in enumerate(self._entries)]
            starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
            count = int(starts[-1])
            if count * 4 > _LARGEST_BANK:
                self._banks[rate] = None
            else:
                values = self._shelf.array(self._fingerprint(rate), count, lambda room: self._fill(room, starts, rate))
                self._banks[rate] = values, starts
        return self._banks[rate]

    def _fill(self, values: NDArray[np.float32], starts: NDArray[np.int64], rate: int) -> None:
        for index, entry in enumerate(self._entries):
            values[starts[index] : starts[index + 1]] = _resampled(entry, rate).ravel()

    def _fingerprint(self, rate: int) -> str:
        """Of the rate, and of the files as they are now: another size or time makes another bank."""
        made = blake2b(f"{rate}".encode(), digest_size=16)
        for entry in self._entries:
            made.update(f"\0{entry.name}\0{entry.length}\0{entry.rate}\0{entry.channels}".encode())
            if entry.wave is None:
                status = Path(entry.name).stat()
                made.update(f"\0{status.st_size}\0{status.st_mtime_ns}".encode())
        return made.hexdigest()


def open_sounds(source: Source) -> Sounds:
    """The collection behind an operation's argument; a folder that several operations name is indexed once.

    Raises:
        ValueError: see `Sounds`, or a path leads nowhere.
    """
    if isinstance(source, Sounds):
        return source
    try:
        if isinstance(source, (str, Path)):
            return _opened((str(source),), True)
        return _opened(tuple(str(item) for item in source), False)
    except FileNotFoundError as error:
        raise ValueError(f"sounds: {error}") from None


@lru_cache(maxsize=_MOST_OPEN)
def _opened(paths: tuple[str, ...], folder: bool) -> Sounds:
    made = Sounds(paths[0] if folder else paths)
    made._shelf = shelf_of(paths)
    return made


def shelf_of(paths: tuple[str, ...]) -> Shelf:
    """Where the sounds of some paths are shared. It is there before they are read, so that processes which begin
    meanwhile share it."""
    known = _shelves.get(paths)
    if known is None:
        known = Shelf()
        adopt_shelf(paths, known)
    return known


def adopt_shelf(paths: tuple[str, ...], shelf: Shelf) -> None:
    """Use another process's shelf for the sounds of some paths, unless there is one already."""
    while len(_shelves) >= _MOST_OPEN:
        _shelves.pop(next(iter(_shelves)), None)
    _shelves.setdefault(paths, shelf)


_shelves: dict[tuple[str, ...], Shelf] = {}


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        if not found:
            raise ValueError(f"no sound in {path}; looked for {', '.join(sorted(SUFFIXES))}")
        return found
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}")
    return [path]


def _header(path: Path) -> _Entry:
    import soundfile

    if not path.exists():
        raise FileNotFoundError(f"there is no {path}")
    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise ValueError(f"{path} is no sound that can be read: {error}") from None
    return _Entry(str(path), info.frames, info.samplerate, info.channels)


def _given(source: Sequence[Any], rate: int | Sequence[int] | None) -> tuple[_Entry, ...]:
    if rate is None:
        raise ValueError("arrays need their rate: Sounds(arrays, rate)")
    rates = [rate] * len(source) if isinstance(rate, (int, np.integer)) else list(rate)
    if len(rates) != len(source) or any(each < 1 for each in rates):
        raise ValueError(f"rate is {rate!r}; allowed: one for all, or one for each of the {len(source)} arrays")
    entries = []
    for index, (item, each) in enumerate(zip(source, rates, strict=True)):
        wave = to_float(as_wave(item, f"source[{index}]")).copy()
        entries.append(_Entry(f"array {index}", wave.shape[1], int(each), wave.shape[0], wave))
    return tuple(entries)


def _read(entry: _Entry, start: int = 0, stop: int | None = None) -> Wave:
    import soundfile

    if entry.wave is not None:
        return entry.wave[:, start:stop]
    try:
        values, _ = soundfile.read(entry.name, start=start, stop=stop, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise ValueError(f"{entry.name} cannot be read: {error}") from None
    made: Wave = np.ascontiguousarray(values.T)
    return made


def _resampled(entry: _Entry, rate: int) -> Wave:
    return _at_rate(_fitted(_read(entry), entry.length), entry.rate, rate, -(-entry.length * rate // entry.rate))


def _fitted(wave: Wave, length: int) -> Wave:
    """The wave at the length that its header promised."""
    if wave.shape[1] == length:
        return wave
    made = np.zeros((wave.shape[0], length), dtype=np.float32)
    made[:, : wave.shape[1]] = wave[:, :length]
    return made


def _at_rate(wave: Wave, rate: int, wanted: int, length: int) -> Wave:
    if rate == wanted:
        return _fitted(wave, length)
    import soxr

    rows = [soxr.resample(np.ascontiguousarray(row), rate, wanted, quality="HQ") for row in wave]
    return _fitted(np.stack(rows).astype(np.float32, copy=False), length)


def _read_part(entry: _Entry, rate: int, start: int, length: int) -> Wave:
    """A part of a file, read with a little about it for the resampler."""
    context = round(_CONTEXT * entry.rate) if rate != entry.rate else 0
    first = max(0, start * entry.rate // rate - context)
    last = min(entry.length, -(-(start + length) * entry.rate // rate) + context)
    if rate == entry.rate:
        return _fitted(_read(entry, first, last), length)
    # The part begins on a whole sample of the file, which lies this much before a sample of the result.
    before = start - -(-first * rate // entry.rate)
    wave = _read(entry, first, last)
    made = _at_rate(wave, entry.rate, rate, -(-wave.shape[1] * rate // entry.rate))
    return _fitted(made[:, max(before, 0) :], length)
