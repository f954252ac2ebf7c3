"""All runs of an experiment in one SQLite file: what is done once need not be done again.

runs      digest of everything that decides a run; what it is, for people; seconds; predictions
results   other things that took time (settings, groups), by the digest of what decides them, as JSON
"""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

APPLICATION = 0x636F7661
VERSION = 1

SCHEMA = """
CREATE TABLE runs (digest TEXT PRIMARY KEY, about TEXT NOT NULL, seconds REAL NOT NULL, scored BLOB NOT NULL);
CREATE TABLE results (digest TEXT PRIMARY KEY, about TEXT NOT NULL, seconds REAL NOT NULL, value TEXT NOT NULL);
"""


@dataclass(frozen=True, eq=False)
class Scored:
    """What is kept of a run.

    Attributes:
        predicted: (N,) predicted classes of the test part, in the order of `Trial.test`; None where only a score is
            known.
        score: share of test samples that are right, or the user's own score; higher is better.
        test: (N, C) logits, None where they are not known.
        validation: (M, C) logits of the validation part, likewise.
        corrupted: predicted classes (N,) of the test part under each corruption.
        seconds: that the whole run took, scoring included.
        training_seconds: of training alone.
        epochs: passes over the training data; 0 where it is not known.
        train_loss: mean loss over the last epoch's varied batches.
    """

    predicted: NDArray[np.int64] | None
    score: float
    test: NDArray[np.float32] | None = None
    validation: NDArray[np.float32] | None = None
    corrupted: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    seconds: float = 0.0
    training_seconds: float = 0.0
    epochs: int = 0
    train_loss: float = float("nan")


class Store:
    """Runs that are done; every one is durable as soon as it is put in.

    Args:
        path: of the file, made if there is none; None keeps them in memory.

    Raises:
        ValueError: the file there is something else, or of a newer version.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
        try:
            (application,) = self._db.execute("PRAGMA application_id").fetchone()
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if not tables:
                self._db.executescript(
                    f"BEGIN; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; {SCHEMA} COMMIT;"
                )
            elif (application, version) != (APPLICATION, VERSION):
                raise ValueError(f"{path}: no file of runs of this version")
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise ValueError(f"{path}: no file of runs: {error}") from None
        except ValueError:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def run(self, digest: str) -> Scored | None:
        """A run that was done, or None."""
        row = self._db.execute("SELECT scored FROM runs WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else _unpacked(row[0])

    def put_run(self, digest: str, about: Mapping[str, Any], scored: Scored) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)",
            (digest, json.dumps(about), scored.seconds, _packed(scored)),
        )

    def result(self, digest: str, about: str, make: Callable[[], Any]) -> tuple[Any, float]:
        """Something else that takes time, as JSON can hold it, and the seconds that it took when it was made."""
        from time import perf_counter

        row = self._db.execute("SELECT value, seconds FROM results WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            started = perf_counter()
            row = (json.dumps(make()), perf_counter() - started)
            self._db.execute("INSERT INTO results VALUES (?, ?, ?, ?)", (digest, about, row[1], row[0]))
        return json.loads(row[0]), float(row[1])

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM runs").fetchone()[0])


def _packed(scored: Scored) -> bytes:
    arrays = {name: getattr(scored, name) for name in ("predicted", "test", "validation")}
    file = io.BytesIO()
    numbers = [scored.score, scored.seconds, scored.training_seconds, float(scored.epochs), scored.train_loss]
    np.savez_compressed(
        file,
        numbers=np.array(numbers),
        names=np.array(list(scored.corrupted), dtype=np.str_),
        corrupted=np.array(list(scored.corrupted.values()), dtype=np.int64),
        **{name: array for name, array in arrays.items() if array is not None},
    )
    return file.getvalue()


def _unpacked(content: bytes) -> Scored:
    with np.load(io.BytesIO(content), allow_pickle=False) as held:
        score, seconds, training, epochs, loss = held["numbers"].tolist()
        return Scored(
            predicted=held.get("predicted"),
            score=score,
            test=held.get("test"),
            validation=held.get("validation"),
            corrupted=dict(zip(held["names"].tolist(), held["corrupted"], strict=True)),
            seconds=seconds,
            training_seconds=training,
            epochs=int(epochs),
            train_loss=loss,
        )
