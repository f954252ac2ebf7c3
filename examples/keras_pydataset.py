"""Keras: a Loader as a PyDataset, on any backend.

python examples/keras_pydataset.py
"""

from __future__ import annotations

import tempfile

import keras
from stripes import write_stripes

from covary import Loader, Pipeline, image
from covary.interop.keras_pydataset import PyDataset


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        train(str(write_stripes(folder)))


def train(folder: str) -> None:
    pipeline = Pipeline(
        [image.RandomResizedCrop(32, scale=(0.6, 1)), image.HorizontalFlip(), image.Normalize("half", layout="HWC")],
        seed=7,
    )
    data = PyDataset(Loader(folder, pipeline, batch_size=16))

    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(8, 5, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    network.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    losses = network.fit(data, epochs=6, verbose=0).history["loss"]
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")


if __name__ == "__main__":
    main()
