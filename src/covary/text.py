"""`import covary.text` gives the operations on text, which live in `covary.ops.text`."""

import sys

from covary.ops import text
from covary.ops.text import *  # noqa: F403

sys.modules[__name__] = text
