"""Hugging Face datasets: pictures varied as they are read.

python examples/huggingface.py
"""

from __future__ import annotations

import datasets
import torch
from PIL import Image
from stripes import CLASSES, stripes
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from covary import Pipeline, image
from covary.interop.huggingface import Transform


def main() -> None:
    pictures, labels = stripes()
    features = datasets.Features(
        {"id": datasets.Value("int64"), "image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))}
    )
    columns = {"id": range(len(labels)), "image": [Image.fromarray(picture) for picture in pictures], "label": labels}
    data = datasets.Dataset.from_dict(columns, features)

    pipeline = Pipeline(
        [image.RandomResizedCrop(32, scale=(0.6, 1)), image.HorizontalFlip(), image.Normalize("half")], seed=7
    )
    transform = Transform(pipeline, key="id")
    batches = DataLoader(data.with_transform(transform), 16, shuffle=True)

    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 5), nn.ReLU(), nn.AvgPool2d(28), nn.Flatten(), nn.Linear(8, 2))
    optimizer = torch.optim.Adam(network.parameters(), 0.02)
    losses = []
    for epoch in range(6):
        transform.set_epoch(epoch)  # or every epoch has the same variations
        for batch in batches:
            loss = cross_entropy(network(batch["image"]), batch["label"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    print(f"loss {losses[0]:.3f} -> {sum(losses[-4:]) / 4:.3f}")


if __name__ == "__main__":
    main()
