"""covary in TensorFlow, against `tf.data` itself."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from covary import Pipeline, image
from tests.interop.pictures import same

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
tf = pytest.importorskip("tensorflow", reason="tensorflow is not installed: it has no wheel for this platform")

from covary.interop.tf_data import dataset  # noqa: E402

LAST = Pipeline([image.RandomResizedCrop(16), image.Normalize("half", layout="HWC")], seed=7)


def test_each_pass_is_the_next_epoch_of_the_loader(loader: Any) -> None:
    data = dataset(loader(LAST, workers=2), epoch=1)
    assert int(data.cardinality()) == 4
    for epoch in (1, 2):
        for (pictures, labels), truth in zip(data, loader(LAST).epoch(epoch), strict=True):
            assert same(pictures, truth["image"]) and same(labels, truth["label"])


def test_a_pass_that_was_left_does_not_shorten_the_next(loader: Any) -> None:
    data = dataset(loader(LAST))
    assert len(list(data.take(2))) == 2
    assert len(list(data)) == 4


def test_repeat_goes_through_the_epochs(loader: Any) -> None:
    made = [pictures.numpy() for pictures, _ in dataset(loader(LAST)).repeat(2)]
    truth = [batch["image"] for epoch in (0, 1) for batch in loader(LAST).epoch(epoch)]
    assert all(same(one, other) for one, other in zip(made, truth, strict=True))


def test_shapes_and_types_are_known_ahead(loader: Any) -> None:
    pictures, labels = dataset(loader(LAST)).element_spec
    assert pictures == tf.TensorSpec((None, 16, 16, 3), tf.float32) and labels == tf.TensorSpec((None,), tf.int64)
    assert dataset(loader(LAST, drop_last=True)).element_spec[0].shape == (4, 16, 16, 3)
    assert dataset(loader(LAST), fields=("image", "keys")).element_spec[1].dtype == tf.string


def test_pictures_lie_as_asked(loader: Any, epochs: Any) -> None:
    truth = epochs(0)[0]["image"]
    assert same(next(iter(dataset(loader())))[0], np.moveaxis(truth, 1, -1))
    assert same(next(iter(dataset(loader(), layout="CHW")))[0], truth)


def test_what_is_wrong_is_named(loader: Any) -> None:
    with pytest.raises(ValueError, match="no field 'labels'"):
        dataset(loader(LAST), fields=("labels",))
    with pytest.raises(TypeError, match="loader is a str"):
        dataset("photos")  # type: ignore[arg-type]
