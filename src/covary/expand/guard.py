"""Which part of a data set may be expanded: the training part alone, unless it is asked for otherwise.

Variations of a picture in the validation or test part make every accuracy measured there wrong; so do variations in the
training part of a picture that is in the other one, too. A variation always stays in the part of its source.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from covary.data.splits import SPLITS, split_named
from covary.expand.errors import ExpandError
from covary.expand.sources import Sources
from covary.plan.changes import Bools

HELD_OUT = frozenset(("val", "test"))
"""Parts that measure what was learnt."""
_AMBIGUOUS = frozenset(("dev",))  # a part, or where a developer keeps everything
_WAY_OUT = "to expand it all the same, say so: any_split=True (--any-split)"


def guarded(
    sources: Sources, *, split: str | None, any_split: bool, with_originals: bool, said: tuple[Path, ...]
) -> tuple[Sources, Bools]:
    """What of a data set is to be expanded.

    Args:
        sources: the whole data set.
        split: the part that the user asked for.
        any_split: whether held-out parts may be expanded.
        with_originals: whether originals of other parts are taken over unchanged; without, they are left out.
        said: paths by which the user named the data set: they may tell that all of it is held out.

    Returns:
        The sources that take part, and which of them are to be expanded.

    Raises:
        ExpandError: only held-out data would be expanded, or there is no such part.
    """
    parts = [entry.split for entry in sources.entries]
    counts = Counter(parts)
    if split is not None:
        return _one_part(sources, split_named(split), any_split)
    everything = np.ones(len(parts), dtype=bool)
    if any_split or not sources.entries:
        return sources, everything
    if set(counts) == {""}:
        for path in said:
            held_out = _held_out_by_name(path)
            if held_out:
                raise ExpandError(
                    f"{path} is held-out data by its name ({held_out!r}); expand the training part, or, {_WAY_OUT}"
                )
        return sources, everything
    wanted = {"train"} if "train" in counts else set(counts) - HELD_OUT
    if not wanted:
        listed = ", ".join(sorted(counts))
        raise ExpandError(f"{sources.root} has held-out data only ({listed}); {_WAY_OUT}")
    expanded = np.array([part in wanted for part in parts])
    others = [f"{number:,} of {part or 'no part'}" for part, number in sorted(counts.items()) if part not in wanted]
    if not others:
        return sources, expanded
    if with_originals:
        note = f"taken over unchanged: {', '.join(others)}; only the training part is expanded"
        return replace(sources, notes=(*sources.notes, note)), expanded
    note = f"left out: {', '.join(others)}; only the training part is expanded (originals can go with it: --originals)"
    entries = tuple(entry for entry, kept in zip(sources.entries, expanded, strict=True) if kept)
    return replace(sources, entries=entries, notes=(*sources.notes, note)), expanded[expanded]


def _one_part(sources: Sources, split: str, any_split: bool) -> tuple[Sources, Bools]:
    entries = tuple(entry for entry in sources.entries if entry.split == split)
    if not entries:
        known = ", ".join(sorted({entry.split for entry in sources.entries} - {""})) or "none that is named"
        raise ExpandError(f"{sources.root}: no {sources.what} of split {split!r}; its parts: {known}")
    if split in HELD_OUT and not any_split:
        raise ExpandError(f"split {split!r} is held-out data; {_WAY_OUT}")
    return replace(sources, entries=entries), np.ones(len(entries), dtype=bool)


def _held_out_by_name(path: Path) -> str:
    """The name on a path that says that all below is held out: the last one, or one that stands beside "train"."""
    real = Path(os.path.realpath(path))
    # A file is "instances_val2017.json", a folder "val" or "val2017"; "test tubes" is neither.
    words = re.split(r"[^a-z]+", real.stem.lower()) if real.is_file() else [re.sub(r"[-_]?\d+$", "", real.name.lower())]
    parts = {SPLITS.get(word) for word in words if word not in _AMBIGUOUS}
    if parts & HELD_OUT and "train" not in parts:
        return real.name
    for folder in real.parents:
        beside = any((folder.parent / name).is_dir() for name in ("train", "training"))
        if beside and SPLITS.get(folder.name.lower()) in HELD_OUT:
            return folder.name
    return ""
