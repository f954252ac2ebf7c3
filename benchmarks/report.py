"""What is printed: the machine, the versions, and tables of text."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import timing
from benchmarks.timing import Times

PEERS = ("albumentations", "audiomentations", "nlpaug", "torchvision")
PACKAGES = ("covary", *PEERS, "kornia", "torch", "opencv-python-headless", "numpy")


def processor() -> str:
    """The processor's name, as well as this system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.partition(":")[::2] for line in lines if ":" in line)
    stripped = {name.strip(): value.strip() for name, value in fields.items()}
    return stripped.get("model name", platform.machine())


def versions() -> str:
    """The versions of all that takes part."""
    parts = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            parts.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            parts.append(f"{name} not installed")
    return ", ".join(parts)


def print_machine() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"machine   {processor()}, {cores} cores, {platform.system()} {platform.machine()}")
    print(f"versions  {versions()}")
    print(f"clock     {'processor time' if timing.USES_PROCESSOR_TIME else 'wall'}")
    print(f"command   {' '.join(['python', '-m', command_name(), *sys.argv[1:]])}")


def command_name() -> str:
    """The module that was started."""
    spec = sys.modules["__main__"].__spec__
    return spec.name.removesuffix(".__main__") if spec else sys.argv[0]


def print_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> None:
    """A table; the first column stands to the left, all others to the right."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        rest = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return "  ".join([cells[0].ljust(widths[0]), *rest]).rstrip()

    print(f"\n{title}\n")
    print(line(heads))
    print("  ".join("-" * width for width in widths))
    for row in rows:
        print(line(row), flush=True)
    if notes:
        print()
    for note in notes:
        print(note)


def microseconds(value: float | None) -> str:
    return "not available" if value is None else f"{value:,.0f}"


def times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def verdict(met: bool) -> str:
    return "met" if met else "not met"


def comparison(name: str, times: Times, peer: str, at_least: float) -> list[str]:
    """A row that sets covary's "batch" and "single" beside a peer: times, ratios, and whether that is enough."""
    ours = [microseconds(times.median(way)) for way in ("batch", "single")]
    if peer not in times.rounds:
        return [name, *ours, microseconds(None), "-", "-", ""]
    batch, single = times.ratio(peer, "batch"), times.ratio(peer, "single")
    return [
        name,
        *ours,
        microseconds(times.median(peer)),
        f"{batch:.2f}x",
        f"{single:.2f}x",
        f"{at_least:.2f}x {verdict(batch >= at_least)}",
    ]
