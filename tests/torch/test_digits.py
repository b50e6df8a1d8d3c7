"""The demo's data and training function."""

from __future__ import annotations

import torch

from tunewise.study import create_study
from tunewise.torch.digits import DEFAULTS, SPACE, load_digits, make_train


def test_the_split_is_fixed_and_disjoint():
    first, again = load_digits(), load_digits()
    assert [len(part) for part in first] == [500, 700, 597]
    assert all(torch.equal(a.tensors[0], b.tensors[0]) for a, b in zip(first, again, strict=True))
    rows = torch.cat([part.tensors[0] for part in first])
    assert len(torch.unique(rows, dim=0)) == 1797


def test_the_defaults_lie_in_the_space_and_learn():
    SPACE.encode(DEFAULTS)
    train_set, val_set, _ = load_digits()
    study = create_study(goals={"error": "minimize"}, sampler="random", seed=0)
    study.enqueue_trial(DEFAULTS)
    study.optimize(make_train(train_set, val_set, max_steps=200), n_trials=1)
    assert study.best_value < 0.10
    assert study.best_trial.curves.keys() >= {"error", "loss", "accuracy", "train_loss", "grad_norm"}


def test_a_learning_rate_far_too_high_is_infeasible():
    train_set, val_set, _ = load_digits()
    study = create_study(goals={"error": "minimize"}, sampler="random", seed=0)
    study.enqueue_trial({**DEFAULTS, "nesterov.lr": 50.0})
    study.optimize(make_train(train_set, val_set, max_steps=200), n_trials=1)
    trial = study.trials[0]
    assert trial.state.name == "INFEASIBLE"
    assert "train_loss was" in trial.reason
