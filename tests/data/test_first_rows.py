"""JPEGs decoded in part: the rows that a crop needs, equal to those of the whole picture."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from covary import Loader, Pipeline, image
from covary.data.decode import DecodeError, decode
from covary.data.header import read_header
from tests.data.jpegs import jpeg, photograph


def saved(picture, **options):
    buffer = io.BytesIO()
    Pillow.fromarray(picture).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "options", [{"subsampling": 0}, {"subsampling": 2}, {"subsampling": 1, "restart_marker_rows": 1}]
)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("reduce", [0, 1, 3])
@pytest.mark.parametrize("rows", [1, 40, 150, 233])
def test_the_first_rows_equal_those_of_the_whole(rows, reduce, channels, options):
    data = saved(photograph(301, 214, channels), quality=90, **options)
    whole, part = decode(data, reduce=reduce), decode(data, reduce=reduce, rows=rows)
    wanted = -(-rows // 2**reduce)
    assert wanted <= len(part) < len(whole) and part.shape[1:] == whole.shape[1:]
    assert np.array_equal(part[:wanted], whole[:wanted])


@pytest.mark.parametrize("subsampling", ["444", "422", "420", "440", "411", "gray"])
@pytest.mark.parametrize("reduce", [0, 1, 2, 3])
def test_any_number_of_first_rows_equals_those_of_the_whole(subsampling, reduce):
    import simplejpeg

    picture = np.random.default_rng(5).integers(0, 256, (118, 50, 3), dtype=np.uint8)
    if subsampling == "gray":
        data = simplejpeg.encode_jpeg(picture[..., :1].copy(), 95, colorspace="GRAY", colorsubsampling="Gray")
    else:
        data = simplejpeg.encode_jpeg(picture, 95, colorsubsampling=subsampling)
    whole = decode(data, reduce=reduce)
    for rows in range(1, len(picture) + 1):
        wanted = -(-rows // 2**reduce)
        assert np.array_equal(decode(data, reduce=reduce, rows=rows)[:wanted], whole[:wanted])


@pytest.mark.parametrize("options", [{"progressive": True}, {"exif": b""}])
def test_what_cannot_be_decoded_in_part_comes_whole(options):
    picture = photograph(160, 90)
    if "exif" in options:
        exif = Pillow.Exif()
        exif[0x0112] = 6
        options = {"exif": exif}
    data = saved(picture, **options)
    assert np.array_equal(decode(data, rows=20), decode(data))
    assert np.array_equal(decode(saved(picture), rows=158), decode(saved(picture)))


def test_what_is_broken_within_the_rows_or_cut_off_is_refused():
    data = jpeg(photograph(320, 200))
    start = len(data) // 3
    broken = data[:start] + b"\xff\xd9" + data[start + 2 :]  # an end marker in the middle of the picture
    for bad in (broken, data[: len(data) * 2 // 3], data[:-2]):
        with pytest.raises(DecodeError):
            decode(bad)
        with pytest.raises(DecodeError):
            decode(bad, rows=200)


operations = st.lists(
    st.sampled_from(
        [
            image.RandomResizedCrop(40, scale=(0.05, 0.6)),
            image.RandomCrop((50, 70)),
            image.Affine(rotate=(-40, 40), scale=(0.5, 1.5), translate=(-0.3, 0.3), border="reflect"),
            image.Affine(rotate=(-40, 40), translate=(-0.3, 0.3), border="symmetric", interpolation="cubic"),
            image.Rotate((-180, 180), border="constant", fill=90),
            image.Translate((-0.5, 0.5), border="wrap"),
            image.Perspective((0.05, 0.2)),
            image.ElasticTransform(p=0.5),
            image.VerticalFlip(p=0.5),
            image.RandomRotate90(),
            image.Resize((30, 44)),
            image.GaussianBlur(1.5),
        ]
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(operations, st.integers(0, 1000), st.booleans())
def test_pictures_drawn_from_the_needed_rows_equal_those_from_all(chosen, seed, fuse):
    pipeline = Pipeline(chosen, seed=seed, fuse=fuse)
    data = jpeg(photograph(333, 250, seed=seed))
    header = read_header(data)
    plan = pipeline.planned([header.upright_size] * 4, keys=range(4))
    reductions = np.minimum(plan.reductions(), 3)
    needed = plan.rows_needed()
    assert (needed <= 333).all()
    whole = [decode(data, reduce=k) for k in reductions.tolist()]
    part = [decode(data, reduce=k, rows=rows) for k, rows in zip(reductions.tolist(), needed.tolist(), strict=True)]
    expected, drawn = plan.room(3, "uint8"), plan.room(3, "uint8")
    plan.fill(expected, 0, whole, reductions)
    plan.fill(drawn, 0, part, reductions)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, expected, strict=True))


def test_crops_need_few_rows_and_whole_pictures_all():
    crop = Pipeline([image.RandomCrop((32, 32))], seed=1).planned([(400, 300)] * 50, keys=range(50)).rows_needed()
    assert crop.min() < 100 and crop.max() <= 400 and np.unique(crop).size > 20
    whole = Pipeline([image.Resize((32, 32))]).planned([(400, 300)], keys=[0]).rows_needed()
    assert whole.tolist() == [400]


def test_variations_of_a_sample_in_one_batch_share_one_decoding(tmp_path, monkeypatch):
    for index in range(3):
        (tmp_path / f"{index}.jpg").write_bytes(jpeg(photograph(300, 260, seed=index)))
    pipeline = Pipeline([image.RandomCrop(60)], seed=2)  # at full size, each from rows of its own
    decoded = []
    from covary.data import fetch

    def counted(data, **options):
        decoded.append(options["rows"])
        return decode(data, **options)

    monkeypatch.setattr(fetch, "decode", counted)
    with Loader(tmp_path, pipeline, batch_size=12, repeats=4, shuffle=False, workers=0, channels=3) as loader:
        (batch,) = loader
    assert len(decoded) == 3
    for picture, key, variation in zip(batch.image, batch.keys, batch.variations, strict=True):
        expected = pipeline(image=decode((tmp_path / key).read_bytes()), key=key, epoch=int(variation))["image"]
        assert np.array_equal(picture, expected)


def test_the_stream_does_not_depend_on_what_is_decoded(tmp_path, monkeypatch):
    for index in range(6):
        (tmp_path / f"{index}.jpg").write_bytes(jpeg(photograph(300, 260, seed=index)))
    pipeline = Pipeline([image.RandomResizedCrop(50, scale=(0.05, 0.4)), image.GaussianNoise(0.02)], seed=2)
    sizes = []
    from covary.data import fetch

    def measured(*arguments, **options):
        picture = decode(*arguments, **options)
        sizes.append(len(picture))
        return picture

    monkeypatch.setattr(fetch, "decode", measured)
    with Loader(tmp_path, pipeline, batch_size=6, shuffle=False, workers=0) as loader:
        (batch,) = loader
    assert min(sizes[-6:]) < 200
    full = Pipeline(pipeline.operations, seed=2)
    for picture, key in zip(batch.image, batch.keys, strict=True):
        data = (tmp_path / key).read_bytes()
        plan = full.planned([(300, 260)], keys=[key])
        reductions = np.minimum(plan.reductions(), 3)
        (expected,), _ = plan.render([decode(data, reduce=int(reductions[0]))], reductions)
        assert np.array_equal(picture, expected)
