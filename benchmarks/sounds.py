"""Single operations on sound: 4 s at 16 kHz and 10 s at 44.1 kHz, one channel, float32.

    python -m benchmarks.sounds [NAME ...]

Operations that have a counterpart in audiomentations 0.43.1, with comparable parameters, always applied, one thread.
The results of a batch are all held until it is complete, by either library, and all are new memory: where
audiomentations returns a view of its input, that is copied. A view keeps the whole source alive, and one that runs
backwards cannot be made a tensor.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks import report
from benchmarks.timing import Times, take_turns

BATCH = 32
SMALL_BATCH = 8  # where a sound takes milliseconds
TRIES = 10
FORMATS = ((16000, 4), (44100, 10))


@dataclass(frozen=True)
class Setting:
    """What operations are made for: a folder with responses and noises, and the rate of the sounds."""

    folder: Path
    rate: int


@dataclass(frozen=True)
class Operation:
    """One operation, or a chain, as both libraries say it, and how many times as fast as audiomentations it has to be
    (None: it only stands beside it).

    `ours` is given `covary.audio`, `theirs` is given `audiomentations`.
    """

    name: str
    ours: Callable[[Any, Setting], list[Any]]
    theirs: Callable[[Any, Setting], Any]
    at_least: float | None = 1 / 1.1
    batch: int = BATCH


def chain_of_ours(a: Any, at: Setting) -> list[Any]:
    return [a.GaussianSNR((5, 40)), a.SevenBandEQ(), a.ImpulseResponse(at.folder / "responses"), a.Gain(12)]


def chain_of_theirs(a: Any, at: Setting) -> Any:
    parts = [a.AddGaussianSNR(p=1), a.SevenBandParametricEQ(p=1), a.ApplyImpulseResponse(at.folder / "responses", p=1)]
    return a.Compose([*parts, a.Gain(p=1)])


def mp3_of_ours(engine: str) -> Callable[[Any, Setting], list[Any]]:
    """MP3 of 32 to 64 kbit/s, which is what most of the time depends on."""

    def made(a: Any, at: Setting) -> list[Any]:
        lowest, highest = (32, 320) if at.rate >= 32000 else (8, 160)
        ends = [(highest - bits) / (highest - lowest) for bits in (64, 32)]
        return [a.Mp3(tuple(ends), engine=engine)]

    return made


def mp3_of_theirs(a: Any, _: Setting) -> Any:
    return a.Mp3Compression(min_bitrate=32, max_bitrate=64, p=1)


OPERATIONS = (
    Operation("Gain", lambda a, _: [a.Gain(12)], lambda a, _: a.Gain(p=1)),
    Operation("GainTransition", lambda a, _: [a.GainTransition()], lambda a, _: a.GainTransition(p=1)),
    Operation("PolarityInversion", lambda a, _: [a.PolarityInversion(p=1)], lambda a, _: a.PolarityInversion(p=1)),
    Operation("Normalize", lambda a, _: [a.Normalize()], lambda a, _: a.Normalize(p=1)),
    Operation("Normalize, lufs", lambda a, _: [a.Normalize("lufs")], lambda a, _: a.LoudnessNormalization(p=1)),
    Operation("Clip", lambda a, _: [a.Clip(-0.2, 0.2)], lambda a, _: a.Clip(-0.2, 0.2, p=1)),
    Operation("Limiter", lambda a, _: [a.Limiter((-24, -8))], lambda a, _: a.Limiter(p=1)),
    Operation("Shift", lambda a, _: [a.Shift()], lambda a, _: a.Shift(p=1)),
    Operation("Reverse", lambda a, _: [a.Reverse(p=1)], lambda a, _: a.Reverse(p=1)),
    Operation("TimeMask", lambda a, _: [a.TimeMask()], lambda a, _: a.TimeMask(p=1)),
    Operation("Repeat", lambda a, _: [a.Repeat()], lambda a, _: a.RepeatPart(crossfade_duration=0.0, p=1)),
    Operation("Trim", lambda a, _: [a.Trim(30)], lambda a, _: a.Trim(30, p=1)),
    Operation("RandomCrop", lambda a, _: [a.RandomCrop(1.0)], lambda a, _: a.AdjustDuration(duration_seconds=1.0, p=1)),
    Operation("Pad", lambda a, _: [a.Pad(12.0)], lambda a, _: a.AdjustDuration(duration_seconds=12.0, p=1)),
    Operation("GaussianNoise", lambda a, _: [a.GaussianNoise()], lambda a, _: a.AddGaussianNoise(p=1), 1.5),
    Operation("GaussianSNR", lambda a, _: [a.GaussianSNR()], lambda a, _: a.AddGaussianSNR(p=1), 1.5),
    Operation("ColorNoise", lambda a, _: [a.ColorNoise()], lambda a, _: a.AddColorNoise(p=1), 1.5),
    Operation(
        "BackgroundNoise",
        lambda a, at: [a.BackgroundNoise(at.folder / "noises")],
        lambda a, at: a.AddBackgroundNoise(at.folder / "noises", p=1),
        1.5,
    ),
    Operation(
        "ShortNoises",
        lambda a, at: [a.ShortNoises(at.folder / "noises")],
        lambda a, at: a.AddShortNoises(at.folder / "noises", p=1),
        1.5,
    ),
    Operation("LowPass", lambda a, _: [a.LowPass()], lambda a, _: a.LowPassFilter(p=1), 1.5),
    Operation("LowPass, causal", lambda a, _: [a.LowPass(zero_phase=False)], lambda a, _: a.LowPassFilter(p=1), 1.5),
    Operation("HighPass", lambda a, _: [a.HighPass()], lambda a, _: a.HighPassFilter(p=1), 1.5),
    Operation("BandPass", lambda a, _: [a.BandPass()], lambda a, _: a.BandPassFilter(p=1), 1.5),
    Operation("BandStop", lambda a, _: [a.BandStop()], lambda a, _: a.BandStopFilter(p=1), 1.5),
    Operation("Peaking", lambda a, _: [a.Peaking()], lambda a, _: a.PeakingFilter(p=1), 1.5),
    Operation("Peaking, causal", lambda a, _: [a.Peaking(zero_phase=False)], lambda a, _: a.PeakingFilter(p=1), 1.5),
    Operation("LowShelf", lambda a, _: [a.LowShelf()], lambda a, _: a.LowShelfFilter(p=1), 1.5),
    Operation("HighShelf", lambda a, _: [a.HighShelf()], lambda a, _: a.HighShelfFilter(p=1), 1.5),
    Operation("SevenBandEQ", lambda a, _: [a.SevenBandEQ()], lambda a, _: a.SevenBandParametricEQ(p=1), 1.5),
    Operation("AirAbsorption", lambda a, _: [a.AirAbsorption()], lambda a, _: a.AirAbsorption(p=1), 1.5),
    Operation(
        "ImpulseResponse",
        lambda a, at: [a.ImpulseResponse(at.folder / "responses")],
        lambda a, at: a.ApplyImpulseResponse(at.folder / "responses", p=1),
        1.5,
    ),
    Operation("noise + EQ + response + gain", chain_of_ours, chain_of_theirs, 4, SMALL_BATCH),
    Operation("Room", lambda a, _: [a.Room()], lambda a, _: a.RoomSimulator(p=1), 20, SMALL_BATCH),
    Operation("TimeStretch", lambda a, _: [a.TimeStretch()], lambda a, _: a.TimeStretch(p=1), 1, SMALL_BATCH),
    Operation("PitchShift", lambda a, _: [a.PitchShift()], lambda a, _: a.PitchShift(p=1), 1, SMALL_BATCH),
    Operation("ResampleTo", lambda a, _: [a.ResampleTo(8000)], lambda a, _: a.Resample(8000, 8000, p=1)),
    Operation("Mp3, fast-mp3-augment", mp3_of_ours("fast-mp3-augment"), mp3_of_theirs, batch=SMALL_BATCH),
    Operation("Mp3, libsndfile", mp3_of_ours("libsndfile"), mp3_of_theirs, None, SMALL_BATCH),
    Operation("BitCrush", lambda a, _: [a.BitCrush()], lambda a, _: a.BitCrush(p=1)),
    Operation("Tanh", lambda a, _: [a.Tanh()], lambda a, _: a.TanhDistortion(p=1)),
    Operation("ClippingDistortion", lambda a, _: [a.ClippingDistortion()], lambda a, _: a.ClippingDistortion(p=1)),
    Operation("Aliasing", lambda a, _: [a.Aliasing()], lambda a, _: a.Aliasing(p=1)),
)


def audiomentations() -> Any | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import audiomentations as module
    except ImportError:
        return None
    return module


def fill(folder: Path, rate: int) -> None:
    """A response of half a second and a noise of 15 seconds, at the rate of the sounds."""
    draw = np.random.default_rng(1)
    decay = np.exp(-np.arange(rate // 2) / (0.1 * rate))
    response = draw.standard_normal(rate // 2) * decay
    response[0] = 3
    for name, wave in (("responses", response / 4), ("noises", 0.1 * draw.standard_normal(15 * rate))):
        (folder / name).mkdir()
        soundfile.write(folder / name / "one.wav", wave.astype(np.float32), rate)


def at_work(theirs: Any, sound: Any, rate: int) -> Any | None:
    """Their operation, or None where it needs a package that is not there."""
    try:
        theirs(samples=sound, sample_rate=rate)
    except ImportError:
        return None
    return theirs


def warm_allocator() -> None:
    """Let the C library keep what is freed from now on: else every large array anew costs a page fault per 4 KB."""
    # What it has once freed by giving it back to the system, it will keep when it is of that size or less.
    held = np.ones(30_000_000, dtype=np.uint8)
    del held


def result_of(theirs: Any, sound: Any, rate: int) -> Callable[[Any], Any]:
    """Their operation on one sound, with a result that is memory of its own."""

    def result(sound: Any) -> Any:
        for _ in range(TRIES):
            try:
                return theirs(samples=sound, sample_rate=rate)
            except ValueError as error:  # RepeatPart, for one, cannot carry out every draw of its own
                failed = error
        raise failed

    return (lambda sound: result(sound).copy()) if np.shares_memory(result(sound), sound) else result


def time_operation(operation: Operation, sounds: list[Any], at: Setting) -> Times:
    from covary import Pipeline, audio

    rate = at.rate
    pipeline = Pipeline(operation.ours(audio, at), seed=1, threads=1, rate=rate)
    jobs = {
        "batch": (lambda: pipeline.batch(audio=sounds), len(sounds)),
        "single": (lambda: [pipeline(audio=sound) for sound in sounds], len(sounds)),
    }
    library = audiomentations()
    theirs = None if library is None else at_work(operation.theirs(library, at), sounds[0], rate)
    if theirs is not None:
        made = result_of(theirs, sounds[0], rate)
        jobs["audiomentations"] = (lambda: [made(sound) for sound in sounds], len(sounds))
    return take_turns(jobs, rounds=5)


def run(names: list[str]) -> None:
    chosen = [operation for operation in OPERATIONS if not names or operation.name in names]
    rows: dict[tuple[str, int], list[str]] = {}
    skipped: dict[str, str] = {}
    warm_allocator()
    for rate, seconds in FORMATS:
        draw = np.random.default_rng(2)
        sounds = [(0.1 * draw.standard_normal(rate * seconds)).astype(np.float32) for _ in range(BATCH)]
        with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fill(Path(name), rate)
            for operation in chosen:
                try:
                    times = time_operation(operation, sounds[: operation.batch], Setting(Path(name), rate))
                except ImportError as error:
                    skipped[operation.name] = f"{operation.name} is left out: {error}"
                    continue
                title = f"{operation.name}, {seconds} s"
                cells = report.comparison(title, times, "audiomentations", operation.at_least or 0.0)
                rows[operation.name, rate] = cells if operation.at_least else [*cells[:-1], "none"]
    known = [(operation.name, rate) for operation in chosen for rate, _ in FORMATS]
    ordered = [rows[place] for place in known if place in rows]
    unmet = [cells[0] for cells in ordered if cells[-1].endswith("not met")]
    lengths = " and ".join(f"{seconds} s at {rate / 1000:g} kHz" for rate, seconds in FORMATS)
    report.print_table(
        f"Operations on sound: {lengths}, microseconds per sound, one thread",
        (
            "operation",
            "covary batch",
            "covary single",
            "audiomentations",
            "batch/aud.",
            "single/aud.",
            "target (batch)",
        ),
        ordered,
        [
            f"Batches of {BATCH}, of {SMALL_BATCH} where a sound takes milliseconds. Filters have zero phase unless"
            " they are called causal; audiomentations' are causal.",
            "All results are new memory: where audiomentations returns a view of its input (Reverse, Trim, and"
            " AdjustDuration beside RandomCrop), that is copied. The C library keeps freed memory for either side.",
            "MP3 of 32 to 64 kbit/s. audiomentations' engine is fast-mp3-augment; covary's is libsndfile unless it is"
            " told otherwise: every installation has it, and what a key gives must not depend on what else there is."
            " libsndfile has LAME work at a better quality, which takes four times as long.",
            *skipped.values(),
            f"Not met: {'; '.join(unmet) if unmet else 'none'}.",
        ],
    )


if __name__ == "__main__":
    report.print_machine()
    run(sys.argv[1:])
