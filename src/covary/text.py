"""Operations on text: `covary.ops.text` under its public name, one module and not two."""

import sys

from covary.ops import text as _room
from covary.ops.text import *  # noqa: F403  (for type checkers, which do not see the next line)

sys.modules[__name__] = _room
