"""covary in JAX, against JAX's own arrays and shardings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.interop.pictures import same

jax = pytest.importorskip("jax", reason="jax is not installed: it has no wheel for this platform")

from covary.interop.jax_numpy import prefetch  # noqa: E402


@pytest.mark.parametrize("size", [1, 2, 9])
def test_batches_are_the_loaders_in_jax_arrays(size: int, loader: Any, epochs: Any) -> None:
    truth = epochs(1)
    with loader(workers=2) as batches:
        made = list(prefetch(batches.epoch(1), size))
    assert len(made) == len(truth)
    for batch, true in zip(made, truth, strict=True):
        assert isinstance(batch["image"], jax.Array) and batch["image"].dtype == np.float32
        assert same(batch["image"], true["image"]) and same(batch["label"], true["label"])
        assert tuple(batch["keys"]) == tuple(true["keys"])


def test_arrays_keep_their_values_though_the_loader_reuses_its_memory(loader: Any) -> None:
    with loader() as batches:
        made, copies = [], []
        for batch in prefetch(batches):
            made.append(batch["image"])
            copies.append(np.array(batch["image"]))
    assert all(same(one, other) for one, other in zip(made, copies, strict=True))


def test_batches_go_where_a_sharding_says(loader: Any) -> None:
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), ("batch",))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("batch"))
    (batch, *_) = prefetch(loader(), device=sharding)
    assert batch["image"].sharding == sharding


def test_no_more_batches_are_taken_than_are_on_their_way() -> None:
    taken = []

    def batches() -> Any:
        for number in range(5):
            taken.append(number)
            yield {"image": np.zeros((1, 2, 2, 1), np.float32), "number": number}

    stream = prefetch(batches(), 2)
    assert next(stream)["number"] == 0
    assert taken == [0, 1]
    assert [batch["number"] for batch in stream] == [1, 2, 3, 4]


def test_a_gradient_is_taken_of_a_batch(loader: Any) -> None:
    batch = next(prefetch(loader()))

    @jax.jit
    def loss(weights: Any) -> Any:
        logits = batch["image"].reshape(4, -1) @ weights
        return -jax.nn.log_softmax(logits)[jax.numpy.arange(4), batch["label"]].mean()

    assert bool(jax.numpy.isfinite(jax.grad(loss)(jax.numpy.zeros((3 * 16 * 16, 2)))).all())


def test_a_wrong_size_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="size is 0"):
        prefetch([], 0)
