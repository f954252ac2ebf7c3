"""JPEGs decoded at a half, a quarter and an eighth: against Pillow's draft mode; positions against the full picture."""

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from covary.data.decode import DecodeError, decode, usable_reduction
from covary.data.header import read_header
from tests.data.jpegs import blob_picture, centroid, jpeg, photograph


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("reduce", [1, 2, 3])
@pytest.mark.parametrize("size", [(64, 96), (375, 500), (101, 67), (9, 200), (8, 8)])
def test_reduced_jpeg_equals_pillow_draft(size, reduce, channels):
    data = jpeg(photograph(*size, channels=channels))
    drafted = Pillow.open(io.BytesIO(data))
    drafted.draft(None, tuple(side >> reduce for side in reversed(size)))
    expected = np.asarray(drafted)
    made = decode(data, reduce=reduce)
    assert made.shape[:2] == expected.shape[:2] == tuple(-(-side // 2**reduce) for side in size)
    assert np.abs(made.astype(int) - expected.reshape(made.shape)).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("reduce", [1, 2, 3])
@pytest.mark.parametrize("size", [(160, 240), (163, 245), (164, 244)])
def test_positions_halve_exactly_in_every_orientation(orientation, reduce, size):
    data = jpeg(blob_picture(size, (70.0, 110.0)), orientation=orientation)
    header = read_header(data)
    usable = usable_reduction(header, reduce)
    full, reduced = decode(data), decode(data, reduce=usable)
    assert full.shape[:2] == header.upright_size
    assert usable == reduce or orientation != 1
    assert np.allclose(centroid(full), centroid(reduced) * 2**usable, atol=0.1 * 2**usable)


def test_what_a_decoder_cannot_halve_is_left_whole():
    tiny = jpeg(photograph(5, 7))
    mirrored = jpeg(photograph(30, 44), orientation=2)
    png = io.BytesIO()
    Pillow.fromarray(photograph(64, 64)).save(png, "PNG")
    assert usable_reduction(read_header(tiny), 3) == 0
    assert usable_reduction(read_header(mirrored), 3) == 1
    assert usable_reduction(read_header(png.getvalue()), 3) == 0
    assert usable_reduction(read_header(jpeg(photograph(64, 64))), 30) == 3
    with pytest.raises(DecodeError, match="cannot be reduced 1 times"):
        decode(tiny, reduce=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_header_tells_a_jpegs_channels(channels):
    data = jpeg(photograph(20, 30, channels=channels))
    assert read_header(data).channels == channels == decode(data).shape[2]
