"""What the Loader makes of packed samples, against what it makes of the files themselves."""

import numpy as np
import pytest

import covary
from covary import Pipeline, image
from covary.data.encode import encode
from covary.data.images import ImageFolder
from covary.data.webdataset import WebDataset
from covary.pack import pack

pytestmark = pytest.mark.filterwarnings("ignore:covary's compiled kernels:RuntimeWarning")


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_packed_samples_equal_those_of_the_files(tmp_path, workers):
    random = np.random.default_rng(0)
    for index in range(12):
        path = tmp_path / "in" / f"class{index % 3}" / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(random.integers(0, 256, (30 + index, 40, 3), dtype=np.uint8), "jpeg"))
    files = ImageFolder(tmp_path / "in")
    pack(files, tmp_path / "out", side=None, per_shard=5)
    packed = WebDataset(tmp_path / "out")
    pipeline = Pipeline(
        [image.RandomResizedCrop(16), image.HorizontalFlip(), image.GaussianNoise((0.01, 0.05))], seed=5
    )
    found = []
    for dataset in (files, packed):
        loader = covary.Loader(dataset, pipeline, batch_size=4, shuffle=False, workers=workers)
        samples = {}
        for batch in loader.epoch(3):
            samples |= {
                str(key): (np.array(pixels), int(label))
                for key, pixels, label in zip(batch.keys, batch.image, batch.label, strict=True)
            }
        found.append(samples)
    assert found[0].keys() == found[1].keys() and len(found[0]) == 12
    for key, (pixels, label) in found[0].items():
        assert np.array_equal(pixels, found[1][key][0]) and label == found[1][key][1]
