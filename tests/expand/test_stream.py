"""Epoch k of the Loader's stream is variation k of an expansion, pixel for pixel, however JPEGs are decoded."""

import numpy as np
import pytest

from covary import Loader, Pipeline, image
from covary.data.decode import decode
from covary.expand import expand, verify
from covary.expand.names import variation_name
from tests.data.jpegs import jpeg, photograph

PIPELINE = Pipeline(
    [
        image.RandomResizedCrop(40, scale=(0.3, 1.0)),
        image.HorizontalFlip(p=0.5),
        image.Rotate((-20, 20), border="reflect"),
        image.ColorJitter(0.2),
        image.GaussianNoise(0.02, p=0.5),
    ],
    seed=3,
)


@pytest.fixture
def photos(tmp_path):
    for index, orientation in enumerate((1, 6, 3, 1)):
        path = tmp_path / "photos" / "ab"[index % 2] / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(photograph(301 + index, 402, seed=index), orientation=orientation))
    return tmp_path / "photos"


@pytest.mark.parametrize("mode", ["full", "scaled"])
def test_epoch_k_of_the_stream_is_variation_k_of_the_expansion(photos, tmp_path, mode):
    out = tmp_path / "out"
    expand(photos, out, PIPELINE, times=3, format="png", decode=mode)
    assert verify(out).ok
    with Loader(photos, PIPELINE, batch_size=3, decode=mode, workers=2, worker_type="thread") as loader:
        for epoch in range(3):
            for batch in loader.epoch(epoch):
                for picture, key in zip(batch.image, batch.keys, strict=True):
                    assert np.array_equal(picture, decode(out / variation_name(key, epoch, "png")))


def test_the_two_ways_of_decoding_differ_and_are_told_apart(photos, tmp_path):
    out = tmp_path / "out"
    expand(photos, out, PIPELINE, times=1, format="png", decode="full")
    full = {path.name: path.read_bytes() for path in out.rglob("*.png")}
    assert expand(photos, out, PIPELINE, times=1, format="png", decode="full").made == 0
    assert expand(photos, out, PIPELINE, times=1, format="png", decode="scaled").made == 4
    assert any(path.read_bytes() != full[path.name] for path in out.rglob("*.png"))
    assert verify(out).ok


def test_an_unknown_way_of_decoding_is_refused(photos, tmp_path):
    with pytest.raises(ValueError, match="expand: decode='half'; allowed: scaled, full"):
        expand(photos, tmp_path / "out", PIPELINE, decode="half")
