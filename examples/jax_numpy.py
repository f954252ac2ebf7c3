"""JAX: batches on the device before they are asked for.

python examples/jax_numpy.py
"""

from __future__ import annotations

import tempfile

import jax
import jax.numpy as jnp
from stripes import write_stripes

from covary import Loader, Pipeline, image
from covary.interop.jax_numpy import prefetch


def loss(parameters: dict, pictures: jax.Array, labels: jax.Array) -> jax.Array:
    features = jax.lax.conv_general_dilated(
        pictures, parameters["kernels"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    logits = jax.nn.relu(features).mean((1, 2)) @ parameters["weights"]
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()


@jax.jit
def step(parameters: dict, pictures: jax.Array, labels: jax.Array) -> tuple:
    value, gradients = jax.value_and_grad(loss)(parameters, pictures, labels)
    return jax.tree.map(lambda parameter, gradient: parameter - 0.5 * gradient, parameters, gradients), value


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        train(str(write_stripes(folder)))


def train(folder: str) -> None:
    pipeline = Pipeline(
        [image.RandomResizedCrop(32, scale=(0.6, 1)), image.HorizontalFlip(), image.Normalize("half", layout="HWC")],
        seed=7,
    )
    loader = Loader(folder, pipeline, batch_size=16)

    parameters = {
        "kernels": 0.2 * jax.random.normal(jax.random.key(0), (5, 5, 3, 8)),
        "weights": 0.2 * jax.random.normal(jax.random.key(1), (8, 2)),
    }
    losses = []
    for epoch in range(6):
        for batch in prefetch(loader.epoch(epoch)):
            parameters, value = step(parameters, batch["image"], batch["label"])
            losses.append(float(value))
    print(f"loss {losses[0]:.3f} -> {sum(losses[-4:]) / 4:.3f}")


if __name__ == "__main__":
    main()
