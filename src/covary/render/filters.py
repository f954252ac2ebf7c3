"""The kernels of a filter stage, as one sample uses them."""

from __future__ import annotations

from dataclasses import dataclass

from covary.plan.changes import Floats, Image
from covary.plan.stages import Stage


@dataclass(frozen=True, slots=True, eq=False)
class Taps:
    """One sample's kernel: `both` (kh, kw), or `down` (ky,) and `across` (kx,) where it is separable."""

    down: Floats | None
    across: Floats | None
    both: Floats | None


def filter_taps(stage: Stage, row: int, source: Image) -> Taps:
    """The taps of a stage's filter for one sample.

    Raises:
        ValueError: the stage does not keep its source's size, or a kernel has an even length.
    """
    assert stage.filter is not None
    size = tuple(int(length) for length in stage.size[row])
    if size != source.shape[:2]:
        raise ValueError(f"a Filter keeps the size: the source has {source.shape[:2]}, the stage {size}")
    down, across, both = (
        None if kernel is None else kernel[row]
        for kernel in (stage.filter.kernel_y, stage.filter.kernel_x, stage.filter.kernel)
    )
    for name, kernel in (("kernel_y", down), ("kernel_x", across), ("kernel", both)):
        if kernel is not None and any(length % 2 == 0 for length in kernel.shape):
            raise ValueError(f"Filter: {name} has odd lengths only, not {kernel.shape}")
    return Taps(down, across, both)
