"""Small data sets for the tests of their readers."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from covary.data.dataset import Dataset, Encoded
from covary.data.encode import encode


def picture(number, size=(12, 16)):
    """A picture that differs from those of other numbers."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 7 + number * 31, y * 9 + number * 17, x + y + number], axis=2).astype(np.uint8)


def write_picture(path, number=0, size=(12, 16), format=None):
    """Write a picture, its format by its name, and return its bytes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {".jpg": "jpeg", ".png": "png", ".tif": "tiff", ".bmp": "bmp"}[path.suffix.lower()]
    path.write_bytes(encode(picture(number, size), format or kind))
    return path.read_bytes()


def write_text(path, text):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def same(one, other):
    """Whether two samples (or parts of them) hold the same."""
    if isinstance(one, Encoded):
        return isinstance(other, Encoded) and one.data == other.data
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)
    return one == other or (one != one and other != other)


def check_dataset(dataset, most=5_000):
    """What every reader promises: the protocol, a flat index that travels outside the pickle, reads from threads."""
    assert isinstance(dataset, Dataset)
    assert len(dataset) == len(dataset.keys)
    assert len(set(dataset.keys)) == len(dataset)
    if dataset.labels is not None:
        assert dataset.labels.dtype == np.int64 and dataset.labels.shape == (len(dataset),)
        assert dataset.labels.min() >= -1 and dataset.labels.max() < max(1, len(dataset.classes))
    assert dataset.splits is None or len(dataset.splits) == len(dataset)
    buffers = []
    rest = pickle.dumps(dataset, protocol=5, buffer_callback=buffers.append)
    assert len(rest) < most
    again = pickle.loads(rest, buffers=buffers)
    assert list(again.keys) == list(dataset.keys)
    numbers = list(range(min(len(dataset), 12))) * 3
    alone = [dataset.read(number) for number in numbers]
    with ThreadPoolExecutor(2) as threads:
        together = list(threads.map(dataset.read, numbers))
        elsewhere = list(threads.map(again.read, numbers))
    assert same(alone, together) and same(alone, elsewhere)
