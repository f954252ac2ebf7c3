"""What frameworks ask of a Loader: single batches, shards of itself, copies; the truth is what a `for` loop gives."""

from __future__ import annotations

import pickle
import threading
from copy import copy
from typing import Any

import numpy as np
import pytest

from covary import Pipeline, image, mix
from covary.interop.batches import inputs_and_target, layout_of
from tests.interop.pictures import same


def test_single_batches_are_those_of_a_loop_from_any_thread(loader: Any, epochs: Any) -> None:
    batches, found = loader(), {}

    def fetch(epoch: int, number: int) -> None:
        found[epoch, number] = batches.batch(number, epoch)

    threads = [threading.Thread(target=fetch, args=(epoch, number)) for epoch in (0, 3) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (epoch, number), batch in found.items():
        truth = epochs(epoch)[number]
        assert same(batch["image"], truth["image"]) and tuple(batch["keys"]) == tuple(truth["keys"])
    assert batches.state_dict() == loader().state_dict()
    for number in (-1, 4):
        with pytest.raises(IndexError, match=f"batch is {number}; an epoch has 4"):
            batches.batch(number)


def test_an_epoch_can_begin_at_any_batch(loader: Any, epochs: Any) -> None:
    batches = loader(workers=1)
    assert same(next(batches.epoch(2, start=1))["image"], epochs(2)[1]["image"])
    for batch, truth in zip(batches.epoch(2, start=0), epochs(2), strict=True):
        assert same(batch["image"], truth["image"])
    batches.close()


def test_shards_are_what_a_loader_of_that_shard_gives(loader: Any) -> None:
    whole = loader()
    for rank in range(3):
        mine, truth = whole.sharded(rank, 3), loader(shard=(rank, 3))
        assert mine.shard == (rank, 3) and whole.shard == (0, 1)
        assert mine.state_dict() == truth.state_dict()
        assert [tuple(batch["keys"]) for batch in mine] == [tuple(batch["keys"]) for batch in truth]
    with pytest.raises(ValueError, match="shard is"):
        whole.sharded(3, 3)


def test_copies_go_on_as_the_original_would_and_leave_it_where_it_is(loader: Any, epochs: Any) -> None:
    batches = loader(workers=2)
    next(iter(batches))  # a loop that is broken off: the next one is of the next epoch
    for other in (copy(batches), pickle.loads(pickle.dumps(batches))):
        assert all(same(batch["image"], truth["image"]) for batch, truth in zip(other, epochs(1), strict=True))
        other.close()
    assert batches.state_dict()["batch"] == 1
    batches.close()


def test_pictures_are_turned_as_numpy_moves_axes(loader: Any, epochs: Any) -> None:
    (batch, *_) = loader()
    truth = epochs(0)[0]
    assert layout_of(loader()) == "CHW" and layout_of(loader(None)) == "HWC"
    picture, label = inputs_and_target(batch, None, "CHW", "HWC")
    assert same(picture, np.moveaxis(truth["image"], 1, -1)) and same(label, truth["label"])
    (back,) = inputs_and_target({"image": picture}, None, "HWC", "CHW")  # type: ignore[arg-type]
    assert same(back, truth["image"])


def test_soft_labels_come_before_labels(loader: Any) -> None:
    (batch, *_) = loader(mix=mix.MixUp(1.0))
    assert same(inputs_and_target(batch, None, "CHW", "CHW")[1], batch["target"])


def test_pictures_of_several_sizes_are_no_input(loader: Any) -> None:
    (batch, *_) = loader(Pipeline([image.HorizontalFlip()]))
    with pytest.raises(ValueError, match="'image' differs in size from sample to sample"):
        inputs_and_target(batch, None, "HWC", "HWC")
