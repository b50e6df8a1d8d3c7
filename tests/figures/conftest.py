"""A study with conditions, divergence, pruning and curves, in both directions."""

import json
import math

import pytest

import tunewise as tw

SPACE = tw.Space(
    {"lr": tw.Float(1e-4, 1.0, log=True), "k": tw.Categorical(("a", "b")), "n": tw.Int(1, 4)},
    {"n": ("k", ["a"])},
)


def objective(trial):
    p = trial.params
    for step in range(5):
        trial.report(p["lr"] + 1 / (step + 1), step)
    if trial.number % 10 == 9:
        raise tw.TrialPruned
    return math.nan if p["lr"] > 0.3 else p["lr"] + 0.1 * (p["k"] == "a")


@pytest.fixture(params=["minimize", "maximize"])
def trials(request):
    tw.logging.set_verbosity(50)
    study = tw.create_study(sampler="qmc", seed=0, space=SPACE, direction=request.param)
    study.optimize(objective, 30)
    return study.trials


@pytest.fixture
def valid():
    """``valid(chart)``: its specification, which must satisfy the schema and be plain JSON of finite numbers."""

    def check(chart):
        spec = json.loads(json.dumps(chart.to_dict(), allow_nan=False))
        assert spec["width"] == "container"
        return spec

    return check
