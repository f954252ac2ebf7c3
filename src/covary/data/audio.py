"""Audio files: read whole or in part, and folders of them as data sets."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

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

    def content(self, key: str) -> Sample:
        """The audio and its rate."""
        try:
            audio, rate = read_audio(os.path.join(self.root, key))  # noqa: PTH118
        except AudioError as error:
            raise SampleError(key, str(error)) from None
        return {"audio": audio, "rate": rate}


def read_audio(
    source: str | os.PathLike[str] | bytes,
    *,
    offset: float = 0.0,
    duration: float | None = None,
    name: str | None = None,
) -> tuple[Audio, int]:
    """Read an audio file, or a part of it; only that part is decoded.

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
    import soundfile

    called = name or ("audio" if isinstance(source, bytes) else os.fspath(source))
    if not (0 <= offset < float("inf")) or (duration is not None and not (0 < duration < float("inf"))):
        raise AudioError(f"{called}: offset={offset}, duration={duration}; seconds from 0 on, and more than 0")
    if not isinstance(source, bytes):
        Path(source).open("rb").close()  # says what is wrong with a path in the words of the system
    try:
        with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else os.fspath(source)) as file:
            rate = int(file.samplerate)
            start = round(offset * rate)
            if start and start >= file.frames:
                raise AudioError(f"{called}: it ends at {file.frames / rate:.3f} s, before the offset of {offset} s")
            file.seek(start)
            count = -1 if duration is None else max(1, round(duration * rate))
            samples = file.read(count, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{called}: not audio that can be read: {error.error_string}") from None
    if not len(samples):
        raise AudioError(f"{called}: it holds no samples")
    return np.ascontiguousarray(samples.T), rate
