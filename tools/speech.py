"""Speech made by espeak-ng, with a place in time for every word and phone: data for tests and benchmarks.

    from tools.speech import missing, synthesise

    speech = synthesise("The quick brown fox", voice="en-us", speed=160)
    speech.samples, speech.rate     # int16 (samples,), 22050 Hz
    speech.words                    # ({"start": 0.0, "end": 0.11, "text": "The"}, ...)

The library comes from the package `espeakng-loader`, or from the system. It is GPL: nothing in `src` may use it. It
keeps state from one sentence to the next (the same text twice gives different samples), so each sentence is spoken by a
fresh copy of a process that has just loaded it: a sentence is a function of its text and settings. Many sentences at
once are cheaper, a few milliseconds each: `synthesise_all`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VOICES = ("en", "en-us", "en-gb-scotland", "en+m3", "en+m7", "en+f2", "en-us+f4", "en-gb-scotland+f3")
"""Some voices of English: accents, and after "+" variants of the speaker (m1 to m8, f1 to f5)."""


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """A spoken text.

    Attributes:
        samples: int16 (samples,).
        rate: in Hz.
        words: of the text as written, without the punctuation around them: `start` and `end` in seconds, `text`. A word
            ends where a pause or the next word begins.
        phones: `start` and `end` in seconds, `text` in the names of espeak-ng; pauses are left out.
    """

    samples: NDArray[np.int16]
    rate: int
    words: tuple[dict[str, Any], ...]
    phones: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is to be spoken.

    Attributes:
        text: in any script.
        voice: language, and after "+" a variant of the speaker, such as "en", "en-us+f3", "de".
        speed: words a minute, 80 to 450.
        pitch: 0 (low) to 99 (high).
    """

    text: str
    voice: str = "en"
    speed: int = 175
    pitch: int = 50


def missing() -> str | None:
    """Why nothing can be spoken here; None where espeak-ng is there."""
    return "espeak-ng is not there; pip install espeakng-loader" if _places() is None else None


def synthesise(text: str, voice: str = "en", *, speed: int = 175, pitch: int = 50) -> Speech:
    """Speak a text; see `Sentence` for the arguments.

    Raises:
        ImportError: espeak-ng is not there.
        ValueError: it has no such voice, or nothing of the text can be spoken.
    """
    return synthesise_all([Sentence(text, voice, speed, pitch)])[0]


def synthesise_all(sentences: Iterable[Sentence]) -> list[Speech]:
    """Speak several texts, each as if it were the only one.

    Raises:
        ImportError: espeak-ng is not there.
        ValueError: it has no such voice, or nothing of a text can be spoken.
    """
    import numpy as np

    places = _places()
    if places is None:
        raise ImportError(missing())
    wanted = list(sentences)
    asked = [[each.text, each.voice, each.speed, each.pitch] for each in wanted]
    done = subprocess.run(
        [sys.executable, "-S", "-E", __file__], input=json.dumps([places, asked]).encode(), capture_output=True
    )
    if done.returncode:
        raise RuntimeError(f"espeak-ng ended with status {done.returncode}: {done.stderr.decode(errors='replace')}")
    spoken = []
    rest = memoryview(done.stdout)
    for sentence in wanted:
        length = int.from_bytes(rest[:8])
        told = json.loads(bytes(rest[8 : 8 + length]))
        rest = rest[8 + length :]
        if "error" in told:
            raise ValueError(f"{told['error']}: {sentence}")
        samples = np.frombuffer(rest[: told["bytes"]], np.int16)
        rest = rest[told["bytes"] :]
        words, phones = _aligned(sentence.text, told["events"], len(samples), told["rate"])
        if not words:
            raise ValueError(f"nothing of it can be spoken: {sentence}")
        spoken.append(Speech(samples, told["rate"], words, phones))
    return spoken


def _places() -> tuple[str, str | None] | None:
    """The library and its data; None for the data where the library finds it by itself."""
    try:
        import espeakng_loader
    except ImportError:
        system = ctypes.util.find_library("espeak-ng")
        return None if system is None else (system, None)
    return espeakng_loader.get_library_path(), espeakng_loader.get_data_path()


# Kinds of events of espeak-ng.
_WORD, _PHONEME = 1, 7
_PAUSES = ("_", "_:")


def _aligned(
    text: str, events: Sequence[tuple[int, int, int, str]], length: int, rate: int
) -> tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]:
    """Words and phones from what espeak-ng tells while it speaks: (kind, character from 1, sample, name)."""
    phones = []
    marks = [(sample, name) for kind, _, sample, name in events if kind == _PHONEME]
    for (start, name), (end, _) in zip(marks, [*marks[1:], (length, "")], strict=True):
        if name not in _PAUSES and end > start:
            phones.append({"start": start / rate, "end": end / rate, "text": name})
    spans = _tokens(text)
    words: list[dict[str, Any]] = []
    last = -1
    for at, (kind, character, sample, _) in enumerate(events):
        which = next((n for n, (_, end) in enumerate(spans) if character - 1 < end), -1)
        # A number or a compound is several words to espeak-ng, and one in the text.
        if kind != _WORD or which <= last:
            continue
        last = which
        later = events[at + 1 :]
        ends = [
            place
            for kind, character, place, name in later
            if (kind == _WORD and character - 1 >= spans[which][1]) or (kind == _PHONEME and name in _PAUSES)
        ]
        start, end = spans[which]
        words.append({"start": sample / rate, "end": min([*ends, length]) / rate, "text": _bare(text[start:end])})
    return tuple(words), tuple(phones)


def _tokens(text: str) -> list[tuple[int, int]]:
    """Where the words of a text stand that have a letter or digit in them."""
    spans = []
    at = 0
    for token in text.split():
        start = text.index(token, at)
        at = start + len(token)
        if _bare(token):
            spans.append((start, at))
    return spans


def _bare(token: str) -> str:
    kept = [n for n, letter in enumerate(token) if letter.isalnum()]
    return token[kept[0] : kept[-1] + 1] if kept else ""


# From here on: what the process does that loads the library. It imports nothing that takes time.


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("character", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_SYNCHRONOUS, _PHONEME_EVENTS, _UTF8, _RATE, _PITCH = 2, 1, 1, 1, 3


def _serve() -> None:
    """Speak what standard input asks for, each sentence in a process of its own, forked from this one."""
    (library, data), asked = json.load(sys.stdin)
    espeak = ctypes.CDLL(library)
    rate = espeak.espeak_Initialize(_SYNCHRONOUS, 0, None if data is None else data.encode(), _PHONEME_EVENTS)
    if rate <= 0:
        sys.exit(f"it cannot be set up with the data at {data}")
    for sentence in asked:
        child = os.fork()
        if child == 0:
            told, sound = _spoken(espeak, rate, *sentence)
            head = json.dumps({**told, "bytes": len(sound)}).encode()
            with os.fdopen(1, "wb") as file:
                file.write(len(head).to_bytes(8) + head + sound)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"status {status} for {sentence}")


def _spoken(espeak: ctypes.CDLL, rate: int, text: str, voice: str, speed: int, pitch: int) -> tuple[Any, bytes]:
    sound = bytearray()
    events: list[tuple[int, int, int, str]] = []

    @_Callback
    def hear(samples: Any, count: int, told: Any) -> int:
        if samples and count > 0:
            sound.extend(ctypes.string_at(samples, 2 * count))
        at = 0
        while told[at].type:
            event = told[at]
            events.append((event.type, event.character, event.sample, event.name.decode(errors="replace")))
            at += 1
        return 0

    espeak.espeak_SetSynthCallback(hear)
    if espeak.espeak_SetVoiceByName(voice.encode()):
        return {"error": f"espeak-ng has no voice {voice!r}"}, b""
    espeak.espeak_SetParameter(_RATE, speed, 0)
    espeak.espeak_SetParameter(_PITCH, pitch, 0)
    content = text.encode()
    status = espeak.espeak_Synth(content, ctypes.c_size_t(len(content) + 1), 0, 0, 0, _UTF8, None, None)
    if status or not sound:
        return {"error": f"espeak-ng spoke nothing (status {status})"}, b""
    return {"rate": rate, "events": events}, bytes(sound)


if __name__ == "__main__":
    _serve()
