"""What a packing did."""

from __future__ import annotations

from dataclasses import dataclass

from covary.data.folder import Problem


@dataclass(frozen=True, slots=True)
class PackReport:
    """What a packing did.

    Attributes:
        samples: samples in the shards, those of earlier runs among them.
        shards: shards that there are.
        made: shards written by this run.
        bytes: size of all shards.
        skipped: samples that could not be used, with the reason.
    """

    samples: int
    shards: int
    made: int
    bytes: int
    skipped: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was skipped."""
        return not self.skipped

    def __str__(self) -> str:
        text = f"{self.samples:,} samples in {self.shards:,} shards, {self.bytes / 1e6:,.1f} MB; {self.made:,} made"
        if self.shards > self.made:
            text += f", {self.shards - self.made:,} already there"
        if self.skipped:
            text += f"; {len(self.skipped):,} skipped"
        return text
