"""Operations on images: `covary.ops.image` under its public name, one module and not two."""

import sys

from covary.ops import image as _room
from covary.ops.image import *  # noqa: F403  (for type checkers, which do not see the next line)

sys.modules[__name__] = _room
