"""What `import covary` costs on top of `import numpy`: best of fifteen fresh processes each, taken in turn.

python -m benchmarks.import_time
"""

from __future__ import annotations

import subprocess
import sys

PROCESSES = 15
TARGET = 0.05
TIMED_IMPORT = "import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"


def import_seconds(module: str) -> float:
    """Seconds that one fresh process takes to import a module."""
    command = [sys.executable, "-c", TIMED_IMPORT.format(module=module)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    pairs = [(import_seconds("numpy"), import_seconds("numpy, covary")) for _ in range(PROCESSES)]
    numpy_alone, both = (min(seconds) for seconds in zip(*pairs, strict=True))
    extra = both - numpy_alone
    print(f"import numpy           {numpy_alone:.3f} s")
    print(f"import numpy, covary   {both:.3f} s")
    print(f"covary alone           {extra:.3f} s   target {TARGET:.2f} s: {'met' if extra <= TARGET else 'not met'}")


if __name__ == "__main__":
    main()
