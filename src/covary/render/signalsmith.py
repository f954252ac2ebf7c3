"""Another tempo by Signalsmith Stretch, through the optional package python-stretch."""

from __future__ import annotations

import numpy as np

from covary.plan.audio import Wave


def stretch(wave: Wave, tempo: float, length: int, rate: int) -> Wave:
    """As `covary.render.vocoder.stretch`, by Signalsmith Stretch with a fixed seed.

    Raises:
        ImportError: python-stretch is not installed; the message has the line that installs it.
    """
    try:
        from python_stretch.Signalsmith import Stretch
    except ImportError:
        raise ImportError('engine "signalsmith" needs python-stretch: pip install python-stretch') from None
    made = np.zeros((wave.shape[0], length), dtype=np.float32)
    if not wave.shape[1]:
        return made
    engine = Stretch(0)
    engine.preset(wave.shape[0], rate)
    engine.setTimeFactor(tempo)
    # It wants more than a block of sound; silence behind the end changes nothing before it.
    least = max(wave.shape[1], 2 * engine.blockSamples())
    padded = np.ascontiguousarray(np.pad(wave, ((0, 0), (0, least - wave.shape[1]))))
    result = np.asarray(engine.process(padded))[:, :length]
    made[:, : result.shape[1]] = result
    return made
