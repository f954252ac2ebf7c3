"""Gaussian noise for sounds: the same values with the compiled kernels and without."""

from __future__ import annotations

import numpy as np

from covary import kernels
from covary.draws.streams import TAG_GAUSSIAN, gaussian_values, picture_bits
from covary.plan.audio import Wave
from covary.plan.changes import GaussianField
from covary.plan.stages import Stage, ValueStep


def gaussian_wave(stream: int, channels: int, length: int) -> Wave:
    """(channels, length) float32 of standard normal values: row c of a one-channel picture's noise of that stream.

    A longer call begins with a shorter call's values.
    """
    if not channels or not length:
        return np.zeros((channels, length), dtype=np.float32)
    if kernels.native is None:
        return gaussian_values(picture_bits(stream, TAG_GAUSSIAN, channels, length, 1))[:, :, 0]
    field = GaussianField(np.ones(1), np.zeros(1), np.array([stream], dtype=np.uint64))
    stage = Stage(size=np.array([[channels, length]]), values=(ValueStep(field),))
    # On recycled memory: page faults would cost more than the noise.
    silence, made = (kernels.native.empty((channels, length, 1), np.float32) for _ in range(2))
    silence[...] = 0
    kernels.native.render([stage], [silence], [made], 1, kernels.simd)
    wave: Wave = made.reshape(channels, length)
    return wave
