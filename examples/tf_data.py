"""TensorFlow: a Loader as a tf.data.Dataset.

python examples/tf_data.py
"""

from __future__ import annotations

import tempfile

import tensorflow as tf
from stripes import write_stripes

from covary import Loader, Pipeline, image
from covary.interop.tf_data import dataset


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        train(str(write_stripes(folder)))


def train(folder: str) -> None:
    pipeline = Pipeline(
        [image.RandomResizedCrop(32, scale=(0.6, 1)), image.HorizontalFlip(), image.Normalize("half", layout="HWC")],
        seed=7,
    )
    batches = dataset(Loader(folder, pipeline, batch_size=16))

    tf.random.set_seed(0)
    kernels = tf.Variable(tf.random.normal((5, 5, 3, 8)) * 0.2)
    weights = tf.Variable(tf.random.normal((8, 2)) * 0.2)
    losses = []
    for pictures, labels in batches.repeat(6):  # each pass is the next epoch of the loader
        with tf.GradientTape() as tape:
            features = tf.nn.relu(tf.nn.conv2d(pictures, kernels, 1, "VALID"))
            logits = tf.reduce_mean(features, (1, 2)) @ weights
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        for variable, gradient in zip((kernels, weights), tape.gradient(loss, (kernels, weights)), strict=True):
            variable.assign_sub(0.5 * gradient)
        losses.append(float(loss))
    print(f"loss {losses[0]:.3f} -> {sum(losses[-4:]) / 4:.3f}")


if __name__ == "__main__":
    main()
