"""A small data set of JPEGs in memory, and what comes out of loaders."""

import os
import time

import numpy as np
from jpegs import jpeg, photograph

from covary import Loader, Pipeline, image
from covary.data.dataset import Encoded, SampleError
from covary.data.decode import decode

PIPELINE = Pipeline(
    [image.RandomResizedCrop(32, scale=(0.3, 1.0)), image.HorizontalFlip(), image.Rotate((-9, 9)), image.Normalize()],
    seed=5,
)


class Pictures:
    """JPEGs of 96 x 130 pixels, of three classes of unequal size; some may be broken, some may take long."""

    splits = None
    classes = ("few", "some", "many")

    def __init__(self, count=26, broken=(), missing=(), size=(96, 130), slow=0.0):
        self.keys = [f"photo/{number}.jpg" for number in range(count)]
        self.labels = np.minimum(np.arange(count) // 3, 2).astype(np.int64)
        self.categories = {}
        self.slow = slow
        self.missing = frozenset(missing)
        files = [jpeg(photograph(*size, seed=number), quality=80) for number in range(count)]
        files = [data[: len(data) // 2] if number in broken else data for number, data in enumerate(files)]
        self.ends = np.cumsum([len(data) for data in files])
        self.data = np.frombuffer(b"".join(files), np.uint8)

    def __len__(self):
        return len(self.keys)

    def encoded(self, index):
        start = self.ends[index - 1] if index else 0
        return self.data[start : self.ends[index]].tobytes()

    def decoded(self, index):
        return decode(self.encoded(index))

    def read(self, index):
        if index in self.missing:
            raise SampleError(self.keys[index], "it is missing")
        time.sleep(self.slow)
        return {"image": Encoded(self.encoded(index), self.keys[index]), "label": int(self.labels[index])}


class Killer(Pictures):
    """Ends the process that reads number 3."""

    def read(self, index):
        if index == 3:
            os.kill(os.getpid(), 9)
        return Pictures.read(self, index)


class Wrong(Pictures):
    """Has a defect."""

    def read(self, index):
        return self.no_such_thing


def loader(data=None, pipeline=PIPELINE, **options):
    """A loader on threads, unless told otherwise."""
    options = {"batch_size": 8, "workers": 0, "worker_type": "thread", **options}
    return Loader(Pictures() if data is None else data, pipeline, **options)


def contents(batch):
    """A batch as plain data that can be compared."""
    return {
        name: value.tobytes() if isinstance(value, np.ndarray) else value if name != "keys" else list(value)
        for name, value in batch.items()
    }


def stream(loader, epochs=2):
    """All batches of some epochs."""
    with loader:
        return [contents(batch) for _ in range(epochs) for batch in loader]
