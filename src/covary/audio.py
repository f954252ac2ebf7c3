"""Operations on sound: `covary.ops.audio` under its public name, one module and not two."""

import sys

from covary.ops import audio as _room
from covary.ops.audio import *  # noqa: F403  (for type checkers, which do not see the next line)

sys.modules[__name__] = _room
