"""covary in Keras, against `model.fit` and `model.evaluate` (on Keras' JAX backend, the one quickest to load)."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import numpy as np
import pytest

from covary import Pipeline, image, mix
from tests.interop.pictures import same

if importlib.util.find_spec("jax") is not None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="keras is not installed: it has no wheel for this platform")

from covary.interop.keras_pydataset import PyDataset  # noqa: E402

LAST = Pipeline([image.RandomResizedCrop(16), image.Normalize("half", layout="HWC")], seed=7)


class Asked(PyDataset):
    """A data set that remembers which epoch's batches it was asked for."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.asked: list[tuple[int, int]] = []

    def __getitem__(self, index: int) -> Any:
        self.asked.append((self.epoch, index))
        return super().__getitem__(index)


def model() -> Any:
    network = keras.Sequential([keras.Input((16, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile("sgd", loss)
    return network


def test_batches_are_the_loaders_by_number(loader: Any) -> None:
    data = PyDataset(loader(LAST), epoch=3)
    truth = list(loader(LAST).epoch(3))
    assert len(data) == len(truth) == 4
    for number in (2, 0, 3):
        pictures, labels = data[number]
        assert same(pictures, truth[number]["image"]) and same(labels, truth[number]["label"])
    assert same(data[-1][0], truth[-1]["image"])


def test_pictures_lie_as_keras_says(loader: Any, epochs: Any) -> None:
    assert same(PyDataset(loader())[1][0], np.moveaxis(epochs(0)[1]["image"], 1, -1))
    keras.config.set_image_data_format("channels_first")
    try:
        assert same(PyDataset(loader())[1][0], epochs(0)[1]["image"])
        assert PyDataset(loader(LAST))[1][0].shape == (4, 3, 16, 16)
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize("workers", [1, 2])
def test_each_pass_of_fit_is_the_next_epoch_of_the_loader(workers: int, loader: Any) -> None:
    data = Asked(loader(LAST), workers=workers)
    held = Asked(loader(LAST, shuffle=False), hold=True, workers=workers)
    network = model()
    network.fit(data, epochs=2, validation_data=held, verbose=0)
    history = network.fit(data, epochs=2, verbose=0)
    # Before the first epoch Keras may look at the data once more, to learn the shapes.
    trained = sorted({epoch for epoch, _ in data.asked})[-4:]
    assert trained in ([0, 1, 2, 3], [1, 2, 3, 4])
    assert sorted(asked for asked in data.asked if asked[0] >= trained[0]) == [
        (e, b) for e in trained for b in range(4)
    ]
    assert {epoch for epoch, _ in held.asked} == {0}
    assert np.isfinite(history.history["loss"]).all()
    assert len(network.predict(PyDataset(loader(LAST), fields=("image",)), verbose=0)) == 14


def test_a_callback_makes_the_numbers_of_the_epochs_agree(loader: Any) -> None:
    data = Asked(loader(LAST))
    network = model()
    network.fit(data, epochs=1, verbose=0)
    data.asked.clear()
    tell = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: data.set_epoch(epoch))
    network.fit(data, initial_epoch=5, epochs=7, callbacks=[tell], verbose=0)
    assert sorted(data.asked) == [(epoch, batch) for epoch in (5, 6) for batch in range(4)]


def test_keras_evaluates_what_numpy_evaluates(loader: Any) -> None:
    network = model()
    whole = next(iter(loader(LAST, shuffle=False, batch_size=14)))
    mean = network.evaluate(whole["image"], whole["label"], batch_size=14, verbose=0)
    assert np.isclose(network.evaluate(PyDataset(loader(LAST, shuffle=False), hold=True), verbose=0), mean, rtol=1e-4)


def test_soft_labels_are_given_where_the_loader_mixes(loader: Any) -> None:
    _, target = PyDataset(loader(LAST, mix=mix.MixUp(1.0)))[0]
    assert target.shape == (4, 2) and target.dtype == np.float32


def test_what_is_wrong_is_named(loader: Any) -> None:
    with pytest.raises(TypeError, match="loader is a list"):
        PyDataset([])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no field 'labels'"):
        PyDataset(loader(LAST), fields=("labels",))[0]
    with pytest.raises(ValueError, match="end the pipeline with a crop or a resize"):
        PyDataset(loader(Pipeline([])))[0]
