"""Single operations on sound: 4 s at 16 kHz and 10 s at 44.1 kHz, one channel, float32.

    python -m benchmarks.sounds [NAME ...]

Operations that have a counterpart in audiomentations 0.43.1, with comparable parameters, always applied, one thread.
The results of a batch are all held until it is complete, by either library.
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

BATCH = 8
FORMATS = ((16000, 4), (44100, 10))


@dataclass(frozen=True)
class Operation:
    """One operation, or a chain, as both libraries say it, and how many times as fast as audiomentations it has to be.

    `ours` is given `covary.audio`, `theirs` is given `audiomentations`; both a folder with responses and noises.
    """

    name: str
    ours: Callable[[Any, Path], list[Any]]
    theirs: Callable[[Any, Path], Any]
    at_least: float = 1 / 1.1


def chain_of_ours(a: Any, folder: Path) -> list[Any]:
    return [a.GaussianSNR((5, 40)), a.SevenBandEQ(), a.ImpulseResponse(folder / "responses"), a.Gain(12)]


def chain_of_theirs(a: Any, folder: Path) -> Any:
    parts = [a.AddGaussianSNR(p=1), a.SevenBandParametricEQ(p=1), a.ApplyImpulseResponse(folder / "responses", p=1)]
    return a.Compose([*parts, a.Gain(p=1)])


OPERATIONS = (
    Operation("Gain", lambda a, _: [a.Gain(12)], lambda a, _: a.Gain(p=1)),
    Operation("Normalize", lambda a, _: [a.Normalize()], lambda a, _: a.Normalize(p=1)),
    Operation("Shift", lambda a, _: [a.Shift()], lambda a, _: a.Shift(p=1)),
    Operation("Reverse", lambda a, _: [a.Reverse(p=1)], lambda a, _: a.Reverse(p=1)),
    Operation("TimeMask", lambda a, _: [a.TimeMask()], lambda a, _: a.TimeMask(p=1)),
    Operation("GaussianNoise", lambda a, _: [a.GaussianNoise()], lambda a, _: a.AddGaussianNoise(p=1), 1.5),
    Operation("GaussianSNR", lambda a, _: [a.GaussianSNR()], lambda a, _: a.AddGaussianSNR(p=1), 1.5),
    Operation("ColorNoise", lambda a, _: [a.ColorNoise()], lambda a, _: a.AddColorNoise(p=1), 1.5),
    Operation(
        "BackgroundNoise",
        lambda a, folder: [a.BackgroundNoise(folder / "noises")],
        lambda a, folder: a.AddBackgroundNoise(folder / "noises", p=1),
        1.5,
    ),
    Operation("LowPass", lambda a, _: [a.LowPass()], lambda a, _: a.LowPassFilter(p=1), 1.5),
    Operation("HighPass", lambda a, _: [a.HighPass()], lambda a, _: a.HighPassFilter(p=1), 1.5),
    Operation("BandPass", lambda a, _: [a.BandPass()], lambda a, _: a.BandPassFilter(p=1), 1.5),
    Operation("Peaking", lambda a, _: [a.Peaking()], lambda a, _: a.PeakingFilter(p=1), 1.5),
    Operation("SevenBandEQ", lambda a, _: [a.SevenBandEQ()], lambda a, _: a.SevenBandParametricEQ(p=1), 1.5),
    Operation("AirAbsorption", lambda a, _: [a.AirAbsorption()], lambda a, _: a.AirAbsorption(p=1), 1.5),
    Operation(
        "ImpulseResponse",
        lambda a, folder: [a.ImpulseResponse(folder / "responses")],
        lambda a, folder: a.ApplyImpulseResponse(folder / "responses", p=1),
        1.5,
    ),
    Operation("noise + EQ + response + gain", chain_of_ours, chain_of_theirs, 4),
    Operation("Room", lambda a, _: [a.Room()], lambda a, _: a.RoomSimulator(p=1), 20),
    Operation("TimeStretch", lambda a, _: [a.TimeStretch()], lambda a, _: a.TimeStretch(p=1), 1),
    Operation("PitchShift", lambda a, _: [a.PitchShift()], lambda a, _: a.PitchShift(p=1), 1),
    Operation("ResampleTo", lambda a, _: [a.ResampleTo(8000)], lambda a, _: a.Resample(8000, 8000, p=1)),
    Operation("Mp3", lambda a, _: [a.Mp3()], lambda a, _: a.Mp3Compression(p=1)),
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


def time_operation(operation: Operation, sounds: list[Any], rate: int, folder: Path) -> Times:
    from covary import Pipeline, audio

    pipeline = Pipeline(operation.ours(audio, folder), seed=1, threads=1, rate=rate)
    jobs = {
        "batch": (lambda: pipeline.batch(audio=sounds), len(sounds)),
        "single": (lambda: [pipeline(audio=sound) for sound in sounds], len(sounds)),
    }
    library = audiomentations()
    if library is not None:
        theirs = operation.theirs(library, folder)
        jobs["audiomentations"] = (
            lambda: [theirs(samples=sound, sample_rate=rate) for sound in sounds],
            len(sounds),
        )
    return take_turns(jobs, rounds=5)


def run(names: list[str]) -> None:
    chosen = [operation for operation in OPERATIONS if not names or operation.name in names]
    for rate, seconds in FORMATS:
        draw = np.random.default_rng(2)
        sounds = [(0.1 * draw.standard_normal(rate * seconds)).astype(np.float32) for _ in range(BATCH)]
        with tempfile.TemporaryDirectory() as name:
            fill(Path(name), rate)
            rows = [
                report.comparison(
                    operation.name,
                    time_operation(operation, sounds, rate, Path(name)),
                    "audiomentations",
                    operation.at_least,
                )
                for operation in chosen
            ]
        unmet = [cells[0] for cells in rows if cells[-1].endswith("not met")]
        report.print_table(
            f"Operations on sound: {seconds} s at {rate / 1000:g} kHz, microseconds per sound, one thread",
            (
                "operation",
                "covary batch",
                "covary single",
                "audiomentations",
                "batch/aud.",
                "single/aud.",
                "target (batch)",
            ),
            rows,
            [f"Batches of {BATCH}. Not met: {', '.join(unmet) if unmet else 'none'}."],
        )


if __name__ == "__main__":
    report.print_machine()
    run(sys.argv[1:])
