"""Mixing the samples of a batch: `covary.ops.mix` under its public name, one module and not two."""

import sys

from covary.ops import mix as _room
from covary.ops.mix import *  # noqa: F403  (for type checkers, which do not see the next line)

sys.modules[__name__] = _room
