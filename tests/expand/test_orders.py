"""Work items go to other processes: they pickle, hold no pixels, and give the same there."""

import pickle

import numpy as np
import pytest
from expansions import everything, pipeline, small_set
from sets import voc_set, yolo_set

import covary.expand.engines as engines
from covary.data import Arrays
from covary.expand import expand

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


@pytest.mark.parametrize("format", ("same", "webdataset", "parquet"))
@pytest.mark.parametrize("make", (small_set, yolo_set, voc_set))
def test_work_items_do_the_same_after_pickling(tmp_path, monkeypatch, make, format):
    source = make(tmp_path / "in")
    expand(source, tmp_path / "out", pipeline(), times=2, format=format, originals="copy")
    done = engines.do_task
    sizes = []

    def elsewhere(order, item):
        sizes.append(len(pickle.dumps(item)))
        result = done(*pickle.loads(pickle.dumps((order, item))))
        return pickle.loads(pickle.dumps(result))

    monkeypatch.setattr(engines, "do_task", elsewhere)
    expand(source, tmp_path / "other", pipeline(), times=2, format=format, originals="copy")
    assert everything(tmp_path / "other") == everything(tmp_path / "out")
    assert sizes and max(sizes) < 4000


def test_an_order_for_arrays_pickles(tmp_path, monkeypatch):
    done = engines.do_task
    monkeypatch.setattr(engines, "do_task", lambda order, item: done(*pickle.loads(pickle.dumps((order, item)))))
    images = [np.full((8, 8, 3), 20 * n, np.uint8) for n in range(3)]
    assert expand(Arrays({"image": images}), tmp_path / "out", pipeline(), times=1, format="webdataset").made == 3
