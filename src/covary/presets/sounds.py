"""Presets for sounds of any rate and length."""

from __future__ import annotations

from covary.ops import audio
from covary.ops.combine import OneOf
from covary.pipeline import Pipeline


def speech(*, seed: int = 0) -> Pipeline:
    """Speech: what is said, or who says it.

    Leaves out playing backwards (it is no speech), shifts of the pitch by more than a semitone and a half (a voice
    becomes another's, a question a statement) and long gaps (they swallow words).

    Args:
        seed: of the pipeline.
    """
    return Pipeline(
        [
            audio.Tempo((0.9, 1.1), p=0.4),
            audio.PitchShift(1.5, p=0.2),
            audio.Shift((-0.05, 0.05), roll=False, p=0.3),
            OneOf([audio.SevenBandEQ(6), audio.LowPass((2500, 7000))], p=0.3),
            audio.ColorNoise(snr_db=(15, 40), p=0.4),
            audio.Gain(6, p=0.5),
        ],
        seed=seed,
    )


def sounds(*, seed: int = 0) -> Pipeline:
    """Sounds of things, animals, machines and places.

    Leaves out playing backwards (a bang becomes a swell), large shifts of the pitch (size is heard by pitch) and strong
    filters (they take away what tells the sound).

    Args:
        seed: of the pipeline.
    """
    return Pipeline(
        [
            audio.Shift((-0.3, 0.3), p=0.5),
            audio.TimeStretch((0.85, 1.18), p=0.3),
            audio.PitchShift(2, p=0.3),
            audio.SevenBandEQ(6, p=0.3),
            audio.ColorNoise(snr_db=(10, 40), p=0.4),
            audio.TimeMask((0.02, 0.1), p=0.3),
            audio.Gain(9, p=0.5),
        ],
        seed=seed,
    )
