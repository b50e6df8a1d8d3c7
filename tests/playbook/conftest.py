import numpy as np
import pytest

import tunewise as tw
from tunewise.playbook import check
from tunewise.space import Float, Space


@pytest.fixture(autouse=True)
def _quiet():
    tw.logging.set_verbosity(50)


@pytest.fixture
def cube():
    """Three parameters between 1 and 2: no end is a natural limit."""
    return Space({"a": Float(1, 2), "b": Float(1, 2), "c": Float(1, 2)})


@pytest.fixture
def study_of(cube):
    """study_of(loss, n): the table of a study whose objective is ``loss(params, rng)``."""

    def make(loss, n, seed=0, space=cube, sampler="qmc", **settings):
        study = tw.create_study(sampler=sampler, seed=seed, space=space, **settings)
        rng = np.random.default_rng(seed)
        study.optimize(lambda t: loss(t.params, rng), n)
        return study.trials

    return make


@pytest.fixture
def curves_of(cube):
    """curves_of(curve): the table of a study whose trials report ``curve(rng)`` (and ``train(rng)``), and return its minimum."""

    def make(curve, n=12, schedule=None, train=None, seed=0, metric="value", returns=np.min):
        study = tw.create_study(sampler="qmc", seed=seed, space=cube, goals={metric: "minimize"})
        rng = np.random.default_rng(seed)

        def objective(trial):
            values = curve(rng) + 0.01 * trial.params["a"]
            losses = train(rng) if train else None
            for step, value in enumerate(values):
                metrics = {metric: float(value)}
                if losses is not None:
                    metrics["train_loss"] = float(losses[step])
                trial.report(metrics, step + 1)
            if schedule:
                trial.set_user_attr("schedule", schedule)
            return float(returns(values))

        study.optimize(objective, n)
        return study.trials

    return make


@pytest.fixture
def found():
    """found(trials, code): the findings with this code."""
    return lambda trials, code, **options: [f for f in check(trials, **options) if f.code == code]
