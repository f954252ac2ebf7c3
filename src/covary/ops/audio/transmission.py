"""Lossy codecs, and lines that lose packets."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from covary.draws.distributions import Range, Uniform
from covary.draws.streams import stream_uniforms
from covary.ops.audio.base import SoundOperation, rows_of
from covary.ops.audio.view import AudioView
from covary.ops.base import Draw, operation, ranged
from covary.plan.audio import AudioChange, Function, Wave

_FAST = "fast-mp3-augment"  # in place of a format in libsndfile

# Name of the codec -> format and subtype in libsndfile, the rates that it takes (None: any from 8 to 192 kHz), and the
# most channels of one file.
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
CODECS: dict[str, tuple[str, str, tuple[int, ...] | None, int]] = {
    "mp3": ("MP3", "MPEG_LAYER_III", _MP3_RATES, 2),
    "fast mp3": (_FAST, "", _MP3_RATES, 2),
    "vorbis": ("OGG", "VORBIS", None, 8),
    "opus": ("OGG", "OPUS", (8000, 12000, 16000, 24000, 48000), 8),
    "gsm": ("WAV", "GSM610", (8000,), 1),
}


@operation
class Mp3(SoundOperation):
    """There and back through MP3.

    Args:
        compression: 0 is the best quality, 1 the smallest file; a single number is that value. Default 0.3 to 1.
        engine: "libsndfile"; or "fast-mp3-augment", by the package of that name: LAME at a quicker setting, some four
            times as fast. Default "libsndfile", which every installation has: what a key gives does not depend on what
            else is installed.

    Delay and duration stay. Rates that MP3 does not know are resampled to the next and back.

    Helps: everything that comes from the web.
    Hurts: little.
    """

    compression: Range = ranged(default=Uniform(0.3, 1.0), low=0, high=1)
    engine: Literal["libsndfile", "fast-mp3-augment"] = "libsndfile"

    def check(self) -> None:
        self.one_of("engine", ("libsndfile", "fast-mp3-augment"))

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return _through("mp3" if self.engine == "libsndfile" else "fast mp3", draw)


@operation
class Vorbis(SoundOperation):
    """There and back through Ogg Vorbis.

    Args:
        compression: 0 is the best quality, 1 the smallest file; a single number is that value. Default 0.3 to 1.

    Delay and duration stay.

    Helps: everything that comes from the web, and games.
    Hurts: little.
    """

    compression: Range = ranged(default=Uniform(0.3, 1.0), low=0, high=1)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return _through("vorbis", draw)


@operation
class Opus(SoundOperation):
    """There and back through Opus.

    Args:
        compression: 0 is the best quality, 1 the smallest file; a single number is that value. Default 0.3 to 1.

    Delay and duration stay. Rates that Opus does not know are resampled to the next and back. It is slow: some 40 times
    faster than real time.

    Helps: calls and messages over the internet, which are nearly all Opus.
    Hurts: little.
    """

    compression: Range = ranged(default=Uniform(0.3, 1.0), low=0, high=1)

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return _through("opus", draw)


@operation
class Gsm(SoundOperation):
    """There and back through GSM 06.10 full rate, at 8 kHz, as the first mobile phones coded speech.

    Delay, duration and rate stay; nothing is left above 4 kHz.

    Helps: phone calls.
    Hurts: everything but speech.
    """

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        return Function(coded, ({"codec": "gsm", "compression": None},) * view.count)


def _through(codec: str, draw: Draw) -> AudioChange:
    rows = rows_of(compression=draw("compression"))
    return Function(coded, tuple({"codec": codec, **row} for row in rows))


def coded(wave: Wave, rate: int, codec: str, compression: float | None) -> Wave:
    """The wave encoded into memory and decoded again."""
    from covary.resample import resample

    kind, subtype, rates, most = CODECS[codec]
    length = wave.shape[1]
    if not length:
        return wave.copy()
    known = rate if rates is None else next((each for each in rates if each >= rate), rates[-1])
    if rates is None:
        known = min(max(rate, 8000), 192_000)
    sent = wave if known == rate else resample(wave, rate / known, max(1, round(length * known / rate)))
    parts = [
        _round_trip(sent[first : first + most], known, kind, subtype, compression)
        for first in range(0, len(sent), most)
    ]
    heard = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return heard if known == rate else resample(heard, known / rate, length)


def _round_trip(wave: Wave, rate: int, kind: str, subtype: str, compression: float | None) -> Wave:
    # Coders clip what is beyond full scale; louder sounds go through turned down.
    scale = np.float32(max(1.0, float(wave.max()), -float(wave.min())))
    if scale > 1:
        wave = wave / scale
    made = _coded_and_decoded(wave, rate, kind, subtype, compression)
    return made if scale == 1 else made * scale


def _coded_and_decoded(wave: Wave, rate: int, kind: str, subtype: str, compression: float | None) -> Wave:
    if kind == _FAST:
        from covary.render.fast_mp3 import round_trip

        assert compression is not None
        return round_trip(wave, rate, compression)
    import soundfile

    file = io.BytesIO()
    # libsndfile's MP3 refuses a level of exactly 1; a constant bit rate goes lower than its variable one.
    level = None if compression is None else min(compression, 0.999)
    mode = "CONSTANT" if kind == "MP3" else None
    soundfile.write(
        file,
        wave.T,
        rate,
        format=kind,
        subtype=subtype,
        compression_level=level,
        bitrate_mode=mode,
    )
    file.seek(0)
    values, _ = soundfile.read(file, dtype="float32", always_2d=True)
    made = np.zeros(wave.shape, dtype=np.float32)
    count = min(len(values), wave.shape[1])
    made[:, :count] = values[:count].T
    return made


@operation
class PacketLoss(SoundOperation):
    """Lose packets, as calls over the internet do, several in a row.

    Args:
        share: of the packets that are lost, 0 to 0.9; a single number is that share. Default 0.01 to 0.15. Identity: 0.
        burst: how many in a row are lost on average, from 1 on. Default 1 to 4.
        packet_seconds: duration of a packet, above 0. Default 0.02.
        concealment: "silence"; or "repeat": the last packet that came is played again, softer each time. Default
            "repeat".

    Losses follow the two-state model of Gilbert (1960). Nothing moves: labels stay right.

    Helps: speech over the internet.
    Hurts: short events, which may vanish while their labels stay.
    """

    share: Range = ranged(default=Uniform(0.01, 0.15, identity=0), low=0, high=0.9)
    burst: Range = ranged(default=Uniform(1, 4), low=1)
    packet_seconds: float = 0.02
    concealment: Literal["silence", "repeat"] = "repeat"

    streams = ("losses",)

    def check(self) -> None:
        if not self.packet_seconds > 0:
            self.refuse("packet_seconds", repr(self.packet_seconds), "a duration above 0")
        self.one_of("concealment", ("silence", "repeat"))

    def describe(self, draw: Draw, view: AudioView) -> AudioChange:
        rows = rows_of(stream=draw.stream("losses"), share=draw("share"), burst=draw("burst"))
        shared = {"packet_seconds": self.packet_seconds, "concealment": self.concealment}
        return Function(lossy, tuple({**shared, **row} for row in rows))


def lossy(
    wave: Wave, rate: int, stream: int, share: float, burst: float, packet_seconds: float, concealment: str
) -> Wave:
    """The wave without the packets that were lost."""
    size = max(1, round(packet_seconds * rate))
    count = -(-wave.shape[1] // size)
    lost = gilbert(stream_uniforms(np.array([stream], dtype=np.uint64), count)[0], share, burst)
    made = np.zeros((wave.shape[0], count * size), dtype=np.float32)
    made[:, : wave.shape[1]] = wave
    packets = made.reshape(wave.shape[0], count, size)
    index = np.arange(count)
    last = np.maximum.accumulate(np.where(lost, -1, index))
    if concealment == "silence":
        packets[:, lost] = 0
    else:
        softer = np.where(last < 0, 0.0, 0.5 ** (index - last)).astype(np.float32)
        packets[:, lost] = packets[:, last[lost]] * softer[lost][None, :, None]
    return made[:, : wave.shape[1]]


def gilbert(uniforms: NDArray[np.float64], share: float, burst: float) -> NDArray[np.bool_]:
    """Which packets are lost: a chain of two states, lost being left with probability 1 / burst."""
    leave = 1 / burst
    enter = min(leave * share / (1 - share), 1.0)
    lost = np.zeros(len(uniforms), dtype=bool)
    state = False
    for place, uniform in enumerate(uniforms.tolist()):
        # The first packet is lost as often as any.
        state = uniform < share if place == 0 else uniform >= leave if state else uniform < enter
        lost[place] = state
    return lost
