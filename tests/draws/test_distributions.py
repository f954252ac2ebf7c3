"""Distributions against SciPy's and against their own definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from covary import Beta, Choice, Constant, Integers, LogUniform, Normal, Uniform
from covary.draws.distributions import as_distribution

U = np.linspace(0, 1, 1001)[:-1] + 1e-5

LAWS = [
    Uniform(-3, 5, identity=0),
    LogUniform(0.25, 8, identity=1),
    Normal(0.5, 2, identity=0),
    Beta(0.4, 2, low=-1, high=3, identity=0),
    Choice((0, 1, 2, 3), identity=0),
    Choice((0.5, 2), (3, 1), identity=1),
    Integers(-2, 9, identity=0),
    Constant(4, identity=1),
]


@pytest.mark.parametrize(
    ("law", "truth"),
    [
        (Uniform(-3, 5), stats.uniform(-3, 8)),
        (LogUniform(0.25, 8), stats.loguniform(0.25, 8)),
        (Normal(0.5, 2, cut=40), stats.norm(0.5, 2)),
        (Beta(0.4, 2), stats.beta(0.4, 2)),
        (Integers(-2, 9), stats.randint(-2, 10)),
    ],
)
def test_quantiles_equal_scipy(law, truth):
    np.testing.assert_allclose(law.quantile(U), truth.ppf(U), rtol=1e-9, atol=1e-9)


def test_choice_follows_its_weights():
    values = Choice((1, 2, 4), (1, 0, 3)).quantile(np.arange(4000) / 4000)
    assert {v: int((values == v).sum()) for v in (1, 2, 4)} == {1: 1000, 2: 0, 4: 3000}


def test_normal_is_cut_off():
    assert Normal(0, 1, cut=2).quantile(np.array([0.0, 1 - 2**-53])).tolist() == [-2, 2]


@pytest.mark.parametrize("law", LAWS)
@given(u=st.floats(0, 1, exclude_max=True))
def test_values_lie_within_the_bounds(law, u):
    low, high = law.bounds()
    value = float(law.quantile(np.array([u]))[0])
    assert low - 1e-9 <= value <= high + 1e-9


@pytest.mark.parametrize("law", LAWS)
def test_strength_runs_from_the_identity_to_the_law_itself(law):
    np.testing.assert_allclose(law.shrunk(1.0).quantile(U), law.quantile(U), rtol=1e-12)
    np.testing.assert_allclose(law.shrunk(0.0).quantile(U), law.identity, atol=1e-12)
    distances = [np.abs(law.shrunk(s).quantile(U) - law.identity).mean() for s in (0, 0.25, 0.5, 0.75, 1)]
    assert distances == sorted(distances)


def test_without_identity_strength_changes_nothing():
    for law in (Uniform(1, 2), LogUniform(1, 2), Normal(1, 2), Beta(1, 2), Choice((1, 2)), Integers(1, 2), Constant(1)):
        assert law.shrunk(0.3) == law


@pytest.mark.parametrize(
    ("value", "like", "expected"),
    [
        ((1, 2), Uniform(0, 1, identity=0), Uniform(1, 2, identity=0)),
        ([1, 2], LogUniform(0.5, 2, identity=1), LogUniform(1, 2, identity=1)),
        ((1, 2), Integers(0, 1), Integers(1, 2)),
        (20, Uniform(-30, 30, identity=0), Uniform(-20, 20, identity=0)),
        (0.2, Uniform(0.5, 1.5, identity=1), Uniform(0.8, 1.2, identity=1)),
        (3, Uniform(0.5, 1.5, identity=1), Uniform(0, 4, identity=1)),
        (5, Uniform(0, 1), Constant(5.0)),
        (Normal(0, 1), Uniform(0, 1, identity=0), Normal(0, 1, identity=0)),
    ],
)
def test_what_users_write_for_a_range(value, like, expected):
    assert as_distribution(value, like) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Uniform(2, 1),
        lambda: Uniform(0, float("nan")),
        lambda: LogUniform(0, 1),
        lambda: Normal(0, -1),
        lambda: Beta(0, 1),
        lambda: Choice(()),
        lambda: Choice((1, 2), (1,)),
        lambda: Choice((1, 2), (0, 0)),
        lambda: Choice((1, 2), (-1, 2)),
        lambda: Integers(0.5, 2),
        lambda: Constant(float("inf")),
        lambda: as_distribution((1, 2, 3), Uniform(0, 1)),
        lambda: as_distribution(-1, Uniform(0, 1, identity=0)),
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ValueError, match=r"\S"):
        wrong()


@pytest.mark.parametrize("value", ["1", None, True, {}])
def test_wrong_types_are_refused(value):
    with pytest.raises(TypeError, match="allowed"):
        as_distribution(value, Uniform(0, 1))
