"""Targets: whatever the dtype of the labels, float32 rows that say what a sample is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixing import noise

from covary import mix

COUNT = 6
NUMBERS = [0, 3, 299, 257, 1, 3]


def target_of(label: Any, classes: Any = 300, **options: Any) -> Any:
    return mix.MixUp(1.0, pairs=True)({"image": noise(COUNT), "label": label}, classes=classes, **options)


def numbers_of_every_kind() -> dict[str, Any]:
    torch = pytest.importorskip("torch")
    return {
        "list": NUMBERS,
        "tuple": tuple(NUMBERS),
        "int16": np.array(NUMBERS, np.int16),
        "uint64": np.array(NUMBERS, np.uint64),
        "float32": np.array(NUMBERS, np.float32),
        "torch int64": torch.tensor(NUMBERS),
        "torch int16": torch.tensor(NUMBERS, dtype=torch.int16),
        "torch scalars": list(torch.tensor(NUMBERS)),
        "one-hot bool": np.eye(300, dtype=bool)[NUMBERS],
        "one-hot int8": np.eye(300, dtype=np.int8)[NUMBERS],
        "one-hot lists": np.eye(300, dtype=int)[NUMBERS].tolist(),
        "one-hot bf16": torch.eye(300, dtype=torch.bfloat16)[NUMBERS],
        "one-hot rows bf16": list(torch.eye(300, dtype=torch.bfloat16)[NUMBERS]),
        "one-hot fp16": torch.eye(300, dtype=torch.float16)[NUMBERS],
    }


@pytest.mark.parametrize("kind", numbers_of_every_kind())
def test_every_kind_of_label_gives_the_same_targets(kind: str) -> None:
    out = target_of(numbers_of_every_kind()[kind])
    truth = np.eye(300)[NUMBERS]
    lam = out["lam"].astype(np.float64)[:, None]
    partner = np.asarray(target_of(NUMBERS)["target_b"])
    assert out["target"].dtype == np.float32
    order = [NUMBERS.index(number) for number in partner]
    np.testing.assert_array_equal(out["target"], (lam * truth + (1 - lam) * truth[order]).astype(np.float32))
    np.testing.assert_allclose(out["target"].sum(axis=1), 1, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 1200))
def test_soft_rows_of_bfloat16_sum_to_one(seed: int, classes: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    smooth = np.full((COUNT, classes), 0.1 / classes)
    smooth[np.arange(COUNT), rng.integers(0, classes, COUNT)] += 0.9
    out = target_of(torch.tensor(smooth).to(torch.bfloat16), classes)
    np.testing.assert_allclose(out["target"].sum(axis=1, dtype=np.float64), 1, atol=2e-6)


def test_bfloat16_class_numbers_are_refused_where_they_could_be_wrong() -> None:
    torch = pytest.importorskip("torch")
    label = torch.tensor([0, 1, 2, 3, 256, 255], dtype=torch.bfloat16)
    assert target_of(label, 257)["target_a"].tolist() == [0, 1, 2, 3, 256, 255]
    with pytest.raises(ValueError, match="exact up to 256 only; there are 300 classes: give integers"):
        target_of(label, 300)


def test_several_classes_at_once_are_mixed_linearly() -> None:
    rows = np.array([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1]], np.uint8)
    out = target_of(rows, 4)
    lam = out["lam"][:, None]
    np.testing.assert_allclose(out["target"], lam * out["target_a"] + (1 - lam) * out["target_b"], atol=1e-6)
    np.testing.assert_array_equal(out["target_a"], rows)


def test_quantities_are_averaged() -> None:
    out = target_of(np.linspace(-3, 9, COUNT), None)
    np.testing.assert_allclose(
        out["target"], out["lam"] * out["target_a"] + (1 - out["lam"]) * out["target_b"], rtol=1e-6, atol=1e-6
    )
    assert out["target"].shape == (COUNT,) and out["target"].dtype == np.float32


def test_classes_may_be_names() -> None:
    assert target_of([0, 1, 2, 0, 1, 2], ["cat", "dog", "emu"])["target"].shape == (COUNT, 3)


@pytest.mark.parametrize(
    ("label", "classes", "message"),
    [
        (NUMBERS, None, "pass classes="),
        (NUMBERS, 299, "label of sample 2 is 299; allowed: class numbers from 0 to 298"),
        ([0, 1, -1, 0, 0, 0], 3, "label of sample 2 is -1"),
        ([0, 1, 0.5, 0, 0, 0], 3, "label of sample 2 is 0.5"),
        (np.zeros((COUNT, 4)), 5, "label has 4 columns; there are 5 classes"),
        (np.zeros((COUNT, 4, 2)), None, "label has shape"),
        (["cat"] * COUNT, 3, "dtype <U3; numbers are needed"),
        ([[0, 1], [1], [0], [1], [1], [1]], None, "entries of different shapes"),
        (np.full((COUNT, 2), np.nan), None, "not finite"),
    ],
)
def test_wrong_labels_are_refused(label: Any, classes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        target_of(label, classes)
