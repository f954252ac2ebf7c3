"""The compiled kernels, or None where the extension was not built."""

from __future__ import annotations

try:
    from covary import _native as native
except ImportError:
    native = None
