"""PyTorch: a folder of pictures streamed by covary's Loader, through a DataLoader.

python examples/pytorch_dataloader.py
"""

from __future__ import annotations

import tempfile

import torch
from stripes import write_stripes
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from covary import Loader, Pipeline, image
from covary.interop.pytorch import Batches


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        train(str(write_stripes(folder)))


def train(folder: str) -> None:
    pipeline = Pipeline(
        [image.RandomResizedCrop(32, scale=(0.6, 1)), image.HorizontalFlip(), image.Normalize("half")], seed=7
    )
    loader = Loader(folder, pipeline, batch_size=16)
    batches = DataLoader(Batches(loader, fields=("image", "label")), batch_size=None, num_workers=2)

    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.AvgPool2d(28), nn.Flatten(), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    losses = []
    for _ in range(6):  # each pass is the next epoch of the loader
        for pictures, labels in batches:
            loss = cross_entropy(network(pictures), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    print(f"loss {losses[0]:.3f} -> {sum(losses[-4:]) / 4:.3f}")


if __name__ == "__main__":
    main()
