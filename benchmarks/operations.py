"""Single operations: square photographs in and out.

    python -m benchmarks.operations [--side N] [--forms] [NAME ...]

Every operation that has a counterpart in Albumentations 2.0.8 or in torchvision v2, with the same parameters, always
applied; bilinear sampling, black borders unless said, one thread. Operations that look at labels get the same labels
in all libraries. Where Albumentations has several ways, the fastest stands here; torchvision has uint8 (C, H, W)
tensors. The target is the fastest of the others. The results of a batch are all held until it is complete, by every
library. covary's are new memory, each its own; where a peer returns its input or a view of it (a crop of a tensor, a
picture that has the wanted size already), or several views of one picture (five crops of a mirrored tensor), its
results are copied, so that all have made the same.

A peer is compared where its results are pictures of the same kind as covary's. It is left out where it refuses pictures
of this form, where it returns another type (Albumentations gives floats for some uint16 pictures), and where its values
lie on another scale (its mean further than a quarter of the range from covary's, or its standard deviation less than an
eighth or more than eight times of covary's: white alone, or levels of 8 bits in a picture of 16). A note under the
table names what was left out, and why.

--side N   pictures of N px only (default: 256 and 512); --forms: pictures with 9 channels and uint16 pictures only.
The rows come from the tuples OPERATIONS of benchmarks/operations_*.py.
"""

from __future__ import annotations

import argparse
import pkgutil
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import labelled, peers, report
from benchmarks.operation import Operation
from benchmarks.photographs import photographs
from benchmarks.timing import Times, take_turns

BATCH = 32
SIDES = (256, 512)
FORMS_SIDE = 256
TURN = 0.4  # seconds that a turn of a slow peer may take: it gets fewer pictures then, down to one
TRIALS = 200  # pictures that a peer must take to be compared, as far as a turn allows
PEERS = ("albumentations", "torchvision")
REFUSES, OTHER_TYPE, OTHER_SCALE = "refuses these pictures", "gives another type", "gives another scale"


def all_operations() -> tuple[Operation, ...]:
    """The rows of all files, in the order of their names."""
    names = [found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)])]
    files = [import_module(f"benchmarks.{name}") for name in sorted(names) if name.startswith("operations_")]
    return tuple(operation for file in files for operation in file.OPERATIONS)


OPERATIONS = all_operations()


def their_call(operation: Operation) -> Callable[[Mapping[str, Any]], Any] | None:
    """Albumentations' operation, for one picture with what goes along; None where it has none or is not installed."""
    library = peers.albumentations()
    if library is None or operation.theirs is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = labelled.compose_options(library, operation.labels)
        compose = library.Compose([operation.theirs(library)], seed=1, **options)
    if operation.planar:
        return lambda given: np.ascontiguousarray(compose(**given)["image"].transpose(2, 0, 1))
    return lambda given: compose(**given)["image"]


def torchvision_call(operation: Operation) -> Callable[[Sequence[Any]], Any] | None:
    """torchvision's operation, for one tensor with its labels; None where it has none or is not installed."""
    library = peers.torchvision_v2() if operation.torchvision is not None else None
    if library is None or operation.torchvision is None:
        return None
    made = operation.torchvision(library)
    return lambda given: made(*given)


@dataclass(frozen=True)
class Kind:
    """What results of an operation are like: their types, and the mean and the deviation of all values in them."""

    types: frozenset[str]
    mean: float
    deviation: float
    range: float

    @classmethod
    def of(cls, results: Sequence[Any]) -> Kind:
        arrays = [np.asarray(result) for result in results]
        types = frozenset(str(array.dtype) for array in arrays)
        means, deviations = ([float(statistic(array)) for array in arrays] for statistic in (np.mean, np.std))
        whole = arrays[0].dtype.kind != "f"
        extent = np.iinfo(arrays[0].dtype).max if whole else np.ptp([[array.min(), array.max()] for array in arrays])
        return cls(types, float(np.mean(means)), float(np.mean(deviations)), float(extent))

    def difference(self, theirs: Kind) -> str | None:
        """In what a peer's results are not like these; None where they are."""
        if theirs.types != self.types:
            return OTHER_TYPE
        same_spread = self.deviation / 8 <= theirs.deviation <= self.deviation * 8
        return None if same_spread and abs(theirs.mean - self.mean) <= self.range / 4 else OTHER_SCALE


@dataclass(frozen=True)
class Peers:
    """What the others have to do, by peer, and why who is left out is."""

    jobs: Mapping[str, tuple[Callable[[], Any], int]]
    left_out: Mapping[str, str]


def peer_jobs(operation: Operation, pictures: Sequence[Any]) -> Peers:
    """What the others have to do, as far as they make pictures of the same kind as covary's."""
    calls: dict[str, tuple[Callable[[Any], Any], Sequence[Any]]] = {}
    pairs = list(zip(pictures, labelled.labels_of(operation.labels, pictures), strict=True))
    theirs = their_call(operation)
    if theirs is not None:
        also = operation.call()
        given = [{"image": picture, **labelled.for_albumentations(labels), **also} for picture, labels in pairs]
        calls["albumentations"] = theirs, given
    tensor_call = torchvision_call(operation)
    if tensor_call is not None:
        import torch

        tensors = [torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))) for picture in pictures]
        given_tensors = [labelled.for_torchvision(pair[1], tensor) for pair, tensor in zip(pairs, tensors, strict=True)]
        calls["torchvision"] = tensor_call, given_tensors
    kind = Kind.of(our_results(operation, pictures))
    reasons = {name: _why_not(call, given, kind) for name, (call, given) in calls.items()}
    usable = {name: calls[name] for name, reason in reasons.items() if reason is None}
    jobs = {name: _each(_making_new(call, given), given) for name, (call, given) in usable.items()}
    return Peers(jobs, {name: reason for name, reason in reasons.items() if reason is not None})


def _making_new(call: Callable[[Any], Any], given: Sequence[Any]) -> Callable[[Any], Any]:
    """The call, with a copy after it of what shares its memory with other pictures, where that was ever seen."""
    if not any(any(_shared(_parts(call(each)), each)) for each in given[:4]):
        return call

    def made(each: Any) -> tuple[Any, ...]:
        parts = _parts(call(each))
        return tuple(_copy(part) if shared else part for part, shared in zip(parts, _shared(parts, each), strict=True))

    return made


def _parts(made: Any) -> tuple[Any, ...]:
    return tuple(part for each in made for part in _parts(each)) if isinstance(made, tuple) else (made,)


def _shared(parts: Sequence[Any], given: Any) -> list[bool]:
    """Which results share their memory with the picture that was given, or with each other."""
    memories = [_memory(part) for part in (given["image"] if isinstance(given, dict) else given[0], *parts)]
    return [memories.count(memory) > 1 for memory in memories[1:]]


def _memory(picture: Any) -> int:
    """Where the memory begins in which a picture lies, perhaps with others."""
    if not isinstance(picture, np.ndarray):
        return int(picture.untyped_storage().data_ptr())
    while isinstance(picture.base, np.ndarray):
        picture = picture.base
    return int(picture.ctypes.data)


def _copy(made: Any) -> Any:
    if isinstance(made, np.ndarray):
        return np.array(made, order="C")
    import torch

    return made.clone(memory_format=torch.contiguous_format)


def _each(call: Callable[[Any], Any], given: Sequence[Any]) -> tuple[Callable[[], Any], int]:
    """The job of calling a peer for as many pictures as a turn has time for, and how many these are."""
    start = time.perf_counter()
    call(given[0])
    count = max(1, min(len(given), round(TURN / (time.perf_counter() - start))))
    return lambda: [call(each) for each in given[:count]], count


def _why_not(call: Callable[[Any], Any], given: Sequence[Any], kind: Kind) -> str | None:
    """Why a peer is not compared on pictures of this form; None where it is.

    A policy refuses them only when it draws an operation that does: it is asked more than once.
    """
    made = []
    start = time.perf_counter()
    try:
        for each in islice(cycle(given), TRIALS):
            made.append(_parts(call(each))[0])
            if time.perf_counter() - start > TURN:
                break
    except Exception:  # whatever the libraries raise
        return REFUSES
    if any(each.ndim != 3 for each in made):
        return OTHER_TYPE
    return kind.difference(Kind.of(made))


def our_results(operation: Operation, pictures: Sequence[Any]) -> list[Any]:
    """The pictures that covary makes."""
    columns = labelled.in_columns(labelled.labels_of(operation.labels, pictures))
    made = [pipeline.batch(image=list(pictures), **columns) for pipeline in our_pipelines(operation)]
    return [picture for each in made for picture in each["image"]]


def our_pipelines(operation: Operation) -> list[Any]:
    from covary import Pipeline, image

    made = operation.ours(image)
    return [Pipeline([each], seed=1, threads=1) for each in (made if isinstance(made, tuple) else (made,))]


def our_jobs(operation: Operation, pictures: Sequence[Any]) -> dict[str, tuple[Callable[[], Any], int]]:
    pipelines = our_pipelines(operation)
    labels = labelled.labels_of(operation.labels, pictures)
    columns = labelled.in_columns(labels)

    def single(pipeline: Any) -> list[Any]:
        if operation.labels is None:
            return [pipeline(picture) for picture in pictures]
        return [pipeline(image=picture, **along) for picture, along in zip(pictures, labels, strict=True)]

    return {
        "batch": (lambda: [each.batch(list(pictures), **columns) for each in pipelines], len(pictures)),
        "single": (lambda: [single(each) for each in pipelines], len(pictures)),
    }


def time_operation(operation: Operation, pictures: Sequence[Any], rounds: int = 9) -> tuple[Times, Mapping[str, str]]:
    """The times of all that are compared, and by peer why it is not."""
    others = peer_jobs(operation, pictures)
    return take_turns({**our_jobs(operation, pictures), **others.jobs}, rounds=rounds), others.left_out


def notes_on(left_out: Mapping[str, Mapping[str, str]]) -> list[str]:
    """A line for each peer and reason, with the operations, by whose names the peers that are left out are given."""
    peers_and_reasons = [(peer, reason) for peer in PEERS for reason in (REFUSES, OTHER_TYPE, OTHER_SCALE)]
    lines = []
    for peer, reason in peers_and_reasons:
        names = [name for name, reasons in left_out.items() if reasons.get(peer) == reason]
        if names:
            lines.append(f"Left out, as {peer} {reason}: {'; '.join(names)}.")
    return lines


def compared(name: str, times: Times, at_least: float | None) -> list[str]:
    """A row: times, by how much the fastest of the others is slower, and whether that is enough (None: no target)."""
    cells = [name, *(report.microseconds(times.median(way)) for way in ("batch", "single"))]
    there = [peer for peer in PEERS if peer in times.rounds]
    cells += [report.microseconds(times.median(peer)) if peer in there else "-" for peer in PEERS]
    if not there:
        return [*cells, "-", "-", ""]
    fastest = min(there, key=times.median)
    batch, single = times.ratio(fastest, "batch"), times.ratio(fastest, "single")
    target = "" if at_least is None else f"{at_least:.2f}x {report.verdict(batch >= at_least)}"
    return [*cells, f"{batch:.2f}x", f"{single:.2f}x", target]


HEADS = (
    "operation",
    "covary batch",
    "covary single",
    "Albumentations",
    "torchvision",
    "fastest/batch",
    "fastest/single",
    "target (batch)",
)


def chosen_operations(names: Sequence[str], side: int) -> list[Operation]:
    named = [operation for operation in OPERATIONS if not names or operation.name.split(",")[0] in names]
    return [operation for operation in named if not operation.sides or side in operation.sides]


def run_side(names: Sequence[str], side: int) -> None:
    """The table of 3-channel uint8 pictures of one size."""
    pictures = photographs(BATCH, side, side)
    rows = []
    left_out = {}
    for operation in chosen_operations(names, side):
        times, left_out[operation.name] = time_operation(operation, pictures)
        rows.append(compared(operation.name, times, operation.at_least))
    unmet = [cells[0] for cells in rows if cells[-1].endswith("not met")]
    report.print_table(
        f"Single operations: {side}x{side}x3 uint8, microseconds per image, one thread",
        HEADS,
        rows,
        [
            f"Batches of {BATCH}. -: has no such operation, is not installed or left out. Views of the "
            "input or of one picture are copied.",
            *notes_on(left_out),
            f"Not met: {', '.join(unmet) if unmet else 'none'}.",
        ],
    )


def run_forms(names: Sequence[str]) -> None:
    """The tables of pictures with nine channels, and of 16 bits."""
    plain = photographs(BATCH, FORMS_SIDE, FORMS_SIDE)
    forms = {
        "x9 uint8": [np.ascontiguousarray(np.concatenate([picture] * 3, axis=2)) for picture in plain],
        "x3 uint16": [picture.astype(np.uint16) * np.uint16(257) for picture in plain],
    }
    for form, pictures in forms.items():
        rows = []
        left_out = {}
        needs_three = []
        for operation in chosen_operations(names, FORMS_SIDE):
            try:
                times, left_out[operation.name] = time_operation(operation, pictures, rounds=5)
            except ValueError as error:
                # Colour needs red, green and blue.
                if "channels" not in str(error):
                    raise
                needs_three.append(operation.name)
            else:
                rows.append(compared(operation.name, times, None))
        notes = [
            f"Batches of {BATCH}. -: has no such operation, is not installed or left out. Views of the input or of "
            "one picture are copied. No target.",
            *notes_on(left_out),
        ]
        if needs_three:
            notes.append(f"Need three channels by their meaning, and say so: {', '.join(needs_three)}.")
        size = f"{FORMS_SIDE}x{FORMS_SIDE}{form}"
        report.print_table(f"Single operations: {size}, microseconds per image, one thread", HEADS, rows, notes)


def run(names: Sequence[str]) -> None:
    """All tables."""
    for side in SIDES:
        run_side(names, side)
    run_forms(names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, help="of the pictures, in pixels")
    parser.add_argument("--forms", action="store_true", help="nine channels and 16 bits only")
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    known = {operation.name.split(",")[0] for operation in OPERATIONS}
    unknown = [name for name in given.names if name not in known]
    if unknown:
        sys.exit(f"no operation is called {unknown[0]!r}; there are {', '.join(sorted(known))}")
    report.print_machine()
    if given.forms:
        run_forms(given.names)
    elif given.side is not None:
        run_side(given.names, given.side)
    else:
        run(given.names)


if __name__ == "__main__":
    main()
