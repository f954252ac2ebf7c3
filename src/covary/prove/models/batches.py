"""The training batches of a trial: variations, rendered and mixed while the network is busy with those before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from covary.ops.mix import BCLearning, mix_batch
from covary.prove.inputs import Inputs, SoundInputs, clean, varied_samples
from covary.prove.trial import Indices, Trial

CHUNK = 256  # samples that are varied in one go: a pipeline's own costs are per call

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Batch:
    """What one step of training takes.

    Attributes:
        inputs: (B, ...) of the model; with `views`, (B, V, ...).
        targets: (B, classes) float32, summing to one.
        views: whether there are several views of each sample, of which the first is the sample itself.
    """

    inputs: NDArray[Any]
    targets: NDArray[np.float32]
    views: bool = False


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """How many batches, nearly equal in size."""
    return max(1, round(samples / batch_size))


def batches(trial: Trial, inputs: Inputs, epoch: int) -> Iterator[list[Batch]]:
    """The batches of one epoch, some at a time, the next ones made in the background.

    The order depends on (seed, epoch), variations and mixtures on (seed, epoch, key): nothing on the arm but what it
    does itself.
    """
    generator = np.random.default_rng([trial.seed, epoch])
    order = trial.train[generator.permutation(len(trial.train))]
    parts = np.array_split(order, steps_per_epoch(len(order), trial.settings.batch_size))
    at_once = max(1, CHUNK // max(1, len(parts[0])))
    chunks = [parts[start : start + at_once] for start in range(0, len(parts), at_once)]
    return ahead(lambda chunk: _made(trial, inputs, epoch, chunk), chunks)


def ahead(make: Callable[[Any], Result], orders: Sequence[Any], lead: int = 2) -> Iterator[Result]:
    """What `make` makes of each order, in order, up to `lead` of them made in the background beforehand."""
    with ThreadPoolExecutor(1) as worker:
        rest = iter(orders)
        waiting = deque(worker.submit(make, order) for order in islice(rest, lead))
        try:
            while waiting:
                made = waiting.popleft().result()
                waiting.extend(worker.submit(make, order) for order in islice(rest, 1))
                yield made
        finally:
            for future in waiting:
                future.cancel()


def _made(trial: Trial, inputs: Inputs, epoch: int, parts: Sequence[Indices]) -> list[Batch]:
    """Some batches: all their samples are varied together, and each batch is then mixed."""
    indices = np.concatenate(parts)
    ends = np.cumsum([len(part) for part in parts])[:-1]
    waves = any(isinstance(mixer, BCLearning) for mixer in trial.policy.mix)
    if trial.policy.pipeline is None and not waves:
        whole: Any = clean(trial.task, inputs, indices)
    else:
        pipeline = trial.policy.pipeline
        seeded = None if pipeline is None else pipeline.with_options(seed=trial.seed)
        samples = varied_samples(trial.task, indices, seeded, epoch)
        if waves:
            return _mixed_waves(trial, inputs, epoch, parts, np.split(_waves(inputs, samples), ends))
        whole = inputs.of(samples)
    made = [_plain(trial, part, own) for part, own in zip(parts, np.split(whole, ends), strict=True)]
    return [_mixed(trial, epoch, part, batch) for part, batch in zip(parts, made, strict=True)]


def _plain(trial: Trial, part: Indices, inputs: NDArray[Any]) -> Batch:
    return Batch(inputs, np.eye(len(trial.task.classes), dtype=np.float32)[trial.task.labels[part]])


def _mixed(trial: Trial, epoch: int, part: Indices, batch: Batch) -> Batch:
    """A batch after the arm's mixers; spectrograms are mixed as pictures of one channel."""
    if not trial.policy.mix:
        return batch
    if trial.task.modality == "text":
        named = ", ".join(type(mixer).__name__ for mixer in trial.policy.mix)
        raise ValueError(f"policy {trial.policy.name!r}: mix has {named}; texts cannot be mixed in their inputs")
    mixed = _mix(trial, epoch, part, {"image": batch.inputs}, layout="CHW")
    if "views" in mixed:
        return Batch(mixed["views"], batch.targets, views=True)
    return Batch(mixed["image"], mixed["target"])


def _waves(inputs: Inputs, samples: Sequence[dict[str, Any]]) -> NDArray[np.float32]:
    if not isinstance(inputs, SoundInputs):
        raise ValueError("BCLearning mixes sounds; the samples are none")
    return inputs.waves(samples)


def _mixed_waves(
    trial: Trial, inputs: Inputs, epoch: int, parts: Sequence[Indices], waves: Sequence[NDArray[np.float32]]
) -> list[Batch]:
    others = [type(mixer).__name__ for mixer in trial.policy.mix if not isinstance(mixer, BCLearning)]
    if others:
        raise ValueError(
            f"policy {trial.policy.name!r}: BCLearning mixes waveforms, {', '.join(others)} spectrograms; they need "
            "policies of their own"
        )
    assert isinstance(inputs, SoundInputs)
    made = []
    for part, own in zip(parts, waves, strict=True):
        mixed = _mix(trial, epoch, part, {"audio": own, "rate": inputs.rate})
        made.append(Batch(inputs.of_waves(mixed["audio"]), mixed["target"]))
    return made


def _mix(trial: Trial, epoch: int, part: Indices, fields: dict[str, Any], layout: str | None = None) -> dict[str, Any]:
    return mix_batch(
        trial.policy.mix,
        {**fields, "label": trial.task.labels[part]},
        classes=len(trial.task.classes),
        seed=trial.seed,
        epoch=epoch,
        keys=[trial.task.keys[i] for i in part.tolist()],
        layout=layout,
    )
