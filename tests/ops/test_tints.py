"""Tints and tone curves against published numbers and closed forms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from describing import describe, values_of

from covary import Pipeline, image
from covary.draws.distributions import Constant
from covary.draws.streams import stream_normals

ALL = [
    image.Sepia(),
    image.PlanckianJitter(),
    image.FancyPCA(),
    image.Colorize(),
    image.PhotoMetricDistort(),
    image.RandomToneCurve(),
    image.RandomToneCurve(0.2, per_channel=True),
]
PICTURE = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def matrix_of(operation: object) -> np.ndarray:
    (change,), _ = describe(operation, [(4, 4)])
    return change.matrix[0]


def test_sepia_is_the_customary_matrix() -> None:
    out = Pipeline([image.Sepia()])(image=PICTURE)["image"]
    matrix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    expected = np.clip(np.rint(PICTURE @ matrix.T), 0, 255)
    assert np.abs(out - expected).max() <= 1


@pytest.mark.parametrize(
    ("kelvin", "xy"),
    [(2856, (0.4476, 0.4074)), (4000, (0.3805, 0.3768)), (6500, (0.3135, 0.3237)), (10000, (0.2807, 0.2884))],
)
def test_colours_of_black_bodies_are_those_of_the_cie(kelvin: float, xy: tuple[float, float]) -> None:
    """Chromaticities of the Planckian locus (CIE 15; 2856 K is illuminant A)."""
    from covary.ops.image.tints import _linear_srgb

    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = _linear_srgb(np.array([float(kelvin)]))[0] @ to_xyz.T
    np.testing.assert_allclose(xyz[:2] / xyz.sum(), xy, atol=0.003)


def test_warm_light_is_red_and_cold_light_blue() -> None:
    gains = {
        kelvin: np.diag(matrix_of(image.PlanckianJitter(Constant(kelvin)))[:, :3]) for kelvin in (3000, 6500, 15000)
    }
    np.testing.assert_allclose(gains[6500], 1, atol=1e-3)
    assert gains[3000][0] > 1.3 and gains[3000][2] < 0.6 and gains[15000][0] < 0.85 and gains[15000][2] > 1.15
    assert all(gain[1] == 1 for gain in gains.values())


def test_fancy_pca_adds_what_alexnets_authors_say() -> None:
    operation = image.FancyPCA(Constant(0.1))
    steps = stream_normals(values_of(operation, 1, [(4, 4)])["steps"], 3)[0] * 0.1
    vectors = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    expected = 255 * vectors @ (steps * [0.2175, 0.0188, 0.0045])
    np.testing.assert_allclose(matrix_of(operation)[:, 3], expected, atol=1e-9)


def test_two_colours_stand_for_black_and_white() -> None:
    picture = np.array([[[0, 0, 0], [255, 255, 255], [128, 128, 128]]], np.uint8)
    out = Pipeline([image.Colorize((0.2, 0, 0.4), (1, 0.8, 0), 1.0)])(image=picture)["image"]
    assert np.abs(out.astype(int) - [[[51, 0, 102], [255, 204, 0], [153, 102, 51]]]).max() <= 1


def test_photometric_distortion_of_none_and_of_all_is_the_identity_and_a_jitter_with_channels_exchanged() -> None:
    np.testing.assert_allclose(matrix_of(image.PhotoMetricDistort(each=0.0)), np.eye(3, 4), atol=1e-12)
    orders = set()
    changes, _ = describe(image.PhotoMetricDistort(0.0, 0.0, 0.0, 0.0, each=1.0), [(4, 4)] * 200)
    for matrix in changes[0].matrix:
        rows = matrix[:, :3].argmax(axis=1)
        np.testing.assert_allclose(matrix, np.eye(3, 4)[rows], atol=1e-12)
        orders.add(tuple(rows))
    assert len(orders) == 6


def test_tone_curves_are_bezier_curves_between_black_and_white() -> None:
    operation = image.RandomToneCurve(Constant(0.15))
    steps = stream_normals(values_of(operation, 1, [(4, 4)])["steps"], 2)[0] * 0.15
    low, high = np.clip(np.array([1 / 3, 2 / 3]) + steps, 0, 1)
    (change,), _ = describe(operation, [(4, 4)])
    t = np.arange(256) / 255
    expected = 255 * (3 * (1 - t) ** 2 * t * low + 3 * (1 - t) * t**2 * high + t**3)
    np.testing.assert_allclose(change.table[0, 0], expected, atol=1e-3)
    assert change.table[0, 0, 0] == 0 and abs(change.table[0, 0, -1] - 255) < 1e-3


@pytest.mark.parametrize("operation", ALL, ids=repr)
def test_more_changes_as_strength_rises_and_nothing_at_0(operation) -> None:
    changes = []
    for strength in (0, 0.25, 0.5, 0.75, 1):
        pipeline = Pipeline([operation]).with_strength(strength)
        outs = [pipeline(image=PICTURE, key=key)["image"].astype(float) for key in range(40)]
        changes.append(np.mean([np.abs(out - PICTURE).mean() for out in outs]))
    assert changes[0] == 0 and all(more > less for less, more in pairwise(changes))


@pytest.mark.parametrize("operation", ALL[:5], ids=repr)
def test_grey_pictures_are_taken_and_other_channel_counts_refused(operation) -> None:
    grey = np.full((5, 6, 1), 99, np.uint8)
    out = Pipeline([operation])(image=grey, key=1)["image"]
    assert out.shape == grey.shape
    if not isinstance(operation, image.PhotoMetricDistort):
        assert np.array_equal(out, grey)
    with pytest.raises(ValueError, match=type(operation).__name__):
        Pipeline([operation])(image=np.zeros((5, 6, 4), np.uint8), key=1)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_other_depths_give_the_same_picture(dtype: str) -> None:
    white = 65535 if dtype == "uint16" else 1.0
    deep = (PICTURE.astype(np.float64) / 255 * white).astype(dtype)
    for operation in ALL:
        pipeline = Pipeline([operation])
        ours = pipeline(image=PICTURE, key=5)["image"] / 255
        theirs = np.clip(pipeline(image=deep, key=5)["image"] / white, 0, 1)
        assert np.abs(ours - theirs).max() < 0.006, operation


def test_wrong_arguments_are_named() -> None:
    for make, message in (
        (lambda: image.FancyPCA(eigenvalues=(1, 2)), "FancyPCA: eigenvalues"),
        (lambda: image.Colorize(dark=(0, 0, 2)), "Colorize: dark"),
        (lambda: image.PlanckianJitter((1000, 3000)), "PlanckianJitter: temperature"),
        (lambda: image.RandomToneCurve(per_channel=1), "RandomToneCurve: per_channel"),
    ):
        with pytest.raises(ValueError, match=message):
            make()
