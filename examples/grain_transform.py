"""Grain: a pipeline as one of its transforms, deterministic under any number of its workers.

python examples/grain_transform.py
"""

from __future__ import annotations

import grain
import numpy as np
from stripes import stripes

from covary import Pipeline, image
from covary.interop.grain_transform import MapWithIndex


def main() -> None:
    pictures, labels = stripes()
    records = [{"image": pictures[number], "label": labels[number], "id": number} for number in range(len(labels))]
    pipeline = Pipeline(
        [image.RandomResizedCrop(32, scale=(0.6, 1)), image.HorizontalFlip(), image.Normalize("half", layout="HWC")],
        seed=7,
    )
    data = (
        grain.MapDataset.source(records)
        .shuffle(seed=0)
        .repeat(6)
        .map_with_index(MapWithIndex(pipeline, length=len(records), key="id"))
        .batch(16)
    )

    weights, losses = np.zeros((2, 2)), []
    for batch in data:
        weights, loss = step(weights, contrasts(batch["image"]), batch["label"])
        losses.append(loss)
    print(f"loss {losses[0]:.3f} -> {sum(losses[-4:]) / 4:.3f}")


def contrasts(pictures: np.ndarray) -> np.ndarray:
    """How much pictures change from row to row, and from column to column."""
    return np.stack([np.abs(np.diff(pictures, axis=axis)).mean((1, 2, 3)) for axis in (1, 2)], axis=1)


def step(weights: np.ndarray, inputs: np.ndarray, labels: np.ndarray) -> tuple:
    """One step of logistic regression, by hand."""
    scores = np.exp(inputs @ weights)
    shares = scores / scores.sum(axis=1, keepdims=True)
    loss = -np.log(shares[np.arange(len(labels)), labels]).mean()
    return weights - 2.0 * inputs.T @ (shares - np.eye(2)[labels]) / len(labels), loss


if __name__ == "__main__":
    main()
