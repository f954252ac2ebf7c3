"""Artefacts of MRI against Fourier transforms and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from describing import describe
from picturing import noise_picture

from covary import Pipeline, image
from covary.draws.distributions import Constant
from covary.ops.image.mri import _ghosted, _moved, _striped

AXES = (("rows", 0), ("columns", 1))


def drawn(operation: object, picture: np.ndarray, key: int = 1) -> np.ndarray:
    return Pipeline([operation])(image=picture, key=key)["image"]


@pytest.mark.parametrize("order", [1, 3])
def test_the_bias_field_is_the_exponential_of_a_polynomial(order: int) -> None:
    values = drawn(image.BiasField(0.4, order), np.ones((80, 60, 1), np.float32))[..., 0].astype(float)
    y, x = np.meshgrid(np.linspace(-1, 1, 161)[1::2], np.linspace(-1, 1, 121)[1::2], indexing="ij")
    terms = np.stack([x**i * y**j for i in range(order + 1) for j in range(order + 1 - i)], axis=-1).reshape(
        80 * 60, -1
    )
    found, *_ = np.linalg.lstsq(terms, np.log(values).ravel(), rcond=None)
    assert np.abs(terms @ found - np.log(values).ravel()).max() < 5e-3
    # The first is of the mean, which stays.
    assert 0.05 < np.abs(found[1:]).max() <= 0.41 and abs(values.mean() - 1) < 5e-3


@pytest.mark.parametrize(("axis", "number"), AXES)
def test_ghosts_are_shifted_copies_where_their_number_divides_the_side(axis: str, number: int) -> None:
    picture = noise_picture(60, 40, 3, "float32") * np.float32(0.5) + np.float32(0.25)
    made = drawn(image.Ghosting(Constant(5.0), 0.3, Constant(0.0), axis), picture)
    copies = np.mean([np.roll(picture, k * picture.shape[number] // 5, axis=number) for k in range(5)], axis=0)
    # The mean stays: the central line is not weakened.
    expected = picture - 0.3 * (copies - picture.mean(axis=number, keepdims=True))
    np.testing.assert_allclose(made, expected, atol=2e-6)


def test_ghosts_equal_the_weakened_lines_of_numpys_transform() -> None:
    picture = noise_picture(41, 30, 2, "float32")
    made = _ghosted(picture.copy(), 4, 0.8, 0.25, 0)
    spectrum = np.fft.fft(picture.astype(float), axis=0)
    frequency = np.abs(np.round(np.fft.fftfreq(41) * 41))
    spectrum[(frequency % 4 == 0) & (frequency > 0.25 * 20.5)] *= 0.2
    expected = np.clip(np.fft.ifft(spectrum, axis=0).real, 0, 1)
    np.testing.assert_allclose(made, expected, atol=1e-5)


@pytest.mark.parametrize("size", [(24, 31), (9, 16), (1, 8)])
def test_spikes_equal_a_point_added_in_k_space(size: tuple[int, int]) -> None:
    picture = noise_picture(*size, 2, "float32") * np.float32(0.2) + np.float32(0.4)
    places = np.array([[0.3, 0.6], [0.0, 0.9]])
    made = _striped(picture.copy(), places, 0.2)
    expected = np.zeros(picture.shape)
    for channel in range(2):
        spectrum = np.fft.fft2(picture[..., channel].astype(float))
        highest = np.abs(spectrum).max()
        for down, across in places:
            spectrum[int(down * size[0]), int(across * size[1])] += 0.2 * highest
        expected[..., channel] = np.fft.ifft2(spectrum).real
    np.testing.assert_allclose(made, np.clip(expected, 0, 1), atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1])
def test_motion_that_shifts_along_the_lines_changes_the_phase_of_whole_segments(axis: int) -> None:
    """A whole shift of a picture with a margin of zeros is a turn of the phases of the lines that come from it."""
    inner = noise_picture(40, 40, 1, "float32")
    picture = np.zeros((64, 64, 1), np.float32)
    picture[12:52, 12:52] = inner
    times = np.array([0.8])
    made = _moved(picture.copy(), np.array([[0.0, 4 / 64, -3 / 64]]), times, axis)
    shifted = np.roll(picture, (-3, 4), axis=(0, 1))
    spectrum, other = np.fft.fft2(picture[..., 0]), np.fft.fft2(shifted[..., 0])
    late = np.fft.ifftshift((np.arange(64) + 0.5) / 64 > 0.8)
    taken = late[:, None] if axis == 0 else late[None, :]
    expected = np.abs(np.fft.ifft2(np.where(taken, other, spectrum)))
    np.testing.assert_allclose(made[..., 0], expected, atol=2e-3)


def test_what_moves_comes_from_one_picture_when_the_patient_moves_late() -> None:
    picture = noise_picture(32, 32)
    np.testing.assert_array_equal(_moved(picture.copy(), np.array([[5.0, 0.1, 0.1]]), np.array([1.0]), 0), picture)


@pytest.mark.parametrize(("axis", "number"), AXES)
def test_thick_slices_are_means_with_straight_lines_between(axis: str, number: int) -> None:
    picture = noise_picture(24, 24, 9, "float32")
    made = np.moveaxis(drawn(image.Anisotropy(4, axis), picture), number, 0)
    means = np.moveaxis(picture, number, 0).reshape(6, 4, 24, 9).mean(axis=1)
    centres = np.arange(24) + 0.5
    expected = np.empty((24, 24, 9))
    for j in range(24):
        for c in range(9):
            expected[:, j, c] = np.interp(centres, 4 * np.arange(6) + 2, means[:, j, c])
    np.testing.assert_allclose(made, expected, atol=1e-5)


def test_random_axes_are_both_taken() -> None:
    (change,), _ = describe(image.Ghosting(), [(9, 9)] * 200)
    assert 60 < sum(parameters["axis"] for parameters in change.parameters) < 140


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="Ghosting: axis"):
        image.Ghosting(axis="up")
    with pytest.raises(ValueError, match="BiasField: order"):
        image.BiasField(order=12)
