"""Shares of an expansion: several runs, on any machines that see both folders, that write into one output folder.

Run i of n makes the outputs of its share of the sources, where a run on one machine would put them, and records them in
a manifest of its own, OUT/.covary/shares/i-of-n/manifest.sqlite. Which share a source belongs to is told by its name,
or by the group with which it goes into shards, so no two runs make the same file. When all n are done, their manifests
become the one of the whole: the last run does it, or `merge`. Until then OUT/manifest.sqlite is that of before.

Each run holds the lock of its share, and the lock of the folder together with the others; who merges holds the latter
alone. A merge may be stopped at any moment and be done again: it reads the shares' manifests, which it removes at its
end, and writes the whole one in one transaction.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from covary.data.folder import OWN_FOLDER
from covary.draws.keys import key_number
from covary.expand.errors import ExpandError
from covary.expand.manifest import TABLES, Manifest, Table, from_column
from covary.expand.rows import OutputRow
from covary.expand.schema import FILE_NAME
from covary.expand.survey import Finding, Plan
from covary.expand.survey_shards import ShardPlan

_FOLDER = "shares"
_MERGED = "merged"
_NAME = re.compile(r"(\d+)-of-(\d+)")
_FINISHED = "share finished"
_LISTING = "share listing"
_OWN_SETTINGS = (_FINISHED, _LISTING)
_SHARD = [part.name for part in fields(OutputRow)].index("shard")


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a run's work.

    Attributes:
        index: which, from 0 on.
        count: how many shares there are.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not (type(self.index) is int and type(self.count) is int and 0 <= self.index < self.count):
            raise ValueError(
                f"expand: shard is ({self.index!r}, {self.count!r}); allowed: (i, n) with 0 <= i < n: of 8, 0/8 to 7/8"
            )

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @classmethod
    def parsed(cls, text: str) -> Share:
        """The share that "0/8" stands for.

        Raises:
            ValueError: it stands for none.
        """
        index, slash, count = text.partition("/")
        if not (slash and index.strip().isdecimal() and count.strip().isdecimal()):
            raise ValueError(f"expand: shard is {text!r}; allowed: i/n with 0 <= i < n, such as 0/8")
        return cls(int(index), int(count))

    def folder(self, out: Path) -> Path:
        """Where the share's manifest, lock and unfinished files lie."""
        return out / OWN_FOLDER / _FOLDER / f"{self.index}-of-{self.count}"


@dataclass(frozen=True, slots=True)
class Owners:
    """Which share everything belongs to that a manifest records.

    Attributes:
        count: how many shares there are.
        known: the share of each name for which something else than the name tells it: of sources whose outputs lie in
            shards together, of their group and of its shards.
    """

    count: int
    known: Mapping[str, int]

    def of(self, name: str) -> int:
        """The share of a source, a group of sources, or a file with many outputs."""
        return self.known[name] if name in self.known else key_number(name) % self.count

    def of_row(self, table: Table, row: tuple[Any, ...]) -> int | None:
        """The share of a row; None for what all shares need."""
        match table:
            case "recipes":
                return None
            case "sources" | "checks" | "shards":
                name = row[0]
            case "outputs":
                name = row[1] if row[_SHARD] is None else row[_SHARD]
            case "pending":
                name = row[1]
        return self.of(from_column(name))


def owners_of(plan: Plan, count: int) -> tuple[Owners, list[int]]:
    """Who owns what, and the share of each number of a plan.

    Sources whose outputs are files go by their names: a new one changes nobody's share. Groups go round.
    """
    if not isinstance(plan, ShardPlan):
        owners = Owners(count, {})
        return owners, [owners.of(name) for name in plan.names]
    known: dict[str, int] = {}
    for group in plan.groups:
        owner = group.number % count
        names = [group.name, *(path for _, path in plan.shards(group)), *plan.names_in(group)]
        known |= dict.fromkeys(names, owner)
    return Owners(count, known), [group.number % count for group in plan.groups]


class SharePlan:
    """A share of a plan.

    Args:
        plan: the whole.
        share: which share of it.
    """

    def __init__(self, plan: Plan, share: Share) -> None:
        self._plan = plan
        self._share = share
        self.owners, of_number = owners_of(plan, share.count)
        self._numbers = [number for number, owner in enumerate(of_number) if owner == share.index]

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def names(self) -> list[str]:
        names = self._plan.names
        return [name for name in names if self.owners.of(name) == self._share.index]

    @property
    def total(self) -> int:
        return sum(self.outputs(number) for number in range(len(self)))

    def outputs(self, number: int) -> int:
        return self._plan.outputs(self._numbers[number])

    def clear(self, manifest: Manifest) -> int:
        for name in self._plan.names:
            if self.owners.of(name) != self._share.index:
                manifest.drop_source(name)  # it has come to another group, and so to another share
        return self._plan.clear(manifest)

    def survey(self, manifest: Manifest, number: int) -> Finding:
        return self._plan.survey(manifest, self._numbers[number])


def open_share_manifest(out: Path, share: Share, owners: Owners) -> Manifest:
    """The manifest of a share; a new one begins with what the whole one records of the share.

    Raises:
        ExpandError: it, or that of the whole, is none of ours.
    """
    folder = share.folder(out)
    manifest = Manifest.open(folder)
    if manifest.settings() or not (out / FILE_NAME).is_file():
        return manifest
    try:
        whole = Manifest.open_to_read(out)
        try:
            for table in TABLES:
                held = (row for row in whole.rows(table) if owners.of_row(table, row) in (None, share.index))
                manifest.put_rows(table, held)
            manifest.set_settings(whole.settings())
        finally:
            whole.close(keep=False)
    except BaseException:
        manifest.close(keep=False)
        raise
    return manifest


def marked(settings: Mapping[str, str], plan: Plan) -> dict[str, str]:
    """The settings of a share at work: with a digest of all sources, as shares of different ones do not go together.

    Args:
        settings: of the run.
        plan: the whole plan.
    """
    digest = sha256(json.dumps(list(plan.names)).encode()).hexdigest()
    return {**settings, _LISTING: digest}


def mark_finished(manifest: Manifest) -> None:
    """Record that a share has nothing left to do."""
    manifest.set_settings({**manifest.settings(), _FINISHED: "yes"})


def without_marks(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings of the whole, from those of a share."""
    return {name: value for name, value in settings.items() if name not in _OWN_SETTINGS}


def shares_in(out: Path) -> list[Share]:
    """The shares of which anything is recorded that was not merged."""
    try:
        names = [path.name for path in (out / OWN_FOLDER / _FOLDER).iterdir() if (path / FILE_NAME).is_file()]
    except OSError:
        return []
    found = [Share(int(match[1]), int(match[2])) for name in names if (match := _NAME.fullmatch(name))]
    return sorted(found, key=lambda share: (share.count, share.index))


def check_count(out: Path, share: Share) -> None:
    """Refuse a share of a run that is divided otherwise.

    Raises:
        ExpandError: there are shares of another count.
    """
    others = [other for other in shares_in(out) if other.count != share.count]
    if others:
        raise ExpandError(
            f"{out} has shares of a run in {others[0].count}, which are not merged: finish those, or run without a "
            "shard to take over what they did"
        )


@contextmanager
def opened_shares(out: Path, shares: Sequence[Share]) -> Iterator[list[Manifest]]:
    """The manifests of shares."""
    manifests: list[Manifest] = []
    try:
        for share in shares:
            manifests.append(Manifest.open(share.folder(out)))
        yield manifests
    finally:
        for manifest in manifests:
            manifest.close(keep=False)


def unfinished_shares(shares: Sequence[Share], manifests: Sequence[Manifest]) -> list[Share]:
    """The shares that have not been run, or not to the end."""
    count = shares[0].count
    done = {
        share.index
        for share, manifest in zip(shares, manifests, strict=True)
        if share.count == count and _FINISHED in manifest.settings()
    }
    return [Share(index, count) for index in range(count) if index not in done]


def common_settings(shares: Sequence[Share], manifests: Sequence[Manifest]) -> dict[str, str]:
    """The settings by which all shares were made.

    Raises:
        ExpandError: they differ: what was made does not belong together.
    """
    first = {name: value for name, value in manifests[0].settings().items() if name != _FINISHED}
    for share, manifest in zip(shares, manifests, strict=True):
        here = {name: value for name, value in manifest.settings().items() if name != _FINISHED}
        differing = sorted(name for name in first.keys() | here.keys() if first.get(name) != here.get(name))
        if differing:
            what = "the sources" if differing[0] == _LISTING else differing[0]
            raise ExpandError(
                f"shares {shares[0]} and {share} differ in {what}: run all shares again, with the same options"
            )
    return without_marks(first)


def replace_rows(whole: Manifest, manifests: Sequence[Manifest]) -> None:
    """Make the whole manifest that of all shares together."""
    whole.clear()
    for manifest in manifests:
        for table in TABLES:
            whole.put_rows(table, manifest.rows(table))


def take_over(out: Path, whole: Manifest) -> int:
    """Add to the whole manifest what shares recorded, finished or not; returns how many shares there were.

    It is not asked whether they belong together: a run that follows makes right what is not.
    """
    shares = shares_in(out)
    with opened_shares(out, shares) as manifests:
        for manifest in manifests:
            for name in manifest.source_paths():
                for row in whole.outputs_of(name):
                    if row.shard is None:
                        whole.drop_output(row.path)
            for shard in manifest.shards():
                whole.drop_shard(shard.path)
            for table in TABLES:
                whole.put_rows(table, manifest.rows(table))
            if not whole.settings():
                whole.set_settings(without_marks(manifest.settings()))
    if shares:
        whole.commit()
    drop_shares(out)
    return len(shares)


def drop_shares(out: Path) -> None:
    """Remove the folders of all shares: all at once for whoever looks, whenever it is stopped."""
    own = out / OWN_FOLDER
    shutil.rmtree(own / _MERGED, ignore_errors=True)
    if (own / _FOLDER).exists():
        (own / _FOLDER).rename(own / _MERGED)
        shutil.rmtree(own / _MERGED, ignore_errors=True)
