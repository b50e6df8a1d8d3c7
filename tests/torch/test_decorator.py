"""One seed, one curve; and what a training function's return value means."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tunewise.errors import SettingError
from tunewise.torch import TorchTrial, evaluate, training


def objective(data, **settings):
    @training(max_steps=30, batch_size=16, device="cpu", **settings)
    def train(trial: TorchTrial) -> None:
        net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3)).to(trial.device)
        optimizer = trial.optimizer(net.parameters(), "nesterov")
        for inputs, labels in trial.batches(data):
            loss = F.cross_entropy(net(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if trial.eval_due:
                trial.log(net, train_loss=loss, **evaluate(net, data))

    return train


def test_the_same_seed_gives_the_same_curve_bit_for_bit(make_trial, blobs):
    first, second = make_trial(seed=7), make_trial(seed=7)
    train = objective(blobs)
    train(first)
    torch.rand(5)
    train(second)
    assert first.reports == second.reports
    assert len(first.reports) == 10


def test_another_seed_gives_another_curve(make_trial, blobs):
    first, second = make_trial(seed=7), make_trial(seed=8)
    train = objective(blobs)
    train(first)
    train(second)
    assert first.reports != second.reports


def test_none_means_the_best_logged_goal_and_the_selection_is_recorded(make_trial, blobs):
    trial = make_trial(seed=1)
    value = objective(blobs)(trial)
    errors = {step: metrics["error"] for step, metrics in trial.reports}
    assert value == {"error": min(errors.values())}
    selection = trial.user_attrs["selection"]
    assert errors[selection["step"]] == value["error"]


def test_a_returned_value_is_passed_on(make_trial):
    @training(max_steps=1, batch_size=1)
    def train(trial):
        return 0.25

    assert train(make_trial()) == 0.25


def test_nothing_returned_and_nothing_logged_is_an_error(make_trial):
    @training(max_steps=1, batch_size=1)
    def train(trial):
        pass

    with pytest.raises(SettingError, match="logged nothing"):
        train(make_trial())


@pytest.mark.parametrize("name", ["max_steps", "batch_size", "evals"])
def test_counts_below_one_are_refused(name):
    with pytest.raises(SettingError, match=f"{name} is 0"):
        training(**{"max_steps": 1, "batch_size": 1, name: 0})


def test_fit_returns_the_model_of_the_best_evaluation(make_trial, blobs):
    train = objective(blobs)
    value = train(make_trial(seed=2))
    net = train.fit(make_trial(seed=2))
    assert evaluate(net, blobs)["error"] == value["error"]


def test_the_objective_keeps_the_name_of_the_function(blobs):
    assert objective(blobs).__name__ == "train"
