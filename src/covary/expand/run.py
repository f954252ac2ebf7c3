"""One run on one output folder: what is to be done, done by an engine, recorded by one writer."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from typing import Literal, TypeAlias

from covary.data.folder import Problem
from covary.expand.engines import Engine, MakeEngine
from covary.expand.errors import ExpandError
from covary.expand.manifest import Manifest
from covary.expand.orders import Order, Outcome, Result
from covary.expand.progress import Progress
from covary.expand.report import Report, printable
from covary.expand.shares import SharePlan, mark_finished
from covary.expand.sources import Sources
from covary.expand.survey import Plan, drop_outputs, drop_parts
from covary.expand.whole_files import make_way, write_whole_files

OnError: TypeAlias = Literal["skip", "raise"]

PLANNED_AT_ONCE = 32
COMMIT_INTERVAL = 1.0  # seconds


class Run:
    """One run on one output folder; its methods are called by one thread."""

    def __init__(
        self,
        order: Order,
        sources: Sources,
        plan: Plan,
        manifest: Manifest,
        make_engine: MakeEngine,
        on_error: OnError,
    ) -> None:
        self._order = order
        self._sources = sources
        self._plan = plan
        self._manifest = manifest
        self._make_engine = make_engine
        self._on_error = on_error
        self._is_share = isinstance(plan, SharePlan)
        self._skipped = list(sources.problems)
        self._made = self._kept = self._removed = 0
        self._fewer: tuple[Problem, ...] = ()
        self._committed = time.monotonic()

    def carry_out(self, settings: Mapping[str, str], shown: Progress) -> Report:
        """Do all that is to be done."""
        finished = False
        try:
            self._begin(settings)
            self._refuse_skipped()
            self._work(shown)
            self._finish()
            finished = True
        finally:
            try:
                self._manifest.close(keep=True)
            except sqlite3.Error:
                if finished:
                    raise
        return Report(
            len(self._plan.names),
            self._made,
            self._kept,
            self._removed,
            tuple(sorted(self._skipped, key=lambda problem: problem.name)),
            self._sources.notes,
            what=self._sources.what,
            fewer=self._fewer,
        )

    def _begin(self, settings: Mapping[str, str]) -> None:
        manifest, order = self._manifest, self._order
        before = manifest.settings()
        names = manifest.source_paths()
        if names and before.get("source") != settings["source"]:
            present = {entry.name for entry in self._sources.entries}
            if present.isdisjoint(names):
                raise ExpandError(
                    f"{order.out} is the expansion of {before.get('source')}; choose another output folder"
                )
        if not self._is_share:
            make_way(order.out, before, settings)
        manifest.set_settings(dict(settings))
        manifest.add_recipe(order.recipe)
        self._removed += self._plan.clear(manifest)
        manifest.commit()

    def _finish(self) -> None:
        order = self._order
        self._manifest.drop_unused_recipes(order.recipe.hash)
        if self._is_share:
            mark_finished(self._manifest)
        self._manifest.commit()
        self._fewer = tuple(Problem(name, reason) for name, reason in self._manifest.short_sources())
        if not self._is_share:
            write_whole_files(order.out, order.temporary, type(order.layout), self._manifest)

    def _work(self, shown: Progress) -> None:
        engine = self._make_engine(self._order, len(self._plan))
        try:
            for start in range(0, len(self._plan), PLANNED_AT_ONCE):
                tasks = []
                for number in range(start, min(start + PLANNED_AT_ONCE, len(self._plan))):
                    finding = self._plan.survey(self._manifest, number)
                    self._kept += finding.kept
                    self._removed += finding.removed
                    self._skipped += finding.problems
                    if finding.task is not None:
                        tasks.append(finding.task)
                        self._manifest.set_pending(finding.name, finding.unrecorded)
                    else:
                        shown.spared(finding.outputs)
                self._refuse_skipped()
                if tasks:
                    self._manifest.commit()  # before any of these files is made
                for task in tasks:
                    while engine.full:
                        self._collect(engine, shown)
                    engine.submit(task)
            while not engine.idle:
                self._collect(engine, shown)
        finally:
            for result in engine.stop().results:
                self._record(result, shown)

    def _collect(self, engine: Engine, shown: Progress) -> None:
        finished = engine.collect()
        for result in finished.results:
            self._record(result, shown)
        if finished.failure is not None:
            raise finished.failure
        self._refuse_skipped()
        if time.monotonic() - self._committed > COMMIT_INTERVAL:
            self._manifest.commit()
            self._committed = time.monotonic()

    def _record(self, result: Result, shown: Progress) -> None:
        manifest = self._manifest
        for shard, outputs in result.shards:
            manifest.put_shard(shard, outputs)
        if result.group:
            manifest.clear_pending(result.group)
        # Shards that stay as they are, because a source of theirs cannot be read now, keep their record.
        stays = result.group and not result.shards and any(outcome.unreadable for outcome in result.outcomes)
        for outcome in result.outcomes:
            if not result.group:
                self._record_files(outcome)
            if not stays:
                manifest.put_source(outcome.source, outcome.check)
            made = len(outcome.outputs)
            if outcome.source.status == "ok":
                self._made += made
                self._kept += outcome.wanted - made - outcome.short
                shown.made(made)
                shown.spared(outcome.wanted - made)
            else:
                shown.spared(outcome.wanted)
                self._skipped.append(Problem(outcome.source.path, outcome.source.reason or ""))

    def _record_files(self, outcome: Outcome) -> None:
        manifest, source = self._manifest, outcome.source
        made = {row.path for row in outcome.outputs}
        files = made | {part.path for row in outcome.outputs for part in row.parts}
        if outcome.fresh:
            old = [row.path for row in manifest.outputs_of(source.path) if row.path not in made]
            drop_outputs(self._order.out, manifest, old, spare=files)
            self._removed += len(old)
        if not outcome.unreadable:
            # What an earlier run left half done, and this one could not do again.
            drop_outputs(self._order.out, manifest, set(manifest.pending(source.path)) - files)
            manifest.clear_pending(source.path)
        for row in outcome.outputs:
            drop_parts(self._order.out, manifest, row.path, spare=files)
            manifest.put_output(row)

    def _refuse_skipped(self) -> None:
        if self._skipped and self._on_error == "raise":
            problem = self._skipped[0]
            raise ExpandError(f"{printable(problem.name)}: {problem.reason}")
