"""P63: choosing the best evaluation of a run explains a part of the drop."""

import numpy as np
import pytest

import tunewise as tw
from tunewise.project.tested import drop


def _runs(choose, n=6):
    study = tw.create_study(sampler="random", seed=0)

    def train(trial):
        rng = np.random.default_rng(trial.number)
        y = 0.2 + 0.5 * np.exp(-np.arange(40)) + 0.02 * rng.standard_normal(40)
        for step, value in enumerate(y):
            trial.report(float(value), step)
        return float(choose(y))

    study.optimize(train, n)
    return list(study.trials)


def test_the_best_of_a_noisy_curve_was_lucky_and_the_last_was_not():
    best = drop(_runs(np.min), [0.2, 0.21, 0.19], "value", 1.0)
    assert best.effect == pytest.approx(0.04, abs=0.02)
    assert "choosing explains 0.0" in best.headline
    assert best.threshold > 0.03
    last = drop(_runs(lambda y: y[-1]), [0.2, 0.21, 0.19], "value", 1.0)
    assert "choosing explains 0 " in last.headline


def test_one_run_says_nothing():
    assert drop(_runs(np.min, 1), [0.2], "value", 1.0) is None
