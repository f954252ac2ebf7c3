"""Volumes: sampling against SciPy, exact operations against NumPy slicing, labels against the voxels."""

import json
import tracemalloc
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from covary import Keypoints, OneOf, Pipeline, image, kernels, volume
from covary.draws.distributions import Constant
from covary.plan.changes import BORDERS
from covary.plan.volume import Affine, Grid, Sampling
from covary.render import volume_reference
from covary.render.volume import sampled

RNG = np.random.default_rng(7)
SCIPY_MODES = {
    "constant": "grid-constant",
    "edge": "nearest",
    "reflect": "mirror",
    "symmetric": "grid-mirror",
    "wrap": "grid-wrap",
}
DTYPES = ("uint8", "uint16", "int16", "float32")
CUBE = RNG.integers(0, 255, (9, 12, 15)).astype(np.uint8)


def voxels(size, dtype="uint8", channels=1):
    made = RNG.normal(0, 1, (*size, channels))
    if dtype == "float32":
        return made.astype(np.float32)
    limits = np.iinfo(dtype)
    return np.clip(limits.min / 2 + limits.max / 2 + made * limits.max / 4, limits.min, limits.max).astype(dtype)


def affine(size, strength=0.4):
    matrix = np.empty((3, 4))
    matrix[:, :3] = np.eye(3) + RNG.uniform(-strength, strength, (3, 3))
    centre = np.array(size) / 2
    matrix[:, 3] = centre - matrix[:, :3] @ centre + RNG.uniform(-1, 1, 3)
    return matrix


def one_sampling(maps, border="reflect", fill=None, interpolation="linear"):
    return Sampling(tuple(maps), border, fill, interpolation)


# Sampling


@pytest.mark.parametrize("border", BORDERS)
def test_reference_equals_scipy_affine_transform(border):
    source = voxels((7, 9, 11), "float32")
    matrix = affine((7, 9, 11))
    passed = one_sampling([Affine(matrix, (6, 10, 12))], border, np.array([0.5]) if border == "constant" else None)
    # SciPy counts from the first voxel's centre: in - 0.5 = M (out + 0.5) + t - 0.5.
    offset = matrix[:, :3] @ np.full(3, 0.5) + matrix[:, 3] - 0.5
    expected = ndimage.affine_transform(
        source[..., 0].astype(np.float64),
        matrix[:, :3],
        offset,
        output_shape=(6, 10, 12),
        order=1,
        mode=SCIPY_MODES[border],
        cval=0.5,
    )
    assert np.abs(volume_reference.sample(passed, source)[..., 0] - expected).max() < 1e-5


def test_reference_of_a_displacement_equals_scipy_map_coordinates():
    size = (10, 12, 14)
    source = voxels(size, "float32")
    knots = RNG.normal(0, 1, (4, 5, 6, 3)).astype(np.float32)
    place = np.meshgrid(*(np.arange(n) + 0.5 for n in size), indexing="ij")
    at = [axis * (count - 1) / n for axis, count, n in zip(place, knots.shape, size, strict=False)]
    offsets = [ndimage.map_coordinates(knots[..., i].astype(np.float64), at, order=1, mode="nearest") for i in range(3)]
    coordinates = [axis + offset - 0.5 for axis, offset in zip(place, offsets, strict=True)]
    expected = ndimage.map_coordinates(source[..., 0].astype(np.float64), coordinates, order=1, mode="mirror")
    assert np.abs(volume_reference.sample(one_sampling([Grid(knots, size)]), source)[..., 0] - expected).max() < 1e-5


@pytest.mark.skipif(kernels.native is None, reason="no compiled kernels")
@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(*[st.integers(1, 9)] * 3),
    dtype=st.sampled_from(DTYPES),
    channels=st.integers(1, 3),
    border=st.sampled_from(BORDERS),
    interpolation=st.sampled_from(["nearest", "linear"]),
    chain=st.sampled_from(["a", "g", "ag", "ga", "gg", "aga"]),
    threads=st.integers(1, 3),
)
def test_native_equals_the_reference(size, dtype, channels, border, interpolation, chain, threads):
    source = voxels(size, dtype, channels)
    maps = [
        Affine(affine(size), size)
        if kind == "a"
        else Grid(RNG.normal(0, 1.5, (*RNG.integers(1, 5, 3), 3)).astype(np.float32), size)
        for kind in chain
    ]
    fill = RNG.integers(0, 100, channels).astype(np.float64) if border == "constant" else None
    passed = one_sampling(maps, border, fill, interpolation)
    got, expected = sampled(passed, source, threads), volume_reference.sample(passed, source)
    assert got.dtype == source.dtype and got.shape == expected.shape
    differs = np.abs(got.astype(np.float64) - expected.astype(np.float64))
    if interpolation == "nearest":
        # A position on the very edge of two voxels may fall to either side.
        assert (differs > 0).mean() <= 0.02 or (differs > 0).sum() <= 2 * channels
    else:
        white = 1.0 if dtype == "float32" else np.iinfo(dtype).max
        assert differs.max() <= (1 if dtype != "float32" else 0) + 1e-4 * white


def test_threads_change_nothing():
    source = voxels((48, 48, 48), "int16")
    passed = one_sampling(
        [Affine(affine((48, 48, 48)), (48, 48, 48)), Grid(np.ones((3, 3, 3, 3), np.float32), (48,) * 3)]
    )
    assert np.array_equal(sampled(passed, source, 1), sampled(passed, source, 3))


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_a_file_mapped_for_reading_is_sampled_where_it_lies(interpolation, tmp_path):
    source = np.random.default_rng(1).integers(-2000, 2000, (64, 64, 64, 1), dtype=np.int16)
    np.save(tmp_path / "scan.npy", source)
    mapped = np.load(tmp_path / "scan.npy", mmap_mode="r")
    matrix = np.array([[0.9, 0.2, 0, 20], [-0.2, 0.9, 0.1, 22], [0, 0.1, 1.1, 24]])
    passed = one_sampling([Affine(matrix, (9, 10, 11))], interpolation=interpolation)
    expected = sampled(passed, source)
    tracemalloc.start()
    got = sampled(passed, mapped)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(got, expected) and np.array_equal(mapped, source)
    if kernels.native is not None:
        assert peak < source.nbytes / 4


@pytest.mark.skipif(kernels.native is None, reason="no compiled kernels")
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_portable_loop_gives_the_same_bytes(dtype, monkeypatch):
    for size in ((5, 9, 33), (2, 2, 16), (1, 1, 40), (24, 24, 24)):
        for channels in (1, 2):
            source = voxels(size, dtype, channels)
            knots = RNG.normal(0, 1.5, (3, 3, 3, 3)).astype(np.float32)
            passed = one_sampling([Affine(affine(size, 0.1), size), Grid(knots, size)], "reflect")
            monkeypatch.setattr(kernels, "simd", True)
            fast = sampled(passed, source)
            monkeypatch.setattr(kernels, "simd", False)
            assert np.array_equal(fast, sampled(passed, source))


# What moves whole voxels


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("operation", "truth"),
    [
        (volume.HorizontalFlip3D(p=1), lambda v: v[:, :, ::-1]),
        (volume.VerticalFlip3D(p=1), lambda v: v[:, ::-1]),
        (volume.DepthFlip3D(p=1), lambda v: v[::-1]),
        (volume.CenterCrop3D((4, 6, 5)), lambda v: v[2:6, 3:9, 5:10]),
        (volume.CenterCrop3D((9, 14, 15), border="constant"), lambda v: np.pad(v, ((0, 0), (1, 1), (0, 0)))),
        (volume.Pad3D((1, 2, 3)), lambda v: np.pad(v, ((1, 1), (2, 2), (3, 3)))),
        (volume.Pad3D(2, fill=7), lambda v: np.pad(v, 2, constant_values=7 if v.dtype != bool else 0)),
        (volume.PadIfNeeded3D(10, 10, 10, divisor=8), lambda v: np.pad(v, ((3, 4), (2, 2), (0, 1)))),
        (volume.PadIfNeeded3D(12, position="start"), lambda v: np.pad(v, ((0, 3), (0, 0), (0, 0)))),
        (volume.PadIfNeeded3D(12, position="end"), lambda v: np.pad(v, ((3, 0), (0, 0), (0, 0)))),
        (volume.RandomRotation3D(x=0, y=0, z=Constant(180)), lambda v: v[:, ::-1, ::-1]),
    ],
)
def test_exact_operations_equal_numpy_slicing(operation, truth, dtype):
    source = CUBE.astype(dtype)
    before = source.copy()
    out = Pipeline([operation])(volume=source, mask3d=CUBE > 99, key=0)
    assert np.array_equal(out["volume"], truth(source)) and out["volume"].dtype == source.dtype
    assert np.array_equal(out["mask3d"], truth(CUBE > 99))
    assert np.array_equal(source, before) and not np.shares_memory(out["volume"], source)


@pytest.mark.parametrize("border", BORDERS)
def test_padding_equals_numpy_pad(border):
    out = Pipeline([volume.Pad3D((20, 3, 1, 2, 4, 0), border=border)])(volume=CUBE)["volume"]
    assert np.array_equal(out, np.pad(CUBE, ((20, 3), (1, 2), (4, 0)), mode=border))


def test_cubic_symmetry_equals_the_48_of_numpy_with_equal_chances():
    cube = RNG.integers(0, 255, (3, 3, 3)).astype(np.uint8)
    every = {
        np.flip(cube.transpose(axes), [axis for axis in range(3) if flips[axis]]).tobytes()
        for axes in permutations(range(3))
        for flips in product((0, 1), repeat=3)
    }
    out = Pipeline([volume.CubicSymmetry()]).batch(volume=[cube] * 2000, keys=range(2000))["volume"]
    counts = np.unique([one.tobytes() for one in out], return_counts=True)
    assert set(counts[0]) == every and len(every) == 48
    assert counts[1].min() > 15
    turns = Pipeline([volume.CubicSymmetry(mirror=False)]).batch(volume=[cube] * 500, keys=range(500))["volume"]
    assert len({one.tobytes() for one in turns}) == 24


def test_cubic_symmetry_without_mirrors_keeps_hands():
    marks = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4]])
    for key in range(30):
        points = Pipeline([volume.CubicSymmetry(mirror=False)])(
            volume=np.zeros((5, 5, 5), np.uint8), keypoints3d=marks, key=key
        )["keypoints3d"]
        assert np.linalg.det(points[1:] - points[0]) == pytest.approx(64)


def test_cubic_symmetry_takes_sides_spacing_and_keypoints_along():
    source = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    points = np.argwhere(source >= 0)[:, ::-1].astype(np.float64)
    for key in range(20):
        out = Pipeline([volume.CubicSymmetry()])(volume=source, keypoints3d=points, spacing=(2.0, 3.0, 4.0), key=key)
        assert tuple(out["spacing"]) == out["volume"].shape
        x, y, z = out["keypoints3d"].astype(int).T
        assert np.array_equal(out["volume"][z, y, x], source.ravel())


def test_random_crops_are_parts_of_the_volume_at_every_place():
    source = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
    pipeline = Pipeline([volume.RandomCrop3D((2, 3, 4))])
    corners = set()
    for key in range(200):
        out = pipeline(volume=source, key=key)["volume"]
        z, y, x = np.argwhere(source == out[0, 0, 0])[0]
        assert np.array_equal(out, source[z : z + 2, y : y + 3, x : x + 4])
        corners.add((z, y, x))
    assert len(corners) == 27
    middle = pipeline.with_strength(0)(volume=source, key=3)["volume"]
    assert np.array_equal(middle, Pipeline([volume.CenterCrop3D((2, 3, 4))])(volume=source)["volume"])


def test_a_small_volume_stands_within_a_larger_crop():
    out = Pipeline([volume.RandomCrop3D((12, 12, 15), border="constant", fill=9)])(volume=CUBE, key=2)["volume"]
    places = [z for z in range(4) if np.array_equal(out[z : z + 9], CUBE)]
    assert len(places) == 1 and (np.delete(out, range(places[0], places[0] + 9), axis=0) == 9).all()


# Geometry


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_quarter_turns_equal_numpy_rot90(axis):
    planes = {"x": (0, 1), "y": (2, 0), "z": (1, 2)}
    cube = RNG.integers(0, 255, (6, 6, 6)).astype(np.uint8)
    angles = {name: Constant(90.0 if name == axis else 0.0) for name in "xyz"}
    out = Pipeline([volume.RandomRotation3D(**angles)])(volume=cube)["volume"]
    assert np.array_equal(out, np.rot90(cube, 1, planes[axis]))


def test_a_turn_about_z_equals_that_of_each_slice():
    source = RNG.integers(0, 255, (4, 21, 24)).astype(np.uint8)
    turn = Pipeline([volume.RandomRotation3D(x=0, y=0, z=Constant(25.0), border="edge")])(volume=source)["volume"]
    slices = [Pipeline([image.Rotate(Constant(25.0), border="edge")])(image=one)["image"] for one in source]
    assert np.abs(turn.astype(int) - np.stack(slices)).max() <= 1


def test_the_turn_keeps_lengths_in_millimetres():
    points = np.array([[8.0, 8, 4], [14, 8, 4], [8, 13, 4], [8, 8, 6]])
    spacing = np.array([3.0, 1.0, 1.0])
    out = Pipeline([volume.RandomRotation3D((-20, 20), (-20, 20), (-20, 20))], keypoints=Keypoints(outside="keep"))(
        volume=np.zeros((9, 17, 17), np.uint8), keypoints3d=points, spacing=spacing, key=1
    )["keypoints3d"]
    for before, after in ((points, out),):
        scaled = [(part[:, None] - part[None]) * spacing[::-1] for part in (before, after)]
    assert np.allclose(*(np.linalg.norm(part, axis=2) for part in scaled))


def blob(size, centre, width=2.0):
    z, y, x = np.meshgrid(*(np.arange(n) for n in size), indexing="ij")
    square = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2
    return np.exp(-square / (2 * width**2)).astype(np.float32)


def centre_of(voxel):
    z, y, x = np.meshgrid(*(np.arange(n) for n in voxel.shape), indexing="ij")
    return np.array([(axis * voxel).sum() for axis in (x, y, z)]) / voxel.sum()


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2, 1, 1)])
@pytest.mark.parametrize(
    "operations",
    [
        [volume.RandomAffine3D(20, (0.8, 1.3), 0.08, keep_ratio=False)],
        [volume.RandomRotation3D(40, 40, 90)],
        [volume.Elastic3D((1, 2), sigma=12)],
        [volume.Elastic3D((1, 2), sigma=12), volume.RandomAffine3D(20), volume.CubicSymmetry(), volume.Pad3D(3)],
        [
            volume.RandomAffine3D(20),
            volume.Elastic3D((1, 2), sigma=12),
            volume.HorizontalFlip3D(),
            volume.CenterCrop3D(36),
        ],
    ],
)
def test_a_blob_and_its_keypoint_land_within_a_tenth_of_a_voxel(operations, spacing):
    size, centre = (40, 44, 48), np.array([25.3, 20.8, 19.4])
    source = blob(size, centre)
    for key in range(3):
        out = Pipeline(operations)(volume=source, keypoints3d=centre[None], spacing=spacing, key=key)
        # A deformation bends the blob itself: what counts is where its peak lies, found on a small neighbourhood.
        peak = np.array(np.unravel_index(out["volume"].argmax(), out["volume"].shape))
        near = tuple(slice(p - 3, p + 4) for p in peak)
        height = np.clip(out["volume"][near] - 0.5, 0, None)
        found = centre_of(height) + peak[::-1] - 3
        assert np.abs(found - out["keypoints3d"][0]).max() < 0.1


def test_fused_geometry_equals_one_affine_map_and_crops_show_what_was_cut_off():
    source = voxels((20, 20, 20), "float32")[..., 0]
    turn = volume.RandomRotation3D(Constant(10.0), Constant(5.0), Constant(15.0), border="constant")
    fused = Pipeline([volume.CenterCrop3D(10), turn])(volume=source)["volume"]
    whole = Pipeline([turn, volume.CenterCrop3D(10)])(volume=source)["volume"]
    assert np.abs(fused - whole).max() < 1e-5 and (fused != 0).all()
    apart = Pipeline([volume.CenterCrop3D(10), turn], fuse=False)(volume=source)["volume"]
    assert (apart == 0).any()


def test_the_renderers_agree():
    pipeline = Pipeline([volume.RandomAffine3D(), volume.Elastic3D(sigma=4), volume.CoarseDropout3D()], seed=2)
    source = voxels((12, 14, 16), "int16")[..., 0]
    fast = pipeline(volume=source, key=1)["volume"]
    slow = pipeline.with_options(renderer="reference")(volume=source, key=1)["volume"]
    assert np.abs(fast.astype(int) - slow).max() <= 1 + 1e-4 * 32767


def test_without_the_compiled_kernels_the_reference_draws(monkeypatch):
    pipeline, source = Pipeline([volume.RandomAffine3D()]), voxels((6, 7, 8), "int16")[..., 0]
    fast = pipeline(volume=source, key=1)["volume"]
    monkeypatch.setattr(kernels, "native", None)
    monkeypatch.setattr(kernels, "_warned", True)
    assert np.abs(pipeline(volume=source, key=1)["volume"].astype(int) - fast).max() <= 1 + 1e-4 * 32767


def test_elastic_displacements_have_the_magnitude_that_was_asked_for():
    points = RNG.uniform(20, 76, (400, 3))
    moved = []
    for key in range(12):
        out = Pipeline([volume.Elastic3D(Constant(1.2))], keypoints=Keypoints(outside="keep"))(
            volume=np.zeros((96, 96, 96), np.uint8), keypoints3d=points, key=key
        )["keypoints3d"]
        moved.append(out - points)
    assert np.std(moved) == pytest.approx(1.2, rel=0.1)


# Values


def test_dropout_paints_blocks_inside_with_the_fill_and_leaves_masks():
    source = np.full((20, 20, 20), 500, np.int16)
    out = Pipeline([volume.CoarseDropout3D(2, depth=0.25, height=5, width=(0.1, 0.2), fill=-1000)])(
        volume=source, mask3d=source, key=4
    )
    painted = out["volume"] == -1000
    assert ((out["volume"] == 500) | painted).all() and 5 * 5 * 2 <= painted.sum() <= 2 * 5 * 5 * 4
    assert np.array_equal(out["mask3d"], source)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_anisotropy_by_whole_factors_equals_block_means_interpolated(axis):
    source = voxels((12, 12, 12), "float32")[..., 0]
    out = Pipeline([volume.Anisotropy3D(3, axes=(axis,), p=1)])(volume=source, key=0)["volume"]
    lines = np.moveaxis(source, axis, 0)
    means = lines.reshape(4, 3, 12, 12).mean(axis=1)
    at = np.clip((np.arange(12) + 0.5) / 3 - 0.5, 0, 3)
    expected = ndimage.map_coordinates(
        means, np.stack(np.meshgrid(at, np.arange(12), np.arange(12), indexing="ij")), order=1, mode="nearest"
    )
    assert np.abs(np.moveaxis(out, axis, 0) - expected).max() < 1e-5


def test_anisotropy_keeps_the_mean_and_the_dtype():
    source = voxels((15, 9, 8), "int16")[..., 0]
    out = Pipeline([volume.Anisotropy3D((2, 4), axes=(0,), p=1)])(volume=source, key=1)["volume"]
    assert out.dtype == np.int16 and not np.array_equal(out, source)


# Strength


@pytest.mark.parametrize(
    "operation",
    [
        volume.RandomAffine3D(20, (0.7, 1.4), 0.2),
        volume.RandomRotation3D(30, 30, 30),
        volume.Elastic3D((1, 3), sigma=5),
        volume.CoarseDropout3D((2, 6)),
        volume.Anisotropy3D(p=1),
    ],
)
def test_distortion_never_falls_as_strength_rises_and_is_none_at_zero(operation):
    source = blob((24, 24, 24), (11, 12, 13), 5.0)
    mean = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        pipeline = Pipeline([operation], seed=3).with_strength(strength)
        out = [pipeline(volume=source, key=key)["volume"] for key in range(6)]
        mean.append(float(np.mean([np.abs(one - source).mean() for one in out])))
        if strength == 0:
            assert all(np.array_equal(one, source) for one in out)
    assert mean == sorted(mean) and mean[-1] > 0


# Images' operations, slice by slice


def test_image_operations_take_all_slices_alike_and_each_as_the_picture_alone():
    pipeline = Pipeline([image.Affine(rotate=20), image.GaussianBlur((0.5, 1)), image.Brightness(0.3)], seed=1)
    out = pipeline(volume=CUBE, mask3d=CUBE // 64, masks3d=np.stack([CUBE > 99, CUBE > 200]), key="a")
    for index, one in enumerate(CUBE):
        alone = pipeline(image=one, mask=one // 64, key="a")
        assert np.array_equal(out["volume"][index], alone["image"])
        assert np.array_equal(out["mask3d"][index], alone["mask"])
    assert out["masks3d"].shape == (2, *CUBE.shape)


def test_slices_get_noise_of_their_own_unless_told_otherwise():
    still = np.full((4, 16, 16), 0.5, np.float32)
    own = Pipeline([image.GaussianNoise(0.1)])(volume=still, key=1)["volume"]
    same = Pipeline([image.GaussianNoise(0.1)], frame_noise="same")(volume=still, key=1)["volume"]
    assert len({one.tobytes() for one in own}) == 4 and len({one.tobytes() for one in same}) == 1


def test_keypoints_follow_slices_and_space_in_the_order_of_the_pipeline():
    centre = np.array([18.0, 15.0, 12.0, 42.0])  # a further column goes along
    source = blob((24, 30, 36), centre)
    pipeline = Pipeline(
        [volume.DepthFlip3D(p=1), image.HorizontalFlip(p=1), image.Affine(translate=0.1), volume.RandomRotation3D()]
    )
    out = pipeline(volume=source, keypoints3d=[centre], keypoints3d_labels=["a"], key=3)
    assert np.abs(centre_of(out["volume"]) - out["keypoints3d"][0, :3]).max() < 0.1
    assert out["keypoints3d"][0, 3] == 42 and out["keypoints3d_labels"] == ["a"]


def test_order_of_the_two_kinds_is_that_of_the_pipeline():
    source = np.full((6, 6, 6), 100, np.uint8)
    first = Pipeline([volume.Pad3D(1), image.Invert(p=1)])(volume=source)["volume"]
    last = Pipeline([image.Invert(p=1), volume.Pad3D(1)])(volume=source)["volume"]
    assert first[0, 0, 0] == 255 and last[0, 0, 0] == 0


def test_a_choice_between_both_kinds_is_one_choice():
    pipeline = Pipeline([OneOf([volume.DepthFlip3D(p=1), image.HorizontalFlip(p=1)])])
    seen = [pipeline(volume=CUBE, key=key)["volume"] for key in range(20)]
    kinds = {np.array_equal(one, CUBE[::-1]): np.array_equal(one, CUBE[:, :, ::-1]) for one in seen}
    assert kinds == {True: False, False: True}


# The form of what comes out


@pytest.mark.parametrize(
    "finish",
    [[volume.ToTensor3D()], [image.ToTensor()], [image.Normalize(mean=0.0, std=1.0), volume.ToTensor3D()]],
)
def test_tensors_are_channels_first(finish):
    source = voxels((5, 6, 7), "uint8", 2)
    out = Pipeline([volume.CenterCrop3D(4), *finish])(volume=source)["volume"]
    assert out.dtype == np.float32 and out.flags.c_contiguous
    assert np.allclose(out, np.moveaxis(source[0:4, 1:5, 1:5] / 255, 3, 0), atol=1e-6)


def test_hounsfield_units_stay_and_a_channel_is_added():
    source = np.array([[[-1000, 40]]], np.int16)
    assert np.array_equal(Pipeline([volume.ToTensor3D()])(volume=source)["volume"], source[None].astype(np.float32))
    kept = Pipeline([volume.ToTensor3D(scale=False)])(volume=source)["volume"]
    assert kept.dtype == np.int16 and kept.shape == (1, 1, 1, 2)


EVERYTHING = Pipeline(
    [
        volume.HorizontalFlip3D(),
        volume.RandomAffine3D(),
        volume.Elastic3D(sigma=4),
        image.GaussianNoise(0.05),
        volume.Anisotropy3D(),
        volume.CoarseDropout3D(p=0.5),
        volume.RandomCrop3D(8),
    ],
    seed=6,
)


def test_batch_equals_single_calls_for_several_sizes_and_dtypes():
    sources = [CUBE, CUBE.astype(np.float32) / 255, CUBE[:8], np.stack([CUBE, CUBE], axis=-1)]
    batch = EVERYTHING.batch(volume=sources, mask3d=[None, CUBE, None, None], keys=range(4), epoch=1)
    for key, source in enumerate(sources):
        assert np.array_equal(batch["volume"][key], EVERYTHING(volume=source, key=key, epoch=1)["volume"])
    assert isinstance(EVERYTHING.batch(volume=[CUBE] * 2)["volume"], np.ndarray)


def test_trace_replay_yaml_and_bare_arrays():
    trace = json.loads(json.dumps(EVERYTHING.trace(key="ct", epoch=2, size=CUBE.shape, channels=1)))
    out = EVERYTHING(volume=CUBE, key="ct", epoch=2)["volume"]
    assert np.array_equal(EVERYTHING.replay(trace, volume=CUBE)["volume"], out)
    again = Pipeline.from_yaml(EVERYTHING.to_yaml())
    assert again == EVERYTHING and "volume.RandomAffine3D" in EVERYTHING.to_yaml()
    assert np.array_equal(again(CUBE, key="ct", epoch=2), out)


def test_pictures_pass_operations_on_volumes_by():
    picture = RNG.integers(0, 255, (8, 8, 3)).astype(np.uint8)
    out = EVERYTHING(image=picture, key=1)["image"]
    assert np.array_equal(out, EVERYTHING.with_options(fuse=False)(image=picture, key=1)["image"])


def test_mirrored_volumes_trade_left_and_right():
    points = [[2.0, 1, 1], [10, 1, 1]]
    out = Pipeline([volume.HorizontalFlip3D(p=1)], keypoints=Keypoints(pairs=[(0, 1)]))(volume=CUBE, keypoints3d=points)
    assert np.allclose(out["keypoints3d"], [[4, 1, 1], [12, 1, 1]])


def test_points_outside_are_dropped_hidden_or_kept():
    points, crop = [[7.0, 5, 4], [0, 0, 0]], volume.CenterCrop3D(5)
    for outside, expected in (("drop", 1), ("hide", 2), ("keep", 2)):
        out = Pipeline([crop], keypoints=Keypoints(outside=outside))(
            volume=CUBE, keypoints3d=points, keypoints3d_labels=["in", "out"]
        )
        assert len(out["keypoints3d"]) == len(out["keypoints3d_labels"]) == expected
        assert np.isnan(out["keypoints3d"]).any() == (outside == "hide")


def test_errors_name_the_field_and_the_argument():
    flip = Pipeline([volume.HorizontalFlip3D(p=1)])
    for fields, message in (
        ({"volume": CUBE.astype(np.int32)}, "volume has dtype int32; allowed are uint8, uint16, int16, float32"),
        ({"volume": CUBE, "mask": CUBE}, "mask goes with an image or a video; with a volume give mask3d"),
        ({"volume": CUBE, "mask3d": CUBE[1:]}, "mask3d: shape .* does not match the volume's 9 x 12 x 15"),
        ({"volume": CUBE, "spacing": (1, 0, 1)}, "spacing is .* distances above 0"),
        ({"volume": CUBE, "keypoints3d": [[1.0, 2]]}, "keypoints3d: shape"),
        ({"audio": CUBE}, "no volume among the fields"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            flip(**fields)
    with pytest.raises(TypeError, match="int16; operations on images take uint8, uint16 and float32"):
        Pipeline([image.HorizontalFlip()])(volume=CUBE.astype(np.int16))
    for make, message in (
        (lambda: volume.CenterCrop3D((2, 3)), "CenterCrop3D: size is"),
        (lambda: volume.Pad3D((1, 2)), "Pad3D: padding is"),
        (lambda: volume.RandomAffine3D(interpolation="cubic"), "interpolation is 'cubic'; allowed: nearest, linear"),
        (lambda: volume.Elastic3D(sigma=0.5), "sigma is 0.5"),
        (lambda: volume.Anisotropy3D(axes=(3,)), "axes is"),
        (lambda: volume.Pad3D(1, border="edge", fill=3), "a fill with border='constant' only"),
        (lambda: Pipeline([volume.ToTensor3D(), volume.Pad3D(1)]), "ToTensor3D stands before other operations"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(ValueError, match="fill is -1000, which a volume of dtype uint8 cannot hold"):
        Pipeline([volume.Pad3D(1, fill=-1000)])(volume=CUBE)
