"""Rooms: impulse responses, made-up rooms, echoes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Constant, Integers, LogUniform, Range, Uniform, choose
from covary.ops.audio.base import SoundOperation, rows_of
from covary.ops.audio.mixing import FromSounds
from covary.ops.audio.sounds import Sounds, open_sounds
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Impulse, Wave

_SOUND = 343.0  # metres per second
_EARLY = 7  # image sources either way along each axis, at most


@operation
class ImpulseResponse(FromSounds):
    """Put the sound into a room, or through a device, by convolution with a recorded impulse response.

    Args:
        sounds: impulse responses to choose from: a folder, a file, a list of files, or `Sounds` of arrays. Any rates;
            those with as many channels as the sound are applied channel by channel, of others the first channel is
            used.
        wet: share of the response, 0 to 1, the rest being the sound as it was; a single number is that share. Default
            1. Identity: 0.
        level: "energy": the response is scaled to an energy of one, which keeps the level of noise-like sounds and
            leaves a sound alone whose response is a single impulse; "direct": its largest value becomes one;
            "recorded": as it is. Default "energy".
        align: whether the response's largest value (the direct path) stands for no delay, so that labels stay right.
            Default True.

    The duration stays: what rings on beyond the end is cut off. Put a `Pad` before it to keep it.

    Helps: speech and events in rooms; distant microphones; the strongest single augmentation for them (Ko et al. 2017).
    Hurts: long responses smear what stands close together.
    """

    wet: Range = ranged(default=Constant(1.0, identity=0), low=0, high=1)
    level: Literal["energy", "direct", "recorded"] = "energy"
    align: bool = True

    uniforms = ("which",)

    def check(self) -> None:
        super().check()
        self.one_of("level", ("energy", "direct", "recorded"))

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        sounds = open_sounds(self.sounds)
        rows = rows_of(which=choose(draw("which"), None, len(sounds)), wet=draw("wet"), channels=view.channels)
        shared = {"sounds": sounds, "level": self.level, "align": self.align}
        return Impulse(recorded, tuple({**shared, **row} for row in rows), recurring=True)


@operation
class Room(SoundOperation):
    """Put the sound into a made-up room: the first reflections of a box, and a tail that dies away.

    Args:
        seconds: reverberation time (until 60 dB are gone) in the middle of the spectrum. Default 0.15 to 1, evenly
            spread in the logarithm.
        size_m: longest side of the room, above 1; the others are 0.5 to 1 of it in width, 0.3 to 0.6 in height. Default
            3 to 15.
        distance_m: from source to microphone, above 0; never more than what the room allows. Default 0.5 to 4.
        wet: share of the reflections, 0 to 1; a single number is that share. Default 1. Identity: 0.

    The direct path stands for no delay and stays as loud as it is: labels stay right. Reflections up to the time at
    which they become too dense to tell are those of a box of that size (Allen and Berkley 1979), with walls that give
    the reverberation time by Eyring's formula; behind them goes Gaussian noise that decays at the same rate, the highs
    faster, at the level that diffuse-field theory says for that distance. The result is scaled to an energy of one,
    which keeps the level of noise-like sounds. Each channel has a tail of its own.

    Helps: speech and events in rooms, without any recordings of rooms; each epoch another room.
    Hurts: long reverberation smears what stands close together; music that has its room already.
    """

    seconds: Range = ranged(default=LogUniform(0.15, 1.0), low=0.02, high=20)
    size_m: Range = ranged(default=Uniform(3, 15), low=1, high=200)
    distance_m: Range = ranged(default=Uniform(0.5, 4), low=0.01)
    wet: Range = ranged(default=Constant(1.0, identity=0), low=0, high=1)

    streams = ("room",)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Impulse(
            made_up,
            rows_of(
                stream=draw.stream("room"),
                seconds=draw("seconds"),
                size_m=draw("size_m"),
                distance_m=draw("distance_m"),
                wet=draw("wet"),
                channels=view.channels,
            ),
        )


@operation
class Echo(SoundOperation):
    """Let the sound come again, softer each time.

    Args:
        seconds: from one repetition to the next, above 0. Default 0.03 to 0.4.
        decay_db: how many decibels softer each is than the one before, 0 to 60. Default 3 to 15.
        times: how many; a single number is that many. Default 1 to 5. Identity: 0.

    The sound itself stays as loud as it is and where it is; repetitions beyond the end are cut off.

    Helps: calls with echo, squares, stations.
    Hurts: rhythm, and event detection (repetitions are no events here).
    """

    seconds: Range = ranged(default=Uniform(0.03, 0.4), low=1e-4, high=10)
    decay_db: Range = ranged(default=Uniform(3, 15), low=0, high=60)
    times: Range = ranged(default=Integers(1, 5, identity=0), low=0, high=64)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Impulse(
            echoes,
            rows_of(seconds=draw("seconds"), decay_db=draw("decay_db"), times=draw("times").astype(np.int64)),
        )


def recorded(
    rate: int, sounds: Sounds, which: int, wet: float, channels: int, level: str, align: bool
) -> tuple[Wave, int]:
    """A recorded response as it is to be applied, and its origin."""
    taps = sounds.whole(which, rate)
    if taps.shape[0] != channels:
        taps = taps[:1]
    size = np.abs(taps).max(axis=0)
    if not size.size or not size.any():
        raise ValueError(f"an impulse response (number {which}) is silent")
    origin = int(size.argmax()) if align else 0
    # All channels alike, so that the balance between them stays.
    energy = float(np.mean(np.sum(np.square(taps, dtype=np.float64), axis=1)))
    scale = {"energy": energy**-0.5, "direct": 1 / float(size.max()), "recorded": 1.0}[level]
    return _mixed(taps, scale, wet, origin), origin


def _mixed(taps: Wave, scale: float, wet: float, origin: int) -> Wave:
    made: Wave = taps * np.float32(scale * wet)
    made[:, origin] += np.float32(1 - wet)
    return made


def echoes(rate: int, seconds: float, decay_db: float, times: int) -> tuple[Wave, int]:
    """A response of single impulses."""
    step = max(1, round(seconds * rate))
    taps = np.zeros((1, step * times + 1), dtype=np.float32)
    taps[0, ::step] = 10 ** (-decay_db * np.arange(times + 1) / 20)
    return taps, 0


def made_up(
    rate: int, stream: int, seconds: float, size_m: float, distance_m: float, wet: float, channels: int
) -> tuple[Wave, int]:
    """A response of a made-up room, see `Room`."""
    from covary.draws.streams import stream_uniforms
    from covary.gaussian import gaussian_wave

    drawn = stream_uniforms(np.array([stream], dtype=np.uint64), 10)[0]
    room = size_m * np.array([1.0, 0.5 + 0.5 * drawn[0], 0.3 + 0.3 * drawn[1]])
    volume = float(room.prod())
    surface = 2 * float(room[0] * room[1] + room[1] * room[2] + room[2] * room[0])
    # Eyring: the share that a wall must throw back for this reverberation time.
    reflection = float(np.sqrt(np.exp(-24 * np.log(10) * volume / (_SOUND * surface * seconds))))
    source, microphone, distance = _placed(room, distance_m, drawn[2:7])
    # Reflections are too dense to tell from some 2 ms per metre of the cube root of the volume on.
    dense = 0.002 * volume ** (1 / 3) * 1.5 + distance / _SOUND
    length = max(2, round(min(seconds * 1.1, 20.0) * rate))
    taps = np.zeros((channels, length), dtype=np.float32)
    early = min(round((dense - distance / _SOUND) * rate), length)
    _reflections(taps[:, : max(early, 1)], rate, room, source, microphone, distance, reflection)
    _tail(taps, early, rate, seconds, distance, volume, gaussian_wave(stream, channels, length))
    taps[:, 1:] *= np.float32(wet)
    energy = float(np.mean(np.sum(np.square(taps, dtype=np.float64), axis=1)))
    taps *= np.float32(energy**-0.5)
    return taps, 0


def _placed(
    room: NDArray[np.float64], distance_m: float, drawn: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Where source and microphone stand, half a metre (or a tenth of the room) off the walls, and how far apart."""
    margin = np.minimum(0.5, 0.1 * room)
    microphone = margin + (room - 2 * margin) * drawn[:3]
    angle, height = 2 * np.pi * drawn[3], 0.6 * (drawn[4] - 0.5)
    flat = float(np.sqrt(1 - height * height))
    direction = np.array([flat * np.cos(angle), flat * np.sin(angle), height])
    # Where the line from the microphone meets a wall's margin, it looks the other way if that is farther.
    reach = []
    for sign in (1.0, -1.0):
        towards = sign * direction
        walls = np.where(towards > 0, room - margin, margin)
        reach.append(
            float(np.min((walls - microphone) / np.where(np.abs(towards) < 1e-9, np.copysign(1e-9, towards), towards)))
        )
    sign = 1.0 if reach[0] >= reach[1] else -1.0
    distance = float(max(min(distance_m, max(reach)), 0.05))
    return microphone + sign * distance * direction, microphone, distance


def _reflections(
    taps: Wave,
    rate: int,
    room: NDArray[np.float64],
    source: NDArray[np.float64],
    microphone: NDArray[np.float64],
    distance: float,
    reflection: float,
) -> None:
    """The direct path and the image sources of a box, each at its nearest sample, the direct path being 1 at 0."""
    steps = np.arange(-_EARLY, _EARLY + 1)
    # Along an axis, image n is at n sides from the source, mirrored where n is odd, after |n| reflections.
    squares, powers = [], []
    for axis in range(3):
        side = float(room[axis])
        place = np.where(steps % 2 == 0, steps * side + source[axis], (steps + 1) * side - source[axis])
        squares.append(np.square(place - microphone[axis]))
        powers.append(np.abs(steps))
    far = np.sqrt(squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :]).ravel()
    count = (powers[0][:, None, None] + powers[1][None, :, None] + powers[2][None, None, :]).ravel()
    at = np.rint((far - distance) / _SOUND * rate).astype(np.int64)
    heard = (at >= 0) & (at < taps.shape[1])
    strength = distance / far[heard] * reflection ** count[heard]
    taps += np.bincount(at[heard], strength, taps.shape[1]).astype(np.float32)


def _tail(taps: Wave, early: int, rate: int, seconds: float, distance: float, volume: float, noise: Wave) -> None:
    """Noise that decays by 60 dB in the reverberation time, behind the early reflections and faded in before them."""
    length = taps.shape[1]
    # Power of the diffuse field over that of the direct path: 16 pi r**2 / A, with A of Sabine's formula.
    ratio = 16 * np.pi * distance**2 / (0.161 * volume / seconds)
    decay = np.float32(10 ** (-3 / (seconds * rate)))
    # Standing for all time from 0 on, the tail holds the whole diffuse power: it is spread by its decay.
    scale = np.sqrt(ratio * (1 - float(decay) ** 2))
    envelope = np.power(decay, np.arange(length, dtype=np.float32)) * np.float32(scale)
    fade = max(early, 1)
    envelope[:fade] *= np.square(np.arange(fade, dtype=np.float32) / fade)
    # The highs die away faster: the tail goes over into a softened copy of itself.
    soft = noise.copy()
    soft[:, 1:] += noise[:, :-1]
    soft *= np.float32(0.5**0.5)
    late = np.minimum(np.arange(length, dtype=np.float32) / np.float32(0.5 * seconds * rate), 1)
    taps += envelope * (noise + late * (soft - noise))
