"""Audio files: read whole or in part, and folders of them as data sets."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from covary.data.dataset import Sample, SampleError
from covary.data.folder import read_folder
from covary.data.folder_dataset import FolderDataset

AUDIO_ENDINGS = frozenset(
    (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64", ".rf64")
)
"""Endings (lower case) of files that can be read."""

Audio: TypeAlias = NDArray[np.float32]


class AudioError(ValueError):
    """An audio file that cannot be read; the message names it."""


class AudioFolder(FolderDataset):
    """Audio files in folders named by their classes: `dog/12.wav`, or `train/dog/12.wav`.

    Folders named train, val, test and alike on the first level are parts of the data, as in `ImageFolder`. A sample's
    key is its path relative to the root.

    Args:
        root: the folder.
        classes: names of the classes in the order of their numbers; those that occur, sorted, by default.
        splits: whether the folders of the first level are parts of the data; None finds out.

    Samples: `audio`, float32 (channels, samples); `rate`, in Hz; `label` where there are class folders.

    Attributes:
        problems: folders that could not be listed, and audio files that are no regular files.

    Raises:
        NotADirectoryError: `root` is no folder.
        ValueError: there is no audio, or a folder is none of `classes`.
    """

    def __init__(
        self, root: str | os.PathLike[str], *, classes: Sequence[str] | None = None, splits: bool | None = None
    ) -> None:
        listing = read_folder(root, endings=AUDIO_ENDINGS)
        names = [item.name for item in listing.items]
        if not names:
            raise ValueError(f"{listing.root}: no audio files (wav, flac, ogg, opus, mp3, aiff, au, caf) in it")
        super().__init__(listing, names, classes, splits)

    def stored(self, index: int) -> Sample:
        """As `read`, but a sound stays in its file where a part of it can be read."""
        return FolderDataset.read(self, index)

    def read(self, index: int) -> Sample:
        """The audio of a file, its rate, and its class."""
        return heard(self.stored(index), self.keys[index])

    def sound(self, index: int) -> StoredSound:
        """The file of a sample, not decoded."""
        return self._sound(str(self.keys[index]))

    def clean(self, index: int) -> None:
        """Folders hold no clean sounds beside others."""

    def content(self, key: str) -> Sample:
        """The audio and its rate."""
        return left_or_read(self._sound(key), None, key)

    def _sound(self, key: str) -> StoredSound:
        try:
            return open_sound(os.path.join(self.root, key))  # noqa: PTH118
        except AudioError as error:
            raise SampleError(key, str(error)) from None


@dataclass(frozen=True, slots=True, eq=False)
class StoredSound:
    """A sound that is still in its file. Pipelines take it in place of an array, and read of it what they use.

    Attributes:
        source: path of the file, or its bytes.
        name: what to call it in messages.
        rate: in Hz.
        channels: their number.
        first, length: samples of the file before it, and samples in it.
        format, subtype: of the file, as soundfile names them.
        exact: whether the file says for certain how long it is, and any part of it can be read by itself.
    """

    source: str | bytes
    name: str
    rate: int
    channels: int
    first: int
    length: int
    format: str
    subtype: str
    exact: bool

    def read(self, start: int = 0, stop: int | None = None) -> Audio:
        """Decode a part: float32 (channels, samples), C-contiguous, full scale at -1 and 1; the same values as in the
        whole. Only that part is decoded where the file is `exact`; else all that is before it, too.

        Args:
            start, stop: the part, in samples; None: to the end.

        Raises:
            AudioError: it cannot be decoded, or holds fewer samples than it says.
            OSError: the file cannot be read.
        """
        import soundfile

        begin, end = self.first + start, self.first + (self.length if stop is None else min(stop, self.length))
        try:
            with soundfile.SoundFile(_opened(self.source)) as file:
                # Where nothing is to be skipped, too: MP3 decoders give other last digits behind a seek.
                if file.seekable():
                    file.seek(begin if self.exact else 0)
                samples = file.read(end - begin if self.exact else end, dtype="float32", always_2d=True)
                samples = samples if self.exact else samples[begin:]
        except soundfile.LibsndfileError as error:
            if isinstance(self.source, str):
                Path(self.source).open("rb").close()
            raise AudioError(f"{self.name}: {_reason(error)}") from None
        if self.exact and len(samples) < end - begin:
            raise AudioError(f"{self.name}: it ends after {begin + len(samples):,} samples, and says to have {end:,}")
        if not len(samples):
            raise AudioError(f"{self.name}: it holds no samples there")
        return np.ascontiguousarray(samples.T)


def open_sound(
    source: str | os.PathLike[str] | bytes,
    *,
    offset: float = 0.0,
    duration: float | None = None,
    name: str | None = None,
) -> StoredSound:
    """Look at an audio file, or a part of it, without decoding it.

    Args:
        source: path of the file, or its bytes.
        offset: where the part begins, in seconds.
        duration: how long it is, in seconds; what lies beyond the end is not there. None: to the end.
        name: what to call it in messages; its path by default.

    Raises:
        AudioError: it is no audio, is empty, ends before `offset`, or does not say how long it is.
        OSError: it cannot be read.
    """
    import soundfile

    called = name or ("audio" if isinstance(source, bytes) else os.fspath(source))
    if not (0 <= offset < float("inf")) or (duration is not None and not (0 < duration < float("inf"))):
        raise AudioError(f"{called}: offset={offset}, duration={duration}; seconds from 0 on, and more than 0")
    where = source if isinstance(source, bytes) else os.fspath(source)
    try:
        with soundfile.SoundFile(_opened(where)) as file:
            rate, frames = int(file.samplerate), int(file.frames)
            channels, format, subtype = int(file.channels), str(file.format), str(file.subtype)
    except soundfile.LibsndfileError as error:
        if isinstance(where, str):
            Path(where).open("rb").close()  # says what is wrong with a path in the words of the system
        raise AudioError(f"{called}: {_reason(error)}") from None
    if frames >= _UNKNOWN:
        raise AudioError(f"{called}: it does not say how long it is, as a stream does not; encode it as a file")
    first = round(offset * rate)
    if first and first >= frames:
        raise AudioError(f"{called}: it ends at {frames / rate:.3f} s, before the offset of {offset} s")
    length = frames - first
    if duration is not None:
        length = min(length, max(1, round(duration * rate)))
    if not length:
        raise AudioError(f"{called}: it holds no samples")
    exact = subtype.startswith(_SAMPLE_BY_SAMPLE)
    return StoredSound(where, called, rate, channels, first, length, format, subtype, exact)


def read_audio(
    source: str | os.PathLike[str] | bytes,
    *,
    offset: float = 0.0,
    duration: float | None = None,
    name: str | None = None,
) -> tuple[Audio, int]:
    """Read an audio file, or a part of it; only that part is decoded where the format allows it (see `StoredSound`).

    Args:
        source: path of the file, or its bytes.
        offset: where to begin, in seconds.
        duration: how much to read, in seconds; what lies beyond the end is not there. None reads to the end.
        name: what to call it in messages; its path by default.

    Returns:
        float32 (channels, samples), C-contiguous, full scale at -1 and 1; and the rate in Hz.

    Raises:
        AudioError: it cannot be decoded, is empty, or ends before `offset`.
        OSError: it cannot be read.
    """
    sound = open_sound(source, offset=offset, duration=duration, name=name)
    return sound.read(), sound.rate


def left_or_read(sound: StoredSound, clean: StoredSound | None, key: Any) -> Sample:
    """The fields of a sound, left in its file where that is `exact`, else decoded: `audio`, its `rate`, and `clean`.

    Args:
        clean: the same sound without what was added to it, if there is such a one.
        key: of the sample.

    Raises:
        SampleError: they cannot be decoded, or do not belong together.
    """
    sample: Sample = {"audio": sound, "rate": sound.rate}
    if clean is not None:
        for name, here, there in (("rate", sound.rate, clean.rate), ("length", sound.length, clean.length)):
            if here != there and (name == "rate" or (sound.exact and clean.exact)):
                raise SampleError(key, f"{clean.name} has a {name} of {there:,}, {sound.name} of {here:,}")
        sample["clean"] = clean
    return sample if sound.exact and (clean is None or clean.exact) else heard(sample, key)


def heard(sample: Sample, key: Any) -> Sample:
    """The sample with its sounds decoded, if they are still in their files.

    Raises:
        SampleError: they cannot be decoded.
    """
    try:
        return {name: value.read() if isinstance(value, StoredSound) else value for name, value in sample.items()}
    except AudioError as error:
        raise SampleError(key, str(error)) from None


# Subtypes of which each sample is stored by itself, or in blocks that depend on no others.
_SAMPLE_BY_SAMPLE = ("PCM_", "FLOAT", "DOUBLE", "ULAW", "ALAW")
# What soundfile says of FLAC files that were written as a stream, and so do not say how long they are.
_UNKNOWN = 1 << 62


def _opened(source: str | bytes) -> Any:
    return io.BytesIO(source) if isinstance(source, bytes) else source


def _reason(error: Any) -> str:
    return f"not audio that can be read: {error.error_string or 'it is damaged, or cut off'}"
