"""The epoch that worker processes share."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from covary.interop.epochs import SharedEpoch


def watch(shared: SharedEpoch, heard: Any, go_on: Any) -> None:
    heard.put(int(shared))
    go_on.get()
    heard.put(int(shared))
    heard.put(shared.claim(1, 77))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_process_that_runs_already_hears_of_the_next_epoch(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this platform does not {method} processes")
    context = multiprocessing.get_context(method)
    shared, heard, go_on = SharedEpoch(3), context.Queue(), context.Queue()
    process = context.Process(target=watch, args=(shared, heard, go_on))
    process.start()
    try:
        assert heard.get(timeout=60) == 3
        shared.set(8)
        go_on.put(None)
        assert [heard.get(timeout=60), heard.get(timeout=60)] == [8, 8]
        assert int(shared) == 9  # the process has claimed the pass of epoch 8
    finally:
        process.join(60)


@settings(max_examples=50)
@given(st.data(), st.integers(1, 6), st.lists(st.integers(1, 2**32 - 1), unique=True, min_size=1, max_size=8))
def test_each_pass_is_the_next_epoch_in_whatever_order_its_workers_claim_it(
    data: st.DataObject, workers: int, passes: list[int]
) -> None:
    shared = SharedEpoch(5)
    for number, passing in enumerate(passes):
        order = data.draw(st.permutations(range(workers)))
        assert {shared.claim(worker, passing) for worker in order} == {5 + number}
    shared.set(2)
    assert shared.claim(0, passes[0]) == 2


def test_copies_follow_and_pickles_hold_the_number() -> None:
    shared = SharedEpoch()
    copies = [copy.copy(shared), copy.deepcopy({"inside": shared})["inside"]]
    shared.set(4)
    assert [int(each) for each in copies] == [4, 4]
    kept = pickle.loads(pickle.dumps(shared))
    shared.set(5)
    assert int(kept) == 4


@pytest.mark.parametrize("epoch", [-1, 2**32, 1.0, True])
def test_what_is_no_epoch_is_refused(epoch: Any) -> None:
    with pytest.raises(ValueError, match="epoch is"):
        SharedEpoch().set(epoch)
