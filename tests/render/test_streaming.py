"""Large batches are written past the caches: the bytes must be those of single pictures, which are not."""

from __future__ import annotations

import numpy as np
import pytest

from covary import Pipeline, image, kernels

pytestmark = pytest.mark.skipif(kernels.native is None, reason="the extension is not built")

PIPELINES = {
    "nothing": [],
    "flip": [image.HorizontalFlip(p=1)],
    "upside down": [image.VerticalFlip(p=1)],
    "turn": [image.RandomRotate90(p=1)],
    "crop": [image.RandomCrop((259, 321))],
    "pad": [image.Pad((3, 5, 7, 1), fill=9)],
    "rotate": [image.Rotate(border="constant", fill=(1, 2, 3))],
    "resize": [image.Resize((397, 333))],
    "one curve": [image.Gamma()],
    "curve by channel": [image.RGBShift(), image.Posterize()],
    "mixed channels": [image.ColorJitter(0.3, 0.3, 0.3, 0.1)],
    "erase": [image.CoarseDropout(holes=(3, 5)), image.RandomErasing(value="noise")],
    "blur": [image.GaussianBlur((0.5, 2))],
    "noise": [image.GaussianNoise(), image.SaltAndPepper()],
    "normalise": [image.Rotate(), image.Normalize("imagenet")],
    "normalise mixed": [image.RandomResizedCrop((301, 299)), image.ColorJitter(), image.Normalize("imagenet")],
    "to tensor": [image.HorizontalFlip(p=0.5), image.ToTensor()],
}


@pytest.mark.parametrize("simd", [True, False])
@pytest.mark.parametrize("size", [(311, 403), (320, 384)])
@pytest.mark.parametrize("name", PIPELINES)
def test_batches_of_megabytes_equal_single_pictures(name, size, simd, monkeypatch):
    monkeypatch.setattr(kernels, "simd", simd)
    pipeline = Pipeline(PIPELINES[name], seed=5)
    pictures = list(np.random.default_rng(1).integers(0, 256, (14, *size, 3), np.uint8))
    assert sum(picture.nbytes for picture in pictures) > 2**22
    batch = pipeline.batch(pictures, keys=range(14), threads=2)
    monkeypatch.setattr(kernels, "simd", False)
    for key, (picture, made) in enumerate(zip(pictures, batch, strict=True)):
        np.testing.assert_array_equal(made, pipeline(image=picture, key=key)["image"])
