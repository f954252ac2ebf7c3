"""The kernels of a filter stage, as one sample uses them."""

from __future__ import annotations

from dataclasses import dataclass

from covary.plan.changes import Filter, Floats


@dataclass(frozen=True, slots=True, eq=False)
class Separable:
    """One sample's kernel as a pair: `down` (ky,) and `across` (kx,)."""

    down: Floats
    across: Floats


def filter_taps(change: Filter, row: int | slice) -> Separable | Floats:
    """One sample's kernel: a separable pair, or (kh, kw) taps; those of several samples by a slice.

    Raises:
        ValueError: a kernel is missing or has an even length.
    """
    for name, kernel in (("kernel_y", change.kernel_y), ("kernel_x", change.kernel_x), ("kernel", change.kernel)):
        if kernel is not None and any(length % 2 == 0 for length in kernel.shape[1:]):
            raise ValueError(f"Filter: {name} has odd lengths only, not {kernel.shape[1:]}")
    if change.kernel is not None:
        taps: Floats = change.kernel[row]
        return taps
    if change.kernel_y is None or change.kernel_x is None:
        raise ValueError("Filter: expected kernel_y and kernel_x, or kernel")
    return Separable(change.kernel_y[row], change.kernel_x[row])
