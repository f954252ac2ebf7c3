"""PyTorch: a data set of your own, varied by a pipeline and mixed.

python examples/pytorch.py
"""

from __future__ import annotations

import torch
from stripes import stripes
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset

from covary import Pipeline, image, mix
from covary.interop.pytorch import Collate, wrap


class Stripes(Dataset):
    """A map-style data set as any other: (picture, class number)."""

    def __init__(self) -> None:
        self.pictures, self.labels = stripes()

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple:
        return self.pictures[index], int(self.labels[index])


def main() -> None:
    pipeline = Pipeline(
        [image.RandomResizedCrop(32, scale=(0.6, 1)), image.HorizontalFlip(), image.Normalize("half")], seed=7
    )
    data = wrap(Stripes(), pipeline)
    collate = Collate(mix.MixUp(0.2), classes=2)
    batches = DataLoader(data, 16, shuffle=True, num_workers=2, persistent_workers=True, collate_fn=collate)

    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.AvgPool2d(28), nn.Flatten(), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    losses = []
    for epoch in range(6):
        data.set_epoch(epoch)  # or every epoch has the same variations
        for pictures, targets in batches:
            loss = cross_entropy(network(pictures), targets)  # targets are soft labels
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    print(f"loss {losses[0]:.3f} -> {sum(losses[-4:]) / 4:.3f}")


if __name__ == "__main__":
    main()
