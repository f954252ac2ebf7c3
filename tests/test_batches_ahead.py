"""Batches without keys are planned several at a time: they are the batches that the same keys give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary import OneOf, Pipeline, image
from covary.images import Images
from covary.plan.ahead import BATCHES, plan_bytes
from covary.plan.changes import Displace
from covary.plan.fusion import Group
from covary.plan.stages import Stage

OPERATIONS = [
    image.HorizontalFlip(p=0.5),
    image.RandomResizedCrop(20, scale=(0.3, 1), p=0.6),
    image.Affine(rotate=(-20, 20), p=0.5),
    image.ColorJitter(0.3, 0.3, 0.3, 0.1),
    image.ElasticTransform(p=0.4),
    image.MedianBlur(3, p=0.5),
    image.GaussianNoise((0.02, 0.1), p=0.5),
    image.CoarseDropout(p=0.5),
    image.Equalize(p=0.3),
    image.RandomCrop((17, 23)),
    OneOf([image.Invert(), image.Gamma((0.5, 2))]),
]


def pictures(count, height=31, width=40, dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, np.iinfo(dtype).max, (height, width, 3), dtype, endpoint=True) for _ in range(count)]


def same(first, second):
    assert len(first) == len(second)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=4), st.integers(1, 6), st.booleans())
def test_batches_one_after_the_other_are_those_of_their_keys(operations, count, fuse):
    counted, keyed = Pipeline(operations, seed=3, fuse=fuse), Pipeline(operations, seed=3, fuse=fuse)
    for call in range(2 * BATCHES + 2):
        given_ = pictures(count, seed=call)
        keys = list(range(call * count, (call + 1) * count))
        same(counted.batch(given_), keyed.batch(given_, keys=keys))


def test_another_kind_of_batch_between_does_not_change_those_that_follow():
    pipeline, keyed = (Pipeline([image.RandomCrop(12), image.Rotate((-30, 30), p=0.5)], seed=1) for _ in range(2))
    key = 0
    for count, height, dtype in (
        [(3, 30, "u1")] * 3 + [(2, 30, "u1"), (3, 30, "u2"), (3, 33, "u1")] + [(3, 30, "u1")] * 7
    ):
        given_ = pictures(count, height, dtype=np.dtype(dtype))
        same(pipeline.batch(given_), keyed.batch(given_, keys=range(key, key + count)))
        key += count
    assert pipeline.next_key() == key


def test_epochs_and_single_calls_between_are_told_apart():
    pipeline, keyed = (Pipeline([image.RandomCrop(12)], seed=1) for _ in range(2))
    batch = pictures(4)
    for call in range(6):
        same(
            pipeline.batch(batch, epoch=call % 2),
            keyed.batch(batch, keys=range(5 * call, 5 * call + 4), epoch=call % 2),
        )
        same([pipeline(batch[0])], [keyed(batch[0], key=5 * call + 4)])


@pytest.mark.parametrize("form", ["list", "array"])
def test_views_and_grey_pictures_are_taken_as_before(form):
    pipeline, keyed = (Pipeline([image.RandomCrop(12)], seed=1) for _ in range(2))
    grey = [picture[::-1, :, 0] for picture in pictures(3)]
    batch = np.stack(grey)[..., None] if form == "array" else grey
    for call in range(4):
        same(pipeline.batch(batch), keyed.batch(batch, keys=range(3 * call, 3 * call + 3)))


def test_large_plans_are_made_for_one_batch_at_a_time(monkeypatch):
    asked = []
    groups = Images.groups
    monkeypatch.setattr(
        Images, "groups", lambda self, sizes, *rest: asked.append(len(sizes)) or groups(self, sizes, *rest)
    )
    dense, light = (Pipeline([operation], seed=1) for operation in (image.ElasticTransform(), image.RandomCrop(100)))
    batch = pictures(4, 256, 256)
    for pipeline in (dense, light):
        for _ in range(7):
            pipeline.batch(batch)
    assert asked == [4, 4 * BATCHES, 4, 4, 4, 4 * BATCHES, 4 * BATCHES]


def test_arrays_of_a_plan_are_counted_once():
    grid = np.zeros((5, 5, 2), np.float32)
    changes = (Displace((grid, grid)), Displace((grid, np.zeros((3, 3, 2), np.float32))))
    stages = tuple(Stage(size=np.full((2, 2), 9), coordinates=(change,)) for change in changes)
    assert plan_bytes([Group(None, stages)]) == grid.nbytes + 3 * 3 * 2 * 4 + 2 * 2 * 2 * 8
