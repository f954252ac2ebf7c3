"""PyTorch: batches varied where the network is, on a GPU if there is one.

python examples/pytorch_gpu.py
"""

from __future__ import annotations

import tempfile

import torch
from stripes import write_stripes
from torch import nn
from torch.nn.functional import cross_entropy

from covary import Loader, Pipeline, image
from covary.interop.pytorch import Augmentation


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        train(str(write_stripes(folder)))


def train(folder: str) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # The CPU decodes, and brings all pictures to one size; the GPU does the rest.
    loader = Loader(folder, Pipeline([image.Resize(40)]), batch_size=16, to="torch", device=device)
    augment = Augmentation(
        Pipeline([image.RandomResizedCrop(32, scale=(0.6, 1)), image.HorizontalFlip(), image.Normalize("half")], seed=7)
    )

    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.AvgPool2d(28), nn.Flatten(), nn.Linear(8, 2)).to(device)
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    losses = []
    for epoch in range(6):
        for batch in loader.epoch(epoch):
            pictures = augment(batch.image.permute(0, 3, 1, 2), keys=batch.keys, epoch=batch.variations)
            loss = cross_entropy(network(pictures), batch.label)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    print(f"loss {losses[0]:.3f} -> {sum(losses[-4:]) / 4:.3f}")


if __name__ == "__main__":
    main()
