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
    "crop": [image.RandomCrop((609, 801))],
    "pad": [image.Pad((3, 5, 7, 1), fill=9)],
    "rotate": [image.Rotate(border="constant", fill=(1, 2, 3))],
    "resize": [image.Resize((797, 633))],
    "one curve": [image.Gamma()],
    "curve by channel": [image.RGBShift(), image.Posterize()],
    "mixed channels": [image.ColorJitter(0.3, 0.3, 0.3, 0.1)],
    "erase": [image.CoarseDropout(holes=(3, 5)), image.RandomErasing(value="noise")],
    "blur": [image.GaussianBlur((0.5, 2))],
    "noise": [image.GaussianNoise(), image.SaltAndPepper()],
    "normalise": [image.Rotate(), image.Normalize("imagenet")],
    "normalise mixed": [image.RandomResizedCrop((401, 399)), image.ColorJitter(), image.Normalize("imagenet")],
    "to tensor": [image.HorizontalFlip(p=0.5), image.ToTensor()],
}


@pytest.mark.parametrize("size", [(621, 811), (640, 832)])
@pytest.mark.parametrize("name", PIPELINES)
def test_batches_of_megabytes_equal_single_pictures(name, size, monkeypatch):
    pipeline = Pipeline(PIPELINES[name], seed=5)
    pictures = list(np.random.default_rng(1).integers(0, 256, (12, *size, 3), np.uint8))
    batch = pipeline.batch(pictures, keys=range(12), threads=2)
    assert sum(made.nbytes for made in batch) > 2**24  # more than is ever kept in a cache
    simd = kernels.simd
    for key, (picture, made) in enumerate(zip(pictures, batch, strict=True)):
        monkeypatch.setattr(kernels, "simd", simd and key > 1)  # the first two by the portable code
        np.testing.assert_array_equal(made, pipeline(image=picture, key=key)["image"])


def test_pictures_whose_results_are_all_held_are_the_same():
    pictures = list(np.random.default_rng(1).integers(0, 256, (8, 512, 512, 3), np.uint8))
    pipeline = Pipeline([image.HorizontalFlip(p=1), image.ColorJitter()], threads=1)
    before = [pipeline.batch(pictures, keys=range(8)) for _ in range(4)]
    truth = before[0].copy()
    del before
    for made in [pipeline.batch(pictures, keys=range(8)) for _ in range(4)]:  # on memory of long ago
        np.testing.assert_array_equal(made, truth)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 4, 5, 9, 33])
@pytest.mark.parametrize("height", [512, 513])
def test_streamed_pixels_of_any_size_are_turned_as_numpy_turns_them(channels, dtype, height):
    pictures = (
        np.random.default_rng(2).integers(0, 256, (3, height, 2**21 // (height * channels) * 3, channels)).astype(dtype)
    )
    for turned, axis in ((image.HorizontalFlip(p=1), 2), (image.VerticalFlip(p=1), 1)):
        np.testing.assert_array_equal(Pipeline([turned]).batch(pictures), np.flip(pictures, axis))


@pytest.mark.parametrize("channels", [*range(1, 35), 64, 65])
def test_pixels_of_any_size_are_turned_as_numpy_turns_them(channels):
    for width in (1, 2, 3, 7, 16, 21, 22, 63, 64, 65, 70, 200):
        pictures = np.random.default_rng(3).integers(0, 256, (2, 3, width, channels), np.uint8)
        made = Pipeline([image.HorizontalFlip(p=1)]).batch(pictures)
        np.testing.assert_array_equal(made, pictures[:, :, ::-1])


def test_what_only_reads_its_picture_is_not_given_its_own_room():
    pictures = np.random.default_rng(4).integers(0, 256, (2, 60, 90, 3), np.uint8)
    pipeline = Pipeline([image.HorizontalFlip(p=1), image.RandomGridShuffle((3, 3))], seed=3)
    one_by_one = Pipeline([image.HorizontalFlip(p=1), image.RandomGridShuffle((3, 3))], seed=3, renderer="reference")
    np.testing.assert_array_equal(pipeline.batch(pictures, keys=[1, 2]), one_by_one.batch(pictures, keys=[1, 2]))
