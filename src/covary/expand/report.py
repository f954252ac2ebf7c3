"""What an expansion did."""

from __future__ import annotations

from dataclasses import dataclass

from covary.data.folder import Problem


@dataclass(frozen=True, slots=True)
class Report:
    """What an expansion did.

    Attributes:
        sources: pictures found.
        made: output files written by this run.
        kept: output files that were already right.
        removed: output files removed, because their source, or the wish for them, is gone.
        skipped: pictures and folders that could not be used, with the reason.
        notes: what else a reader should know.
        fewer: sources of which not all variations that were asked for could be made, with the reason.
        what: the sources are.
    """

    sources: int
    made: int
    kept: int
    removed: int
    skipped: tuple[Problem, ...]
    notes: tuple[str, ...]
    fewer: tuple[Problem, ...] = ()
    what: str = "pictures"

    @property
    def ok(self) -> bool:
        """Whether nothing was skipped."""
        return not self.skipped

    def __str__(self) -> str:
        made = "variations" if self.what == "texts" else "files"
        counts = f"{self.sources:,} {self.what}: {self.made:,} {made} made, {self.kept:,} already there"
        if self.removed:
            counts += f", {self.removed:,} removed"
        if self.fewer:
            counts += f"; not as many as asked for of {len(self.fewer):,}"
        if self.skipped:
            counts += f"; {len(self.skipped):,} skipped"
        return counts


def printable(name: str) -> str:
    """A file name as one printable line: control characters and bytes that are no UTF-8 are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in name)
