"""Re-derive every output of an expansion, and compare bit for bit. Nothing is written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

from covary import __version__
from covary.data.dataset import Dataset
from covary.data.folder import OWN_FOLDER, Problem
from covary.expand.errors import ExpandError
from covary.expand.files import is_locked
from covary.expand.kinds.text import TextLayout
from covary.expand.manifest import Manifest
from covary.expand.progress import progress_of
from covary.expand.reference import OTHER_BYTES, OTHER_LABELS, Found, Reference, reference_of, reopened_source, told
from covary.expand.rows import OutputRow, SourceRow
from covary.expand.schema import FILE_NAME
from covary.expand.shares import shares_in
from covary.expand.texts import differing_texts
from covary.expand.verify_shards import check_groups, shard_groups
from covary.expand.work import derived
from covary.pipeline import usable_cores


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of an output folder found.

    Attributes:
        checked: output files looked at.
        missing: recorded outputs that are not there.
        altered: outputs whose bytes are not those recorded.
        differing: outputs whose record is not what their source and pipeline give now, with the reason.
        extra: files in the folder that the manifest does not know.
        notes: what else a reader should know.
    """

    checked: int
    missing: tuple[str, ...]
    altered: tuple[str, ...]
    differing: tuple[Problem, ...]
    extra: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every recorded output is there, unaltered and derived again, and nothing else is."""
        return not (self.missing or self.altered or self.differing or self.extra)

    def __str__(self) -> str:
        found = (
            (self.missing, "missing"),
            (self.altered, "altered"),
            (self.differing, "not derivable"),
            (self.extra, "extra"),
        )
        faults = [f"{len(names):,} {what}" for names, what in found if names]
        return f"{self.checked:,} files checked: " + (", ".join(faults) or "all as recorded, all derived again")


def verify(
    out: str | os.PathLike[str],
    source: str | os.PathLike[str] | Dataset | None = None,
    *,
    workers: int | None = None,
    progress: bool | None = False,
) -> Verification:
    """Make every output of an expansion again from its source, and compare bit for bit.

    Args:
        out: the folder that `expand` wrote.
        source: where the sources are now, or their data set, opened; None takes the folder that they were in.
        workers: threads; None uses every core that the process may use.
        progress: None shows a bar on a terminal and plain lines elsewhere; False nothing.

    Raises:
        ExpandError: `out` is no expansion, a run is at work on it, or the source folder is not there.
    """
    target = Path(out).absolute()
    if is_locked(target):
        raise ExpandError(f"{target}: a run is writing there; check it when that has finished")
    if shares_in(target):
        raise ExpandError(f"{target}: shares of a run there are not merged; finish it, or `covary merge {out}`")
    manifest = Manifest.open_to_read(target)
    try:
        settings = manifest.settings()
        dataset = source if isinstance(source, Dataset) else None
        given = source if isinstance(source, str | os.PathLike) else None
        root = Path(settings["source"] if given is None else given).absolute()
        if dataset is None and not root.exists():
            raise ExpandError(f"{root}: the source folder is not there; name it with source= (--source)")
        reference = reference_of(manifest, settings, root, dataset, target)
        rows = list(manifest.sources())
        total = sum(1 for _ in manifest.outputs())
        found: list[Found] = []
        with (
            progress_of("covary verify", total, progress) as shown,
            ThreadPoolExecutor(workers or usable_cores()) as pool,
        ):
            groups = shard_groups(manifest)
            checks = (
                check_groups(pool, reference, groups, manifest)
                if groups
                else _in_order(pool, reference, rows, manifest)
            )
            for result in checks:
                found.append(result)
                shown.made(result.checked)
        known = {FILE_NAME, FILE_NAME + "-journal"}
        known |= {shard.path for shard in manifest.shards()}
        for row in manifest.outputs():
            if row.shard is None:
                known |= {row.path, *(part.path for part in row.parts)}
        altered = [name for part in found for name in part.altered]
        missing = [name for part in found for name in part.missing]
        for name, data in reference.layout.whole(manifest):
            known.add(name)
            try:
                if (target / name).read_bytes() != data:
                    altered.append(name)
            except OSError:
                missing.append(name)
    finally:
        manifest.close(keep=False)
    others = sorted({recipe.version for recipe in reference.recipes.values()} - {__version__})
    return Verification(
        sum(part.checked for part in found),
        tuple(sorted(missing)),
        tuple(sorted(altered)),
        tuple(problem for part in found for problem in part.differing),
        tuple(sorted(name for name in _files(target) if name not in known)),
        tuple(f"made by covary {version}, checked by {__version__}" for version in others),
    )


def _in_order(
    pool: ThreadPoolExecutor, reference: Reference, rows: list[SourceRow], manifest: Manifest
) -> Iterator[Found]:
    """Check all sources, a bounded number at a time; the manifest is read in this thread alone."""
    waiting = iter(rows)
    while part := list(islice(waiting, 64)):
        work = [(row, manifest.outputs_of(row.path)) for row in part]
        yield from pool.map(lambda pair: _check_source(reference, *pair), work)


def _check_source(reference: Reference, source: SourceRow, outputs: list[OutputRow]) -> Found:
    missing, altered = [], []
    in_files = [] if isinstance(reference.layout, TextLayout) and reference.layout.in_rows else outputs
    for row in in_files:
        for path, digest in [(row.path, row.sha256), *((part.path, part.sha256) for part in row.parts)]:
            try:
                # Reading follows a link: an original that was linked is compared by its content.
                if sha256((reference.out / path).read_bytes()).hexdigest() != digest:
                    altered.append(path)
            except OSError:
                missing.append(path)
    derive = differing_texts if isinstance(reference.layout, TextLayout) else _differing
    try:
        differing = derive(reference, source, outputs)
    except (OSError, ValueError, ExpandError) as error:
        differing = [Problem(row.path, f"its source {source.path}: {told(error)}") for row in outputs]
    return Found(len(outputs), tuple(missing), tuple(altered), tuple(differing))


def _differing(reference: Reference, source: SourceRow, outputs: Sequence[OutputRow]) -> list[Problem]:
    if not outputs:
        return []
    opened = reopened_source(reference, source)
    if opened is None:
        return [Problem(row.path, f"its source {source.path} has changed since") for row in outputs]
    entry, content = opened
    differing: list[Problem] = []
    for hash, recipe in reference.recipes.items():
        rows = [row for row in outputs if row.recipe == hash and row.epoch is not None]
        epochs = [row.epoch for row in rows if row.epoch is not None]
        again = derived(reference.pipelines[hash], recipe, reference.layout, entry, content, epochs)
        for row, made in zip(rows, again, strict=True):
            if (made.sha256, made.parts) != (row.sha256, row.parts):
                differing.append(Problem(row.path, OTHER_BYTES))
            elif (made.trace, made.labels) != (row.trace, row.labels):
                differing.append(Problem(row.path, OTHER_LABELS))
    return differing


def _files(out: Path) -> Iterator[str]:
    """All files under the output folder, relative to it."""
    for folder, folders, files in os.walk(out):
        relative = os.path.relpath(folder, out)
        prefix = "" if relative == "." else relative + "/"
        if not prefix and OWN_FOLDER in folders:
            folders.remove(OWN_FOLDER)
        linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
        for name in [*files, *linked]:
            yield prefix + name
