"""Steps, evaluations, checkpoints and divergence of the richer trial."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tunewise.errors import SettingError, TrialInfeasible
from tunewise.records import Goal
from tunewise.torch.trial import Plan, TorchTrial


def wrap(trial, max_steps: int = 10, evals: int = 5, batch_size: int = 4) -> TorchTrial:
    return TorchTrial(trial, Plan(max_steps, batch_size, evals, "cpu"))


@given(max_steps=st.integers(1, 300), evals=st.integers(1, 40))
def test_evaluations_are_regular_and_include_the_last_step(make_trial, max_steps, evals):
    trial = wrap(make_trial(), max_steps, evals)
    due = []
    for trial.step in range(1, max_steps + 1):
        if trial.eval_due:
            due.append(trial.step)
    assert len(due) == min(evals, max_steps)
    assert due[-1] == max_steps
    gaps = np.diff([0, *due])
    assert gaps.max() - gaps.min() <= 1


def test_batches_are_max_steps_and_advance_the_step(make_trial, blobs):
    trial = wrap(make_trial(), max_steps=61)
    steps = [trial.step for _ in trial.batches(blobs)]
    assert steps == list(range(1, 62))


def test_the_order_does_not_depend_on_what_else_is_drawn(make_trial, blobs):
    first, second = wrap(make_trial(seed=3)), wrap(make_trial(seed=3))
    one = [inputs.clone() for inputs, _ in first.batches(blobs)]
    torch.rand(100)
    two = [inputs for inputs, _ in second.batches(blobs)]
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_every_source_is_seeded_and_the_seed_is_recorded(make_trial):
    def draws(seed):
        wrap(make_trial(seed))
        return random.random(), np.random.random(), torch.rand(1).item()

    assert draws(2**40 + 1) == draws(2**40 + 1)
    assert all(a != b for a, b in zip(draws(1), draws(2), strict=True))
    live = make_trial(seed=11)
    wrap(live)
    assert live.user_attrs["seed"] == 11


def test_what_it_does_not_know_goes_to_the_live_trial(make_trial):
    live = make_trial(number=4)
    trial = wrap(live)
    assert trial.number == 4
    assert trial.suggest_float("x", 1.0, 3.0) == 2.0
    with pytest.raises(AttributeError, match="no_such_thing"):
        trial.no_such_thing  # noqa: B018


@pytest.mark.parametrize(("direction", "best_step"), [("minimize", 2), ("maximize", 3)])
def test_the_best_checkpoint_is_kept_by_the_goal(make_trial, direction, best_step):
    trial = wrap(make_trial(goal=Goal("score", direction)))
    net = nn.Linear(1, 1, bias=False)
    for trial.step, score in enumerate([0.5, 0.1, 0.9, 0.3], start=1):
        with torch.no_grad():
            net.weight.fill_(trial.step)
        trial.log(net, score=score)
    assert trial.best is not None
    assert trial.best.step == best_step
    assert trial.best.state["weight"].item() == best_step


@pytest.mark.parametrize("metrics", [{"train_loss": float("nan"), "error": 0.5}, {"error": float("inf")}])
def test_a_loss_that_is_not_finite_is_infeasible_and_names_the_step(make_trial, metrics):
    trial = wrap(make_trial())
    trial.step = 7
    with pytest.raises(TrialInfeasible, match="at step 7 of 10"):
        trial.log(nn.Linear(1, 1), **metrics)


def test_a_metric_that_is_not_the_goal_may_be_undefined(make_trial):
    live = make_trial()
    wrap(live).log(nn.Linear(1, 1), error=0.5, recall=float("nan"))
    assert live.reports[0][1]["error"] == 0.5


def test_logging_without_the_goal_is_refused(make_trial):
    with pytest.raises(SettingError, match="'error' is not among the logged metrics"):
        wrap(make_trial()).log(nn.Linear(1, 1), accuracy=0.5)


def test_the_optimizer_and_its_schedule_are_recorded(make_trial):
    live = make_trial()
    wrap(live).optimizer(nn.Linear(2, 1).parameters(), "adamw", trials=5, schedule="linear")
    assert set(live.suggested) == {"adamw.lr"}
    assert live.user_attrs["optimizer"]["one_minus_beta2"] == 1e-3
    assert live.user_attrs["schedule"] == "linear"


def test_your_own_optimizer_is_scheduled_too(make_trial):
    live = make_trial()
    optimizer = wrap(live).optimizer(
        nn.Linear(2, 1).parameters(), lambda p: torch.optim.Adagrad(p, lr=1.0), warmup=0.5
    )
    assert live.suggested == {}
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.2)
    assert live.user_attrs["optimizer"] == {"class": "Adagrad", "warmup": 0.5, "end_factor": 0.0}
