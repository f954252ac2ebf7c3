"""Recycled memory: arrays like any other, whose blocks are handed out again."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

from covary import kernels
from covary.render import buffers

needs_kernels = pytest.mark.skipif(kernels.native is None, reason="the compiled kernels are not built")


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64", "bool", np.dtype("float16")])
@pytest.mark.parametrize("shape", [(), 0, 5, (3, 4), [2, 0, 7], (64, 1024, 3), (5, 512, 512)])
def test_array_has_the_shape_and_type_numpy_gives(shape, dtype):
    array, truth = buffers.empty(shape, dtype), np.empty(shape, dtype)
    assert (array.shape, array.dtype, array.strides) == (truth.shape, truth.dtype, truth.strides)
    assert array.flags.writeable and array.flags.c_contiguous
    array[...] = 1
    assert (array == 1).all()


def test_arrays_alive_at_once_share_no_memory():
    arrays = [buffers.empty((300, 300), "float32") for _ in range(6)]
    for value, array in enumerate(arrays):
        array[...] = value
    assert [float(array.mean()) for array in arrays] == [0, 1, 2, 3, 4, 5]


@needs_kernels
def test_block_of_a_deleted_array_is_handed_out_again():
    first = buffers.empty(1 << 20, "uint8")
    address = first.ctypes.data
    view = first[10:20]
    del first
    gc.collect()
    other = buffers.empty(1 << 20, "uint8")
    assert other.ctypes.data != address  # the view still holds the block
    del view
    again = buffers.empty(1 << 20, "uint8")
    assert again.ctypes.data == address


@needs_kernels
def test_memory_knows_how_much_was_handed_out_since_it_was_last():
    kernels.native.drop_kept()
    held = [buffers.empty(1 << 20, "uint8") for _ in range(8)]
    assert [kernels.native.handed_between(array) for array in held] == [0] * 8  # new memory
    del held
    one = buffers.empty(1 << 20, "uint8")
    address = one.ctypes.data
    del one
    one = buffers.empty(1 << 20, "uint8")
    assert one.ctypes.data == address
    assert 1 << 20 <= kernels.native.handed_between(one[7:]) < 2 << 20  # itself alone
    others = [buffers.empty(1 << 20, "uint8") for _ in range(7)]
    assert 8 << 20 <= kernels.native.handed_between(others[-1]) < 16 << 20
    assert kernels.native.handed_between(np.empty(1 << 20, "uint8")) == 0
    del one
    gc.collect()


@needs_kernels
def test_free_list_is_bounded():
    arrays = [buffers.empty(64 << 20, "uint8") for _ in range(6)]
    del arrays
    assert kernels.native.kept_bytes() <= 256 << 20
    kernels.native.drop_kept()
    assert kernels.native.kept_bytes() == 0


def test_threads_may_take_and_return_blocks_at_the_same_time():
    wrong = []

    def work(value):
        for size in range(70_000, 170_000, 1000):
            array = buffers.empty(size, "uint8")
            array[...] = value
            if not (array == value).all():
                wrong.append(size)

    threads = [threading.Thread(target=work, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("shape", [-1, (2, -3)])
def test_negative_length_is_refused(shape):
    with pytest.raises(ValueError, match="negative"):
        buffers.empty(shape, "uint8")


def test_without_kernels_arrays_come_from_numpy(monkeypatch):
    monkeypatch.setattr(kernels, "native", None)
    assert buffers.empty((1000, 1000), "uint8").base is None
