"""Other sounds mixed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from covary.draws.distributions import Integers, Range, Uniform, choose
from covary.draws.streams import stream_uniforms
from covary.ops.audio.base import SoundOperation, rows_of
from covary.ops.audio.sounds import Sounds, adopt_shelf, open_sounds, shelf_of
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Mixture, Wave


@dataclass(frozen=True, repr=False)
class FromSounds(SoundOperation):
    """An operation that takes other sounds from a collection.

    Copies of it in other processes share what one of them has decoded.
    """

    sounds: Any

    def check(self) -> None:
        object.__setattr__(self, "sounds", checked_sounds(self, "sounds", self.sounds))
        if not isinstance(self.sounds, Sounds):
            shelf_of(self._paths())

    def _paths(self) -> tuple[str, ...]:
        return (self.sounds,) if isinstance(self.sounds, str) else tuple(self.sounds)

    def __getstate__(self) -> dict[str, Any]:
        if isinstance(self.sounds, Sounds):
            return self.__dict__
        return {**self.__dict__, "_shelf": shelf_of(self._paths())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        shelf = state.pop("_shelf", None)
        self.__dict__.update(state)
        if shelf is not None:
            adopt_shelf(self._paths(), shelf)


@operation
class BackgroundNoise(FromSounds):
    """Mix in a part of another sound, from beginning to end, at a signal-to-noise ratio.

    Args:
        sounds: what to choose from: a folder, a file, a list of files, or `Sounds` of arrays. Any rates and channels:
            they are resampled; where the number of channels differs, their mean goes into all of them. Shorter ones are
            played again and again.
        snr_db: root mean square of the sound over that of the noise, in decibels; the noise's own silence (samples 80
            dB and more below its peak) is left out. Default 5 to 30.

    Silence stays silent.

    Helps: everything that must work outside the studio; the noise of the place where it will be used helps most.
    Hurts: noises that hold what is to be recognised, such as speech under speech.
    """

    snr_db: Range = ranged(default=Uniform(5, 30))

    uniforms = ("which", "place")

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        sounds = open_sounds(self.sounds)
        rows = rows_of(which=choose(draw("which"), None, len(sounds)), place=draw("place"))
        return Mixture(background, tuple({"sounds": sounds, **row} for row in rows), draw("snr_db"), "snr_db")


@operation
class ShortNoises(FromSounds):
    """Mix in short sounds here and there, at a signal-to-noise ratio.

    Args:
        sounds: what to choose from, as for `BackgroundNoise`.
        snr_db: root mean square of the sound over that of the noises where they sound, in decibels. Default 0 to 24.
        count: how many; a single number is that many. Default 1 to 5. Identity: 0.
        most_seconds: longer sounds are cut to a part of this duration. Default 2.
        fade_seconds: fade at the ends of each, inside it. Default 0.01.

    They may overlap, and reach beyond the end of the sound. Silence stays silent.

    Helps: doors, coughs, keys, horns: what happens while one records.
    Hurts: event detection, if the noises are events too.
    """

    snr_db: Range = ranged(default=Uniform(0, 24))
    count: Range = ranged(default=Integers(1, 5, identity=0), low=0, high=64)
    most_seconds: float = field(default=2.0)
    fade_seconds: float = field(default=0.01)

    streams = ("places",)

    def check(self) -> None:
        super().check()
        if not self.most_seconds > 0:
            self.refuse("most_seconds", repr(self.most_seconds), "a duration above 0")
        if not self.fade_seconds >= 0:
            self.refuse("fade_seconds", repr(self.fade_seconds), "a duration from 0 on")

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        sounds = open_sounds(self.sounds)
        shared = {"sounds": sounds, "most_seconds": self.most_seconds, "fade_seconds": self.fade_seconds}
        rows = rows_of(stream=draw.stream("places"), count=draw("count").astype(np.int64))
        return Mixture(short_noises, tuple({**shared, **row} for row in rows), draw("snr_db"), "snr_db")


def checked_sounds(owner: SoundOperation, argument: str, value: Any) -> Any:
    """An argument that names sounds: paths as strings, `Sounds` as they are.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, Sounds):
        return value
    if isinstance(value, (list, tuple)) and value and all(_is_path(item) for item in value):
        return tuple(str(item) for item in value)
    if _is_path(value) and str(value):
        return str(value)
    got = "a list of arrays" if isinstance(value, (list, tuple)) and value else repr(value)
    return owner.refuse(argument, got, "a folder, a file, a list of files, or Sounds(arrays, rate)")


def _is_path(value: Any) -> bool:
    return isinstance(value, str) or hasattr(value, "__fspath__")


def background(channels: int, length: int, rate: int, sounds: Sounds, which: int, place: float) -> Wave:
    """A part of one of the sounds."""
    return with_channels(sounds.part(which, rate, place, length), channels)


def short_noises(
    channels: int,
    length: int,
    rate: int,
    sounds: Sounds,
    stream: int,
    count: int,
    most_seconds: float,
    fade_seconds: float,
) -> Wave | None:
    """Some of the sounds, each of unit root mean square, at drawn places."""
    drawn = stream_uniforms(np.array([stream], dtype=np.uint64), 3 * count).reshape(-1, 3)
    made = np.zeros((channels, length), dtype=np.float32)
    for which, place, start in zip(choose(drawn[:, 0], None, len(sounds)), drawn[:, 1], drawn[:, 2], strict=True):
        index = int(which)
        wide = min(sounds.length(index, rate), round(most_seconds * rate))
        noise = with_channels(sounds.part(index, rate, float(place), wide), channels)
        power = float(np.mean(np.square(noise))) if noise.size else 0.0
        if power == 0:
            continue
        fade = min(round(fade_seconds * rate), wide // 2)
        ramp = ((np.arange(fade) + 0.5) / max(fade, 1)).astype(np.float32)
        noise[:, :fade] *= ramp
        noise[:, wide - fade :] *= ramp[::-1]
        at = int(start * length)
        heard = min(wide, length - at)
        made[:, at : at + heard] += noise[:, :heard] * np.float32(power**-0.5)
    return made if made.any() else None


def with_channels(wave: Wave, channels: int) -> Wave:
    """A sound for a number of channels: as it is, or the mean of its own in one."""
    if wave.shape[0] in (1, channels):
        return wave if wave.shape[0] == channels else np.repeat(wave, channels, axis=0)
    mean: Wave = wave.mean(axis=0, keepdims=True, dtype=np.float32)
    return np.repeat(mean, channels, axis=0)
