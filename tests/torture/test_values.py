"""Whatever an objective returns: the loop goes on, and the trial ends as documented."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

import tunewise as tw


class Hostile:
    """Raises whatever is done with it."""

    def __float__(self):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")


class HostileArray:
    """Looks like an array."""

    def tolist(self):
        raise MemoryError("no")


def _endless():
    while True:
        yield 1.0


TABLE = [
    *[(value, "COMPLETE", 1.0) for value in (1.0, 1, True)],
    (Decimal("1.5"), "COMPLETE", 1.5),
    (Fraction(3, 2), "COMPLETE", 1.5),
    ([1.5], "COMPLETE", 1.5),
    ((1.5,), "COMPLETE", 1.5),
    ({"value": 1.5}, "COMPLETE", 1.5),
    (np.float32(1.5), "COMPLETE", 1.5),
    (np.float64(1.5), "COMPLETE", 1.5),
    (np.float16(1.5), "COMPLETE", 1.5),
    (np.int64(3), "COMPLETE", 3.0),
    (np.bool_(True), "COMPLETE", 1.0),
    (np.array(1.5), "COMPLETE", 1.5),
    (np.array([1.5]), "COMPLETE", 1.5),
    (torch.tensor(1.5), "COMPLETE", 1.5),
    (torch.tensor([1.5]), "COMPLETE", 1.5),
    (torch.tensor(1.5, requires_grad=True), "COMPLETE", 1.5),
    (torch.tensor(1.5, dtype=torch.bfloat16), "COMPLETE", 1.5),
    (1e308, "COMPLETE", 1e308),
    (-1e308, "COMPLETE", -1e308),
    (5e-324, "COMPLETE", 5e-324),
    (-0.0, "COMPLETE", 0.0),
    (2**70, "COMPLETE", 2.0**70),
    (math.nan, "INFEASIBLE", None),
    (math.inf, "INFEASIBLE", None),
    (-math.inf, "INFEASIBLE", None),
    (10**400, "INFEASIBLE", None),
    (-(10**400), "INFEASIBLE", None),
    (np.float32("nan"), "INFEASIBLE", None),
    (torch.tensor(math.nan), "INFEASIBLE", None),
    (Decimal("NaN"), "INFEASIBLE", None),
    (Decimal("Infinity"), "INFEASIBLE", None),
    *[
        (value, "FAILED", None)
        for value in (
            None, "1.5", "abc", "", b"1.5", 1j, np.complex64(1), [], (), {}, [1.0, 2.0], {"loss": 1.0}, {1.0}, [[1.0]],
            np.array([]), np.array([1.0, 2.0]), np.array([[1.0]]), np.array(["a"]), torch.zeros(2), object(), print,
            _endless(), Decimal("sNaN"), Hostile(), HostileArray(), [Hostile()], {"value": "1.5"}, [None], type,
        )
    ],
]  # fmt: skip


@pytest.mark.parametrize("kind", ["memory", "sqlite", "directory"])
def test_the_table_of_values(kind, tmp_path):
    place = {"memory": None, "sqlite": tmp_path / "s.db", "directory": f"dir:{tmp_path}/runs"}[kind]
    study = tw.create_study("s", place, sampler="random", seed=1)

    def objective(trial):
        trial.suggest_float("x", 0, 1)
        return TABLE[trial.number][0]

    study.optimize(objective, len(TABLE))
    for row, (value, state, stored) in zip(study.trials, TABLE, strict=True):
        assert (row.state.name, row.values) == (state, None if stored is None else (stored,)), type(value)
        assert state == "COMPLETE" or row.reason
    again = study.trials if place is None else tw.load_study("s", place).trials
    assert [row.state for row in again] == [row.state for row in study.trials]


@pytest.mark.parametrize(
    "value", [1.0, (1.0,), (1.0, 2.0, 3.0), "ab", None, np.zeros((2, 2)), Hostile(), {"value_0": 1}]
)
def test_the_wrong_count_for_two_goals(value):
    study = tw.create_study(directions=["minimize", "maximize"], sampler="random", seed=1)
    study.optimize(lambda trial: value, 2)
    assert [row.state.name for row in study.trials] == ["FAILED"] * 2
