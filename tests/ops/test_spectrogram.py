"""Operations on spectrograms: NumPy and PyTorch alike, padding left alone, warps and masks held to their papers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from covary import spectrogram
from covary.ops.audio.mel import hertz_to_mel, mel_to_hertz
from covary.ops.base import declared
from covary.ops.spectrogram.base import SpectrogramOperation

OPERATIONS: list[SpectrogramOperation] = [
    spectrogram.FrequencyMask(),
    spectrogram.FrequencyMask(fill="least"),
    spectrogram.TimeMask(fill="zero"),
    spectrogram.TimeMask(count=10, most=0.05),
    spectrogram.TimeWarp(20),
    spectrogram.VTLP(),
    spectrogram.VTLP(scale="linear"),
    spectrogram.VTLP(scale="htk"),
    spectrogram.FrequencyShift(),
    spectrogram.FrequencyShift(fill="zero"),
    spectrogram.Noise(),
    spectrogram.SpecAugment(),
    spectrogram.MixUp(),
    spectrogram.MixUp(scale="linear"),
]
LENGTHS = np.array([120, 7, 90, 1, 0])
SINGLE = OPERATIONS[:-2]


def spectra(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
def test_torch_equals_numpy(operation: SpectrogramOperation) -> None:
    torch = pytest.importorskip("torch")
    values = spectra(5, 40, 120)
    made = operation(values, LENGTHS, seed=3)
    tensor = operation(torch.from_numpy(values), torch.from_numpy(LENGTHS), seed=3)
    assert isinstance(tensor, torch.Tensor) and made.dtype == np.float32
    np.testing.assert_allclose(tensor.numpy(), made, atol=1e-5)


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
def test_padding_is_neither_looked_at_nor_changed(operation: SpectrogramOperation) -> None:
    values = spectra(5, 40, 120)
    padding = np.arange(120) >= LENGTHS[:, None]
    if isinstance(operation, spectrogram.MixUp):
        _, longest, _, _ = operation.mixed(values, LENGTHS)
        padding = np.arange(120) >= longest[:, None]
    other = np.where(padding[:, None], np.nan, values).astype(np.float32)
    first, second = operation(values, LENGTHS), operation(other, LENGTHS)
    for row, hidden in enumerate(padding):
        assert np.array_equal(first[row][:, hidden], values[row][:, hidden])
        np.testing.assert_array_equal(first[row][:, ~hidden], second[row][:, ~hidden])


@pytest.mark.parametrize("operation", SINGLE, ids=repr)
def test_one_alone_equals_itself_in_a_batch_and_with_other_padding(operation: SpectrogramOperation) -> None:
    values = spectra(3, 2, 40, 120)
    before = values.copy()
    made = operation(values, [120, 60, 90], keys=["a", "b", "c"])
    alone = operation(values[1:2, :, :, :70], [60], keys=["b"])
    np.testing.assert_allclose(alone[0, :, :, :60], made[1, :, :, :60], atol=1e-6)
    assert np.array_equal(values, before)


def test_frequency_masks_have_their_widths_and_spare_the_rest() -> None:
    values = 1 + np.abs(spectra(64, 80, 50))
    made = spectrogram.FrequencyMask((5, 9), count=1, fill="zero")(values)
    hidden = (made == 0).all(axis=2)
    assert set(hidden.sum(axis=1).tolist()) == {5, 6, 7, 8, 9}
    assert all(len(np.flatnonzero(np.diff(row.astype(int)))) <= 2 for row in hidden)
    assert np.array_equal(made[~hidden], values[~hidden])
    starts = hidden.argmax(axis=1)
    assert starts.min() < 10 and starts.max() > 60


def test_time_masks_lie_within_the_length_and_the_share() -> None:
    values = np.ones((64, 4, 200), dtype=np.float32)
    made = spectrogram.TimeMask((0, 100), count=1, most=0.2, fill="zero")(values, np.full(64, 100))
    hidden = (made == 0).all(axis=1)
    assert not hidden[:, 100:].any() and 15 < hidden.sum(axis=1).max() <= 20


def test_mean_fill_is_the_mean_without_the_padding() -> None:
    values = spectra(1, 30, 100)
    made = spectrogram.TimeMask((10, 10), count=1)(values, [60])
    masked = np.flatnonzero((made[0] != values[0]).all(axis=0))
    assert len(masked) == 10
    assert made[0, 0, masked[0]] == pytest.approx(values[0, :, :60].mean(), abs=1e-6)


def test_time_warp_moves_moments_to_where_it_says() -> None:
    warp = spectrogram.TimeWarp(30)
    lengths = np.full(20, 200)
    for place in (40, 100, 170):
        values = np.zeros((20, 3, 200), dtype=np.float32)
        values[:, :, place - 3 : place + 4] = [1, 2, 3, 4, 3, 2, 1]
        made = warp(values, lengths, seed=5)
        (moved,) = np.array(warp.moved_frames([[place]] * 20, lengths, seed=5)).T
        assert np.abs(made[:, 0].argmax(axis=1) - moved).max() < 0.6
        assert np.abs(moved - place).max() <= 30


def test_vtlp_bends_frequencies_as_jaitly_and_hinton() -> None:
    bins, rate = 201, 16000
    hertz = np.linspace(0, 8000, bins)
    for factor in (0.9, 1.1):
        edge = 4800 * min(factor, 1)
        for place in (30, 60, 100, 140, 180):
            frequency = hertz[place]
            if frequency <= edge / factor:
                bent = frequency * factor
            else:
                bent = 8000 - (8000 - edge) / (8000 - edge / factor) * (8000 - frequency)
            values = np.maximum(0, 4 - np.abs(np.arange(bins) - place)).astype(np.float32)[:, None]
            made = spectrogram.VTLP((factor, factor), rate=rate, scale="linear")(values)[:, 0]
            found = (made * hertz).sum() / made.sum()
            assert found == pytest.approx(bent, abs=25)


def test_vtlp_on_mel_bands_moves_a_peak_by_the_factor() -> None:
    edges = hertz_to_mel(np.array([0.0, 8000.0]))
    centres = mel_to_hertz(np.linspace(*edges.tolist(), 82)[1:-1])
    values = np.exp(-np.square((centres - 1500) / 150)).astype(np.float32)[:, None]
    made = spectrogram.VTLP((1.1, 1.1))(values)[:, 0]
    assert centres[made.argmax()] == pytest.approx(1650, rel=0.03)


def test_frequency_shift_by_whole_bins_is_a_roll() -> None:
    values = spectra(2, 20, 5)
    made = spectrogram.FrequencyShift((3, 3), fill="zero")(values)
    np.testing.assert_array_equal(made[:, 3:], values[:, :-3])
    assert not made[:, :3].any()
    down = spectrogram.FrequencyShift((-2, -2))(values)
    np.testing.assert_array_equal(down[:, -1], values[:, -1])


def test_noise_has_its_deviation() -> None:
    made = spectrogram.Noise((0.5, 0.5))(np.zeros((2, 80, 500), dtype=np.float32))
    assert made.std() == pytest.approx(0.5, rel=0.02) and not np.array_equal(made[0], made[1])


def test_mixup_is_the_log_of_mixed_powers() -> None:
    values = spectra(6, 10, 30)
    made, lengths, partner, weight = spectrogram.MixUp().mixed(values, np.array([30, 20, 30, 10, 30, 5]))
    own = np.array([30, 20, 30, 10, 30, 5])
    assert (partner != np.arange(6)).all() and (weight >= 0.5).all()
    np.testing.assert_array_equal(lengths, np.maximum(own, own[partner]))
    for row in range(6):
        power = np.zeros((10, 30))
        power[:, : own[row]] += weight[row] * np.exp(values[row][:, : own[row]])
        power[:, : own[partner[row]]] += (1 - weight[row]) * np.exp(values[partner[row]][:, : own[partner[row]]])
        heard = slice(0, lengths[row])
        np.testing.assert_allclose(made[row][:, heard], np.log(power[:, heard]), atol=1e-4)


def test_specaugment_has_its_masks_and_half_precision_stays() -> None:
    torch = pytest.importorskip("torch")
    values = torch.randn(4, 80, 300).to(torch.bfloat16)
    made = spectrogram.SpecAugment(time_warp=0, fill="zero")(values)
    assert made.dtype == torch.bfloat16 and made.shape == values.shape
    assert 0 < (made == 0).float().mean() < 0.9


def test_probability_and_epochs() -> None:
    values = spectra(200, 8, 20)
    made = spectrogram.Noise(p=0.25)(values)
    assert 30 < (made != values).any(axis=(1, 2)).sum() < 70
    operation = spectrogram.Noise()
    assert not np.array_equal(operation(values, epoch=0), operation(values, epoch=1))
    assert np.array_equal(operation(values, epoch=1), operation(values, epoch=1))


def test_wrong_arguments_are_named() -> None:
    mask = spectrogram.TimeMask()
    with pytest.raises(TypeError, match="TimeMask: spectrograms is a list"):
        mask([[1.0]])
    with pytest.raises(TypeError, match="dtype int64; floats"):
        mask(np.zeros((3, 4), dtype=np.int64))
    with pytest.raises(ValueError, match=r"TimeMask: lengths is \[5\]"):
        mask(np.zeros((3, 4)), [5])
    with pytest.raises(ValueError, match="keys has 2 entries for 1"):
        mask(np.zeros((3, 4)), keys=[1, 2])
    with pytest.raises(ValueError, match="TimeMask: most is 2"):
        spectrogram.TimeMask(most=2)


@pytest.mark.parametrize("shape", [(5, 0), (0, 5, 4), (1, 1), (2, 3, 4, 1, 9)])
@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
def test_any_shape_passes(operation: SpectrogramOperation, shape: tuple[int, ...]) -> None:
    assert operation(np.zeros(shape, dtype=np.float64)).shape == shape


def test_every_operation_is_declared_and_explained() -> None:
    known: dict[str, type[Any]] = dict(declared(SpectrogramOperation))
    assert {name for name in known if name.startswith("spectrogram.")} == {
        f"spectrogram.{name}" for name in spectrogram.__all__
    }
    for cls in known.values():
        assert "Helps:" in (cls.__doc__ or "") and "Hurts:" in (cls.__doc__ or "")
