"""Operations on spectrograms: `covary.ops.spectrogram` under its public name, one module and not two."""

import sys

from covary.ops import spectrogram as _room
from covary.ops.spectrogram import *  # noqa: F403  (for type checkers, which do not see the next line)

sys.modules[__name__] = _room
