"""The compiled kernels: `native` is the extension module, or None where it could not be built."""

from __future__ import annotations

import os
import warnings
from types import ModuleType

native: ModuleType | None
try:
    from covary import _native as native
except ImportError:
    native = None

# COVARY_SIMD=off forces the portable code; the pixels are the same.
simd: bool = os.environ.get("COVARY_SIMD", "on").lower() not in {"off", "0", "no", "false"}

_warned = False


def warn_once() -> None:
    """Say, once a process, that the kernels are missing; what needs them calls this before it falls back."""
    global _warned
    if native is None and not _warned:
        _warned = True
        warnings.warn(
            "covary's compiled kernels are missing; slower renderers take their place. "
            "Reinstall covary with a C++17 compiler at hand to build them.",
            RuntimeWarning,
            stacklevel=3,
        )
