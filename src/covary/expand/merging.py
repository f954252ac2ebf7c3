"""The shares of an expansion become one whole."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from covary.data.folder import Problem
from covary.expand.errors import ExpandError
from covary.expand.files import locked
from covary.expand.kinds.opening import layout_of
from covary.expand.manifest import Manifest
from covary.expand.shares import (
    Share,
    common_settings,
    drop_shares,
    opened_shares,
    replace_rows,
    shares_in,
    unfinished_shares,
)
from covary.expand.whole_files import make_way, write_whole_files


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of shares.

    Attributes:
        shares: how many there were.
        sources: recorded.
        outputs: outputs recorded.
        skipped: sources that could not be used, with the reason.
    """

    shares: int
    sources: int
    outputs: int
    skipped: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was skipped."""
        return not self.skipped

    def __str__(self) -> str:
        text = f"{self.shares:,} shares merged: {self.sources:,} sources, {self.outputs:,} outputs"
        return text + (f"; {len(self.skipped):,} skipped" if self.skipped else "")


def merge(out: str | os.PathLike[str]) -> Merged:
    """Make one expansion of the shares that runs with `shard=(i, n)` have made of it.

    The last of these runs does it by itself; this is for when it could not. `OUT/manifest.sqlite` and the files that
    describe the whole (annotations) become those of a run on one machine. It may be stopped at any moment and be done
    again.

    Args:
        out: the output folder.

    Raises:
        ExpandError: there are no shares, some are not finished or at work, or they were made with different options.
    """
    target = Path(out)
    if not shares_in(target):
        raise ExpandError(f"{target}: no shares there that are to be merged")
    try:
        with locked(target) as temporary:
            return _merge(target, temporary)
    except OSError as error:
        raise ExpandError(f"{error.filename or target}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise ExpandError(f"{target}: the manifest cannot be written: {error}; stopped, do it again") from error


def merge_if_complete(out: Path) -> str:
    """Merge the shares if all are finished and none is at work; a word on what was done, or what it waits for."""
    try:
        with locked(out) as temporary:
            shares = shares_in(out)
            if not shares:
                return "another run has merged all shares"
            with opened_shares(out, shares) as manifests:
                missing = unfinished_shares(shares, manifests)
            if missing:
                return f"not merged yet: {_some(missing)} to be run"
            return str(_merge(out, temporary))
    except ExpandError as error:
        # Whoever is at work there looks again when it has finished.
        return f"not merged yet: {error}"


def _merge(out: Path, temporary: Path) -> Merged:
    shares = shares_in(out)
    with opened_shares(out, shares) as manifests:
        missing = unfinished_shares(shares, manifests)
        if missing:
            raise ExpandError(f"{out}: {_some(missing)} not finished: run it again, or the whole without a shard")
        settings = common_settings(shares, manifests)
        whole = Manifest.open(out)
        try:
            make_way(out, whole.settings(), settings)
            replace_rows(whole, manifests)
            whole.set_settings(settings)
            whole.commit()
            write_whole_files(out, temporary, type(layout_of(settings)), whole)
            sources = list(whole.sources())
            outputs = sum(1 for _ in whole.outputs())
        finally:
            whole.close(keep=False)
    drop_shares(out)
    skipped = tuple(Problem(row.path, row.reason or "") for row in sources if row.status != "ok")
    return Merged(len(shares), len(sources), outputs, skipped)


def _some(missing: Sequence[Share]) -> str:
    names = ", ".join(map(str, missing[:8])) + (" ..." if len(missing) > 8 else "")
    return f"shard {names}" if len(missing) == 1 else f"shards {names}"
