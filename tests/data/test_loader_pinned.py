"""Batches in page-locked memory: the same bits, drawn and mixed straight into it, and no memory handed out twice.

Memory is not locked here: an allocator that keeps what is let go of, as PyTorch's does, stands in for it.
"""

import weakref
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn
from jpegs import photograph
from loading import PIPELINE, Pictures, loader

from covary import Pipeline, image
from covary.data import pinned
from covary.ops.mix import AugMixViews, CutMix, Mosaic

torch = pytest.importorskip("torch", reason="torch is not installed: it has no wheel for this platform")

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")

WORKERS = [{"workers": 0}, {"workers": 2}, {"workers": 2, "worker_type": "process"}]


class Memory:
    """Hands out memory, and again what nobody stands on any more."""

    def __init__(self):
        self.free = defaultdict(list)
        self.handed = []  # (address, bytes) of each tensor
        self.copied = []  # bytes of each array that did not stand here

    def __call__(self, count):
        memory = self.free[count].pop() if self.free[count] else np.empty(count, np.uint8)
        lease = np.frombuffer(memory, np.uint8)
        weakref.finalize(lease, self.free[count].append, memory)
        self.handed.append((lease.ctypes.data, count))
        return torch.from_numpy(lease)

    def holds(self, tensor):
        storage = tensor.untyped_storage()
        return (storage.data_ptr(), storage.nbytes()) in self.handed


@pytest.fixture
def memory(monkeypatch):
    memory = Memory()
    copied = pinned.Pinned.copied

    def noted(self, array):
        memory.copied.append(array.nbytes)
        return copied(self, array)

    monkeypatch.setattr(pinned, "has_device", lambda: True)
    monkeypatch.setattr(pinned, "page_locked", memory)
    monkeypatch.setattr(pinned.Pinned, "copied", noted)
    return memory


def tensors(value):
    if isinstance(value, torch.Tensor):
        return [value]
    return [tensor for each in value for tensor in tensors(each)] if isinstance(value, list) else []


def equal(batch, truth):
    assert list(batch) == list(truth)
    for name, value in truth.items():
        found = batch[name]
        if isinstance(value, np.ndarray):
            assert found.numpy().dtype == value.dtype and np.array_equal(found.numpy(), value), name
        elif isinstance(value, list):
            pairs = list(zip(found, value, strict=True))
            assert all(np.array_equal(np.asarray(one), np.asarray(other)) for one, other in pairs), name
        else:
            assert list(found) == list(value) if name == "keys" else found == value, name
    return True


class Scenes(Pictures):
    """With a class mask, and boxes of which no two pictures have as many."""

    def read(self, index):
        boxes = np.array([[4.0 + each, 5, 60, 70] for each in range(index % 4)]).reshape(-1, 4)
        return {**Pictures.read(self, index), "mask": photograph(96, 130, seed=index)[..., 0], "boxes": boxes}


class Clips(Pictures):
    """Videos."""

    def read(self, index):
        return {"video": np.stack([photograph(40, 50, seed=index + frame) for frame in range(3)]), "label": index % 3}


RAW = Pipeline([image.RandomCrop(48), image.HorizontalFlip(), image.Normalize()], seed=2)
CASES = {
    "pictures": ("image", lambda: (Pictures(), PIPELINE), {}),
    "no pipeline": ("image", lambda: (Pictures(), None), {}),
    "masks and boxes": ("image", lambda: (Scenes(), PIPELINE), {}),
    "mixed": ("image", lambda: (Pictures(), PIPELINE), {"mix": CutMix()}),
    "views": ("views", lambda: (Pictures(), RAW), {"mix": AugMixViews()}),
    "mosaic": ("image", lambda: (Scenes(), Pipeline([image.RandomCrop(64)])), {"mix": Mosaic(size=(70, 90))}),
    "videos": ("video", lambda: (Clips(), Pipeline([image.RandomCrop(24)])), {}),
}


@pytest.mark.parametrize(
    ("case", "workers"),
    [
        (case, workers)
        for case in CASES
        for workers in (WORKERS if case in ("masks and boxes", "mixed") else WORKERS[:2])
    ],
    ids=str,
)
def test_batches_are_those_of_arrays_and_their_pictures_are_made_in_locked_memory(case, workers, memory):
    field, made, options = CASES[case]
    truth = list(loader(*made(), **options).epoch(1))
    with loader(*made(), to="torch", pin_memory=True, **options, **workers) as batches:
        for number, batch in enumerate(batches.epoch(1)):
            assert equal(batch, truth[number])
            for value in batch.values():
                assert all(memory.holds(tensor) for tensor in tensors(value))
    assert number == len(truth) - 1
    sizes = [each[field].nbytes for each in truth]
    assert max(memory.copied, default=0) < min(sizes)  # labels and boxes only
    if not workers["workers"]:
        assert sum(count == sizes[0] for _, count in memory.handed) == sizes.count(sizes[0])
    if "worker_type" in workers:  # shared memory is copied there once, all of it
        assert not memory.copied


def test_pictures_of_several_sizes_stand_in_locked_memory_each(memory):
    sizes = Pipeline([image.RandomScale((0.5, 1.5))], seed=3)
    truth = list(loader(Pictures(16), sizes).epoch(0))
    for batch, arrays in zip(loader(Pictures(16), sizes, to="torch", pin_memory=True).epoch(0), truth, strict=True):
        assert equal(batch, arrays) and isinstance(batch.image, list)
        assert all(memory.holds(picture) for picture in batch.image)
    assert max(memory.copied) < min(picture.nbytes for arrays in truth for picture in arrays.image)


@pytest.mark.parametrize("workers", WORKERS, ids=str)
def test_memory_is_used_again_only_when_nobody_stands_on_it(workers, memory):
    truth = list(loader().epoch(0))
    with loader(to="torch", pin_memory=True, **workers) as batches:
        held = list(batches.epoch(0))
        assert len({batch.image.data_ptr() for batch in held}) == len(held)
        views = [batch.image[2:, :, 3] for batch in held]  # as good as the batch itself
        addresses = {batch.image.data_ptr() for batch in held}
        del held
        for batch in batches.epoch(1):
            assert batch.image.data_ptr() not in addresses
        for view, arrays in zip(views, truth, strict=True):
            assert np.array_equal(view.numpy(), arrays.image[2:, :, 3])
        del views, view, batch
        again = {batch.image.data_ptr() for epoch in range(2, 6) for batch in batches.epoch(epoch)}
        assert addresses & again
        big = {address for address, count in memory.handed if count >= truth[-1].image.nbytes}
        assert len(big) < 4 * len(truth)  # of six epochs


def test_a_batch_that_is_asked_for_by_number_is_pinned_too(memory):
    truth = loader().batch(2, epoch=4)
    batch = loader(to="torch", pin_memory=True).batch(2, epoch=4)
    assert equal(batch, truth) and memory.holds(batch.image) and memory.holds(batch.label)


def test_a_fork_has_plain_memory_as_cuda_does_not_work_there(memory, monkeypatch):
    batches = loader(to="torch", pin_memory=True)
    batches.batch(0)
    handed = len(memory.handed)
    monkeypatch.setattr(batches, "_home", -1)
    assert equal(batches.batch(0), loader().batch(0)) and len(memory.handed) == handed


def test_tensors_go_to_a_device_from_locked_memory(memory):
    batch = next(iter(loader(to="torch", pin_memory=True, device="cpu")))
    assert memory.holds(batch.image)


ARRAYS = hn.arrays(
    st.sampled_from(["uint8", "int16", "uint16", "int64", "float32", "float64", "bool"]),
    hn.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)


@settings(max_examples=50, deadline=None)
@given(values=ARRAYS, data=st.data())
def test_tensors_of_any_part_of_an_array_share_its_memory_as_torch_from_numpy_does(values, data):
    room = pinned.Pinned(lambda count: torch.empty(count, dtype=torch.uint8))
    array = room.copied(values)
    part = array[data.draw(hn.basic_indices(array.shape, allow_newaxis=False))] if array.ndim else array
    part = np.asarray(part).T
    if not np.shares_memory(part, array) or any(stride < 0 for stride in part.strides):
        return  # a number by itself or nothing; and PyTorch has no negative strides
    made, truth = room.tensor(part), torch.from_numpy(part)
    assert made.dtype == truth.dtype and made.stride() == truth.stride() and torch.equal(made, truth)
    assert made.data_ptr() == truth.data_ptr()


def test_arrays_that_may_not_be_written_to_are_copied():
    room = pinned.Pinned(lambda count: torch.empty(count, dtype=torch.uint8))
    array = room.copied(np.arange(6))
    array.flags.writeable = False
    tensor = room.tensor(array)
    tensor[0] = 9
    assert array[0] == 0 and tensor.tolist() == [9, 1, 2, 3, 4, 5]
