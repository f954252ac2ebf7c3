"""From JPEG files to batches: covary's Loader beside torch's DataLoader with Albumentations and with torchvision.

    python -m benchmarks.loader [--images N] [--rounds N]

Batches of 64 at 224 px, two workers (threads for covary, processes for DataLoader), every contender in a process of
its own, taken in turn. The rate counts from the fourth batch to the last: a loader that has several batches in the
making when it gives the first would otherwise seem faster than it is. "decode only" reads and decodes the same files
with simplejpeg on two threads and does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from benchmarks import peers, pipelines, report
from benchmarks.photographs import photographs

BATCH = 64
WORKERS = 2
SMALL = (375, 500)
LARGE = (3000, 4000)
DISTINCT = 32
EPOCHS = 10
WARM = 4

Rate = dict[str, float]


def write_photographs(folder: Path, count: int, size: tuple[int, int], quality: int) -> None:
    """An image folder of two classes; where there are more files than photographs, they are links to these."""
    encoded = []
    for picture in photographs(min(count, DISTINCT), *size):
        done, data = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise OSError("a photograph could not be encoded")
        encoded.append(data.tobytes())
    written: list[Path] = []
    for index in range(count):
        path = folder / f"class{index % 2}" / f"{index:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if index < len(encoded):
            path.write_bytes(encoded[index])
            written.append(path)
        else:
            path.hardlink_to(written[index % len(encoded)])
    os.sync()  # what is still being written would slow down who comes first


# Contenders: each gives the number of pictures in one batch after another.


def covary_batches(folder: Path, suite: str, epochs: int = 1, **options: Any) -> Iterator[int]:
    from covary import Loader

    with Loader(
        folder, pipelines.covary_pipeline(suite), batch_size=BATCH, workers=WORKERS, worker_type="thread", **options
    ) as loader:
        for _ in range(epochs):
            for batch in loader:
                yield len(batch.image)


def cached_batches(folder: Path, suite: str) -> Iterator[int]:
    """Two epochs from a memory cache that two epochs before have filled and read."""
    from covary import Loader

    with Loader(
        folder,
        pipelines.covary_pipeline(suite),
        batch_size=BATCH,
        workers=WORKERS,
        worker_type="thread",
        cache="4GB",
    ) as loader:
        for epoch in range(4):
            for batch in loader:
                if epoch >= 2:
                    yield len(batch.image)


def albumentations_batches(folder: Path, suite: str) -> Iterator[int]:
    transform = pipelines.albumentations_pipeline(suite)
    assert transform is not None

    def read(path: str) -> Any:
        import torch

        picture = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
        return torch.from_numpy(transform(picture))

    return data_loader_batches(folder, read)


def torchvision_batches(folder: Path, suite: str) -> Iterator[int]:
    from PIL import Image

    transform = pipelines.torchvision_pipeline(suite)
    assert transform is not None
    v2 = peers.torchvision_v2()
    assert v2 is not None

    def read(path: str) -> Any:
        with Image.open(path) as picture:
            return transform(v2.functional.pil_to_tensor(picture.convert("RGB")))

    return data_loader_batches(folder, read)


def data_loader_batches(folder: Path, read: Callable[[str], Any]) -> Iterator[int]:
    from torch.utils.data import DataLoader, Dataset

    paths = sorted(map(str, folder.glob("*/*.jpg")))

    class Files(Dataset[Any]):
        def __len__(self) -> int:
            return len(paths)

        def __getitem__(self, index: int) -> tuple[Any, int]:
            return read(paths[index]), index % 2

    for images, _ in DataLoader(Files(), batch_size=BATCH, shuffle=True, num_workers=WORKERS):
        yield len(images)


def decoded_batches(folder: Path, suite: str) -> Iterator[int]:
    import simplejpeg

    paths = sorted(folder.glob("*/*.jpg"))

    def decode(part: Sequence[Path]) -> int:
        for path in part:
            simplejpeg.decode_jpeg(path.read_bytes())
        return len(part)

    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(decode, [paths[i : i + BATCH] for i in range(0, len(paths), BATCH)])


CONTENDERS: dict[str, Callable[[Path, str], Iterator[int]]] = {
    "covary": covary_batches,
    "covary, cached": cached_batches,
    "DataLoader + Albumentations": albumentations_batches,
    "DataLoader + torchvision": torchvision_batches,
    "decode only": decoded_batches,
}


def measure(batches: Callable[[], Iterable[int]]) -> Rate:
    """Pictures a second behind the first batches, and seconds until the first of all."""
    begin = time.perf_counter()
    first = start = begin
    pictures = 0
    for number, count in enumerate(batches()):
        now = time.perf_counter()
        if number == 0:
            first = now
        if number < WARM:
            start = now
        else:
            pictures += count
    if not pictures:
        raise ValueError(f"more than {WARM} batches are needed to measure a rate")
    return {"rate": pictures / (time.perf_counter() - start), "first": first - begin}


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_memory(folder: Path) -> list[float]:
    """The process's peak memory in MB after each of ten epochs."""
    from covary import Loader

    peaks = []
    with Loader(folder, pipelines.covary_pipeline("C"), batch_size=BATCH, workers=WORKERS) as loader:
        for _ in range(EPOCHS):
            for _ in loader:
                pass
            peaks.append(peak_megabytes())
    return peaks


# One process a contender


def alone(task: str, folder: Path, suite: str) -> Any:
    """Measure one contender in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.loader", "--task", task, "--folder", str(folder), "--suite", suite]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    return json.loads(done.stdout.splitlines()[-1])


def do_task(task: str, folder: Path, suite: str) -> None:
    cv2.setNumThreads(1)
    if task == "memory":
        result: Any = measure_memory(folder)
    else:
        if task.startswith("covary"):
            import covary.data.loader  # noqa: F401 (as DataLoader, torch and the others are imported before the clock starts)
        elif task.startswith("DataLoader"):
            import torch  # noqa: F401
        result = measure(lambda: CONTENDERS[task](folder, suite))
    print(json.dumps(result))


def turns(folder: Path, contenders: Sequence[tuple[str, str]], rounds: int) -> dict[tuple[str, str], list[Rate]]:
    measured: dict[tuple[str, str], list[Rate]] = {contender: [] for contender in contenders}
    for _ in range(rounds):
        for task, suite in contenders:
            measured[task, suite].append(alone(task, folder, suite))
    return measured


def available(contenders: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    missing = []
    if peers.albumentations() is None:
        missing.append("DataLoader + Albumentations")
    if peers.torchvision_v2() is None:
        missing.append("DataLoader + torchvision")
    return [contender for contender in contenders if contender[0] not in missing]


def ratio(measured: dict[tuple[str, str], list[Rate]], ours: tuple[str, str], other: tuple[str, str]) -> float | None:
    """The median of the rounds' own ratios."""
    if other not in measured:
        return None
    return median(a["rate"] / b["rate"] for a, b in zip(measured[ours], measured[other], strict=True))


def table(title: str, measured: dict[tuple[str, str], list[Rate]], targets: Sequence[tuple[Any, Any, float]]) -> None:
    rows = []
    for (name, suite), rates in measured.items():
        shown = name if name == "decode only" else f"{name}, pipeline {suite}"
        rows.append([shown, f"{median(r['rate'] for r in rates):,.0f}", f"{median(r['first'] for r in rates):.2f} s"])
    report.print_table(title, ("contender", "images a second", "first batch"), rows)
    print()
    for ours, other, wanted in targets:
        value = ratio(measured, ours, other)
        if value is not None:
            names = [name if name == "decode only" else f"{name} ({suite})" for name, suite in (ours, other)]
            print(f"{' against '.join(names)}: {value:.2f}x, target {wanted}x: {report.verdict(value >= wanted)}")


def run(images: int = 2000, rounds: int = 5) -> None:
    with tempfile.TemporaryDirectory() as name:
        small, large = Path(name, "small"), Path(name, "large")
        write_photographs(small, images, SMALL, 99)
        sizes = [path.stat().st_size for path in small.glob("*/*.jpg")]
        contenders = available(
            [
                ("covary", "C"),
                ("DataLoader + Albumentations", "C"),
                ("DataLoader + torchvision", "C"),
                ("decode only", "C"),
                ("covary, cached", "C"),
                ("covary", "D"),
                ("DataLoader + Albumentations", "D"),
            ]
        )
        measured = turns(small, contenders, rounds)
        table(
            f"Loader: {images:,} JPEGs {SMALL[1]}x{SMALL[0]} (mean {np.mean(sizes) / 1024:.0f} KB), two workers",
            measured,
            [
                (("covary", "C"), ("DataLoader + Albumentations", "C"), 2),
                (("covary", "D"), ("DataLoader + Albumentations", "D"), 3),
                (("covary", "C"), ("DataLoader + torchvision", "C"), 4),
                (("covary", "C"), ("decode only", "C"), 0.8),
                (("covary, cached", "C"), ("covary", "C"), 3),
            ],
        )
        first = median(rate["first"] for rate in measured["covary", "C"])
        print(f"first batch after {first:.2f} s, target 0.5 s: {report.verdict(first < 0.5)}")
        peaks = alone("memory", small, "C")
        growth = peaks[-1] / peaks[0] - 1
        print(
            f"peak memory {peaks[0]:.0f} MB after one epoch, {peaks[-1]:.0f} MB after {EPOCHS}: "
            f"{growth:+.1%}, target less than +5 %: {report.verdict(growth < 0.05)}"
        )
        count = max(6 * BATCH, images * 2 // 5)
        write_photographs(large, count, LARGE, 92)
        measured = turns(large, available([("covary", "C"), ("DataLoader + Albumentations", "C")]), rounds)
        table(
            f"Loader: {count} JPEGs {LARGE[1]}x{LARGE[0]}, two workers",
            measured,
            [(("covary", "C"), ("DataLoader + Albumentations", "C"), 2.5)],
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loader")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--suite", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        do_task(options.task, options.folder, options.suite)
        return
    report.print_machine()
    run(options.images, options.rounds)


if __name__ == "__main__":
    main()
