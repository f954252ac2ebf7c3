"""Scaling, warping and repeating of pixels that stay side by side, of any number of channels and bits."""

import numpy as np
import pytest

from covary import Pipeline, image, kernels
from covary.ops.image.quality import downscaled

pytestmark = pytest.mark.skipif(kernels.native is None, reason="needs the compiled kernels")


def _picture(channels, dtype, seed=0):
    values = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, (61, 83, channels))
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 5, 8, 9, 17])
@pytest.mark.parametrize(
    "operation",
    [
        image.Resize((77, 101)),
        image.Resize((40, 50)),
        image.LetterBox((90, 150), fill=7),
        image.Rotate((20, 20), border="constant", fill=9),
    ],
)
def test_channels_together_equal_each_channel_alone(dtype, channels, operation):
    whole = _picture(channels, dtype)
    together = Pipeline([operation], seed=1)(image=whole, key=1)["image"]
    for channel in range(channels):
        alone = Pipeline([operation], seed=1)(image=np.ascontiguousarray(whole[:, :, channel : channel + 1]), key=1)
        # Weights of up to four bytes are whole numbers when they are turned: what lies halfway may round the other way.
        apart = 1 if isinstance(operation, image.Rotate) and channels > 4 else 0
        np.testing.assert_allclose(
            together[:, :, channel : channel + 1], alone["image"].astype(int), rtol=0, atol=apart
        )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 7, 9, 17])
@pytest.mark.parametrize("width", [1, 3, 16, 83])
def test_repeated_places_equal_numpy_indexing(dtype, channels, width):
    whole = _picture(channels, np.uint8)[:, :width].astype(dtype)
    own = (20, max(1, width // 3))
    rows = ((np.arange(own[0]) + 0.5) * 61 / own[0]).astype(int)[((np.arange(61) + 0.5) * own[0] / 61).astype(int)]
    columns = (np.arange(own[1]) + 0.5) * width / own[1]
    columns = columns.astype(int)[((np.arange(width) + 0.5) * own[1] / width).astype(int)]
    made = downscaled(np.ascontiguousarray(whole), own, "nearest", "nearest")
    np.testing.assert_array_equal(made, whole[rows][:, columns])
