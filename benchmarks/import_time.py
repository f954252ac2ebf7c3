"""What imports cost on top of `import numpy`: best of fifteen fresh processes each, taken in turn.

python -m benchmarks.import_time
"""

from __future__ import annotations

import subprocess
import sys

PROCESSES = 15
# Statement behind `import numpy` -> seconds that it may take.
TARGETS = {"import covary": 0.05, "from covary import audio": 0.1}
TIMED = "import time; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"


def seconds(code: str) -> float:
    """Seconds that one fresh process takes for some code."""
    command = [sys.executable, "-c", TIMED.format(code=code)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    statements = ["import numpy", *(f"import numpy; {statement}" for statement in TARGETS)]
    rounds = [[seconds(statement) for statement in statements] for _ in range(PROCESSES)]
    numpy_alone, *both = (min(times) for times in zip(*rounds, strict=True))
    print(f"{'import numpy':<26}{numpy_alone:.3f} s")
    for (statement, target), whole in zip(TARGETS.items(), both, strict=True):
        extra = whole - numpy_alone
        print(f"{statement:<26}{extra:.3f} s more   target {target:.2f} s: {'met' if extra <= target else 'not met'}")


if __name__ == "__main__":
    main()
