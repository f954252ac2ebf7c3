"""Batches of tensors on a device: the same pipelines and operations by covary, Kornia and torchvision v2.

    python -m benchmarks.devices [--device cuda] [--batch N] [NAME ...]

Every library gets the same operations with the same ranges, applied to every picture. covary and Kornia draw for each
picture; torchvision v2 draws once for the whole batch, which is less work and another augmentation: it stands beside,
out of competition. covary and torchvision get uint8 batches, Kornia the float32 batches that it wants, made beforehand.
The pictures lie on the device before, and results stay there; the clock stops when the device is done. Descriptions are
made on the CPU in the time that is measured.

Without a GPU the same runs on the CPU, on one thread (`--device cpu --batch 32`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.photographs import photographs
from benchmarks.pipelines import SUITES, covary_pipeline, torchvision_pipeline
from benchmarks.timing import take_turns

HEIGHT, WIDTH, SIDE = 375, 500, 256
TOGETHER = 4  # batches between two looks at the clock


@dataclass(frozen=True)
class Row:
    """A job as the libraries say it: given `covary.image`, `kornia.augmentation`, torchvision's `transforms.v2`."""

    name: str
    ours: Callable[[Any], Any]
    kornia: Callable[[Any], Any]
    torchvision: Callable[[Any], Any] | None = None


OPERATIONS = (
    Row("HorizontalFlip", lambda i: i.HorizontalFlip(p=1), lambda k: k.RandomHorizontalFlip(p=1)),
    Row("Rotate", lambda i: i.Rotate((-30, 30), border="constant"), lambda k: k.RandomRotation(30.0, p=1)),
    Row(
        "Affine",
        lambda i: i.Affine(rotate=(-15, 15), scale=(0.9, 1.1), shear=(-5, 5), translate=(-0.1, 0.1), border="constant"),
        lambda k: k.RandomAffine(15.0, (0.1, 0.1), (0.9, 1.1), (-5.0, 5.0, -5.0, 5.0), p=1),
    ),
    Row(
        "Perspective",
        lambda i: i.Perspective((0.05, 0.1), border="constant"),
        lambda k: k.RandomPerspective(0.2, p=1),
        lambda v: v.RandomPerspective(0.2, p=1),
    ),
    Row(
        "RandomResizedCrop",
        lambda i: i.RandomResizedCrop(224, scale=(0.08, 1.0)),
        lambda k: k.RandomResizedCrop((224, 224), scale=(0.08, 1.0), p=1),
        lambda v: v.RandomResizedCrop(224, scale=(0.08, 1.0)),
    ),
    Row(
        "ElasticTransform",
        lambda i: i.ElasticTransform(),
        lambda k: k.RandomElasticTransform(p=1),
        lambda v: v.ElasticTransform(),
    ),
    Row(
        "ColorJitter",
        lambda i: i.ColorJitter(0.2, 0.2, 0.2, 0.05),
        lambda k: k.ColorJitter(0.2, 0.2, 0.2, 0.05, p=1),
        lambda v: v.ColorJitter(0.2, 0.2, 0.2, 0.05),
    ),
    Row("Posterize", lambda i: i.Posterize(4), lambda k: k.RandomPosterize(4.0, p=1)),
    Row("Solarize", lambda i: i.Solarize(), lambda k: k.RandomSolarize(0.1, 0.1, p=1)),
    Row(
        "GaussianBlur",
        lambda i: i.GaussianBlur((0.5, 2.0)),
        lambda k: k.RandomGaussianBlur((13, 13), (0.5, 2.0), p=1),
        lambda v: v.GaussianBlur(13, (0.5, 2.0)),
    ),
    Row("MotionBlur", lambda i: i.MotionBlur((7, 7)), lambda k: k.RandomMotionBlur(7, 35.0, 0.5, p=1)),
    Row("GaussianNoise", lambda i: i.GaussianNoise((0.05, 0.05)), lambda k: k.RandomGaussianNoise(0.0, 0.05, p=1)),
    Row(
        "RandomErasing",
        lambda i: i.RandomErasing(p=1),
        lambda k: k.RandomErasing((0.02, 0.33), (0.3, 3.3), p=1),
        lambda v: v.RandomErasing(p=1),
    ),
)


def kornia_pipeline(suite: str, kornia: Any) -> Any:
    """Kornia's way to say the pipelines of `benchmarks.pipelines`."""
    import torch

    operations = [
        kornia.RandomResizedCrop((224, 224), scale=(0.08, 1.0), p=1),
        kornia.RandomHorizontalFlip(p=0.5),
    ]
    if suite >= "B":
        operations.append(kornia.ColorJitter(0.2, 0.2, 0.2, 0.05, p=1))
    if suite >= "C":
        operations.append(kornia.RandomAffine(15.0, (0.1, 0.1), (0.9, 1.1), (-5.0, 5.0, -5.0, 5.0), p=1))
    if suite >= "D":
        operations += [kornia.RandomGaussianNoise(0.0, 0.06, p=1), kornia.RandomErasing((0.01, 0.04), (0.5, 2.0), p=1)]
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return kornia.AugmentationSequential(*operations, kornia.Normalize(mean, deviation, p=1), data_keys=["input"])


def batch_of(count: int, height: int, width: int, device: Any) -> Any:
    """`count` photographs, as a uint8 tensor (B, C, H, W)."""
    import torch

    some = np.stack(photographs(min(count, 32), height, width)).transpose(0, 3, 1, 2)
    return torch.from_numpy(np.resize(some, (count, *some.shape[1:]))).to(device)


def timed(jobs: dict[str, Callable[[], Any]], device: Any, items: int, rounds: int) -> Any:
    """The jobs' times, each several batches at a time, until the device is done."""
    import torch

    def waited(job: Callable[[], Any]) -> Callable[[], object]:
        def run() -> None:
            for _ in range(TOGETHER):
                job()
            if device.type == "cuda":
                torch.cuda.synchronize()

        return run

    return take_turns({name: (waited(job), items * TOGETHER) for name, job in jobs.items()}, rounds=rounds, seconds=0.2)


def run(device_name: str, count: int, names: list[str], rounds: int) -> None:
    import torch

    from benchmarks import peers
    from covary import Pipeline, image
    from covary.interop.pytorch import Augmentation

    kornia, v2 = peers.kornia(), peers.torchvision_v2()
    device = torch.device(device_name)
    print(f"device    {torch.cuda.get_device_name(device) if device.type == 'cuda' else 'CPU'}, batches of {count}")
    rows = []

    def measure(name: str, ours: Any, pictures: Any, theirs: Any, beside: Any) -> None:
        jobs: dict[str, Callable[[], Any]] = {"covary": lambda: ours(pictures)}
        if theirs is not None:
            floats = pictures.float() / 255
            jobs["kornia"] = lambda: theirs(floats)
        if beside is not None:
            jobs["torchvision"] = lambda: beside(pictures)
        times = timed(jobs, device, count, rounds)
        cells = [f"{times.median(each):,.1f}" if each in jobs else "-" for each in ("covary", "kornia", "torchvision")]
        faster = f"{times.ratio('kornia', 'covary'):.2f}x" if "kornia" in jobs else "-"
        rows.append([name, *cells, faster])

    with torch.no_grad():
        large = batch_of(count, HEIGHT, WIDTH, device)
        for suite in SUITES:
            if names and suite.name not in names:
                continue
            theirs = None if kornia is None else kornia_pipeline(suite.name, kornia).to(device)
            ours = Augmentation(covary_pipeline(suite.name))
            measure(suite.name, ours, large, theirs, torchvision_pipeline(suite.name))
        pictures = batch_of(count, SIDE, SIDE, device)
        for row in OPERATIONS:
            if names and row.name not in names:
                continue
            ours = Augmentation(Pipeline([row.ours(image)], seed=1))
            theirs = None if kornia is None else row.kornia(kornia).to(device)
            beside = None if v2 is None or row.torchvision is None else row.torchvision(v2)
            measure(row.name, ours, pictures, theirs, beside)
    report.print_table(
        "Batches on a device, microseconds per image",
        ("job", "covary", "Kornia", "torchvision (one draw a batch)", "Kornia/covary"),
        rows,
        [
            f"Pipelines {', '.join(suite.name for suite in SUITES)}: {WIDTH}x{HEIGHT} uint8 to 224x224 normalised "
            f"float32; operations: {SIDE}x{SIDE}x3.",
            *(f"{suite.name}: {suite.description}" for suite in SUITES),
        ],
    )


def run_on_gpu() -> None:
    """The table for the GPU, where there is one."""
    import torch

    if torch.cuda.is_available():
        run("cuda", 256, [], 9)
    else:
        print("\nBatches on a device: there is no GPU here.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="as PyTorch names it (default: cuda)")
    parser.add_argument("--batch", type=int, default=256, help="pictures of a batch (default: 256)")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("names", nargs="*", metavar="NAME")
    given = parser.parse_args()
    known = {row.name for row in (*SUITES, *OPERATIONS)}
    unknown = [name for name in given.names if name not in known]
    if unknown:
        sys.exit(f"no job is called {unknown[0]!r}; there are {', '.join(sorted(known))}")
    report.print_machine()
    run(given.device, given.batch, given.names, given.rounds)


if __name__ == "__main__":
    main()
