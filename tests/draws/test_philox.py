"""The generator against the published Random123 vectors, and rows of draws against it."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pytest

from covary.draws import philox
from covary.draws.keys import key_number, key_numbers, slot_number, slot_numbers
from covary.draws.rows import draw_rows

# kat_vectors of Random123, philox4x32 with 10 rounds: counter, key, result.
VECTORS = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("counter", "key", "expected"), VECTORS)
def test_rows_equal_random123_vectors(compiled, counter, key, expected, monkeypatch):
    if compiled and philox.native is None:
        pytest.skip("the extension is not built")
    if not compiled:
        monkeypatch.setattr(philox, "native", None)
    seed = key[0] | key[1] << 32
    sample = counter[0] | counter[1] << 32
    words = philox.philox_rows(
        seed, np.array([counter[2]], np.uint32), np.array([sample], np.uint64), np.array([counter[3]], np.uint32)
    )
    assert words.shape == (1, 1, 4)
    assert tuple(int(word) for word in words[0, 0]) == expected


@pytest.mark.skipif(philox.native is None, reason="the extension is not built")
def test_compiled_words_equal_numpy_words(monkeypatch):
    rng = np.random.default_rng(0)
    epochs = rng.integers(0, 2**32, 7, dtype=np.uint32)
    keys = rng.integers(0, 2**64, 7, dtype=np.uint64)
    slots = rng.integers(0, 2**32, 13, dtype=np.uint32)
    rows = philox.philox_rows(2**63 + 5, epochs, keys, slots)
    streams = philox.philox_streams(keys, 9)
    monkeypatch.setattr(philox, "native", None)
    np.testing.assert_array_equal(rows, philox.philox_rows(2**63 + 5, epochs, keys, slots))
    np.testing.assert_array_equal(streams, philox.philox_streams(keys, 9))


def rows_of(seed, epochs, keys, slots, draws="independent"):
    return draw_rows(
        seed,
        np.asarray(epochs, np.uint32),
        np.asarray(keys, np.uint64),
        np.asarray(slots, np.uint32),
        draws,
    )


@pytest.mark.parametrize("draws", ["independent", "stratified"])
def test_a_row_depends_on_its_own_identity_alone(draws):
    together = rows_of(3, [0, 5, 5], [7, 7, 9], [1, 2], draws)
    for row, (epoch, key) in enumerate([(0, 7), (5, 7), (5, 9)]):
        alone = rows_of(3, [epoch], [key], [2], draws)
        assert together.uniforms[row, 1] == alone.uniforms[0, 0]
        assert together.streams[row, 1] == alone.streams[0, 0]


def test_seed_epoch_key_and_slot_are_never_added_together():
    # Grain-like keys (seed + index) make neighbouring seeds shifted copies of each other; here nothing may repeat.
    seen = [
        rows_of(seed, [epoch], [key], [slot]).uniforms[0, 0]
        for seed in range(4)
        for epoch in range(4)
        for key in range(4)
        for slot in range(4)
    ]
    assert len(set(seen)) == 4**4


def test_uniforms_are_uniform_and_slots_uncorrelated():
    from scipy.stats import kstest

    rows = rows_of(11, np.zeros(4000), np.arange(4000), np.arange(6))
    assert rows.uniforms.min() >= 0
    assert rows.uniforms.max() < 1
    for column in rows.uniforms.T:
        assert kstest(column, "uniform").pvalue > 1e-4
    correlation = np.corrcoef(rows.uniforms.T) - np.eye(6)
    assert np.abs(correlation).max() < 0.08


@pytest.mark.parametrize("power", [0, 1, 3, 5, 8])
def test_stratified_epochs_fill_every_stratum_once(power):
    count = 2**power
    first = 3 * count
    rows = rows_of(5, np.arange(first, first + count), np.full(count, 42), np.arange(9), "stratified")
    strata = np.sort((rows.uniforms * count).astype(int), axis=0)
    np.testing.assert_array_equal(strata, np.tile(np.arange(count)[:, None], (1, 9)))


def test_stratified_slots_are_uncorrelated():
    rows = rows_of(5, np.tile(np.arange(16), 300), np.repeat(np.arange(300), 16), np.arange(6), "stratified")
    assert np.abs(np.corrcoef(rows.uniforms.T) - np.eye(6)).max() < 0.06
    # Two dimensions together: 16 epochs reach more than the 4 quadrants' diagonal.
    quadrants = (rows.uniforms[:, 0] >= 0.5) * 2 + (rows.uniforms[:, 1] >= 0.5)
    assert all(len(set(quadrants[i : i + 16])) >= 2 for i in range(0, 4800, 16))
    shares = np.bincount(quadrants, minlength=4) / len(quadrants)
    assert np.abs(shares - 0.25).max() < 0.03


def test_integer_keys_stand_for_themselves_and_strings_for_their_hash():
    assert key_number(2**64 - 1) == 2**64 - 1
    assert key_number(np.int64(5)) == 5
    assert key_number("cats/12.jpg") == int.from_bytes(blake2b(b"cats/12.jpg", digest_size=8).digest(), "little")
    assert key_number("ключ") != key_number("ключ ")
    assert key_number("bad\udcff") < 2**64
    assert key_numbers([1, "a"]).dtype == np.uint64


@pytest.mark.parametrize(("key", "error"), [(-1, ValueError), (2**64, ValueError), (1.5, TypeError), (True, TypeError)])
def test_wrong_keys_are_refused(key, error):
    with pytest.raises(error, match="key"):
        key_number(key)


def test_slots_are_bound_to_names_not_to_positions():
    assert slot_numbers([("Rotate", "p"), ("Rotate", "degrees")])[1] == slot_number("Rotate", "degrees")
    with pytest.raises(ValueError, match="another name="):
        slot_numbers([("Rotate", "p"), ("Rotate", "p")])
