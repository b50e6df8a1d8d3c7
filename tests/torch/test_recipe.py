"""Trials trained together give what they give alone, and what a loop written by hand gives."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.records import TrialState
from tunewise.torch import recipe, training
from tunewise.torch.dropout import count_dropout
from tunewise.torch.optimizers import LADDERS


def make(data, optimizer="nesterov", norm=False, steps=40, device="cpu", **settings):
    @recipe(
        data, data, max_steps=steps, batch_size=16, evals=4, device=device, optimizer=optimizer, **settings
    )
    def network(trial):
        width = trial.suggest_categorical("width", [8, 16])
        layers = [nn.Linear(4, width), *([nn.BatchNorm1d(width)] if norm else []), nn.ReLU()]
        return nn.Sequential(*layers, nn.Dropout(trial.suggest_float("p", 0.0, 0.5)), nn.Linear(width, 3))

    return network


def studies(network, together, n=12, pruner=None, like=None):
    """A study of n trials; with ``like`` they have the parameters of that study's trials."""
    study = tw.create_study(goals={"loss": "minimize"}, sampler="qmc", seed=0, pruner=pruner)
    for trial in like.trials if like else ():
        study.enqueue_trial(trial.params)
    if together:
        network.optimize(study, n, together)
    else:
        study.optimize(network, n)
    return study


@pytest.mark.parametrize("family", LADDERS)
def test_together_equals_alone(blobs, family, device):
    one = studies(make(blobs, family, trials=60, device=device), 0)
    many = studies(make(blobs, family, trials=60, device=device), 12, like=one)
    for a, b in zip(one.trials, many.trials, strict=True):
        assert a.params == b.params
        assert a.state == b.state
        for step, value in a.curves["loss"].items():
            assert b.curves["loss"][step] == pytest.approx(value, rel=1e-3, abs=1e-4)


def test_together_equals_alone_with_batch_norm(blobs, device):
    one = studies(make(blobs, "adamw", norm=True, device=device), 0)
    many = studies(make(blobs, "adamw", norm=True, device=device), 12, like=one)
    assert [t.value for t in many.trials] == pytest.approx([t.value for t in one.trials], rel=1e-3)


def test_together_equals_alone_in_a_convolutional_network(device, monkeypatch):
    """At rates that do not throw a network about, and in full precision: else a last digit decides where it ends."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(60) % 3
    pixels = torch.randn(60, 3, 8, 8, generator=generator) + labels[:, None, None, None]
    images = TensorDataset(pixels.to(memory_format=torch.channels_last), labels)

    @recipe(
        images,
        images,
        max_steps=20,
        batch_size=16,
        evals=4,
        device=device,
        optimizer="nesterov",
        lr=(1e-3, 0.1),
    )
    def network(trial):
        convolution = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        convolution.bias.requires_grad_(False)
        return nn.Sequential(convolution, nn.GroupNorm(4, 8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 3))

    one = studies(network, 0, n=4)
    many = studies(network, 4, n=4, like=one)
    assert [t.value for t in many.trials] == pytest.approx([t.value for t in one.trials], rel=1e-3)
    one = many.trials[0]
    live = tw.create_study(goals={"loss": "minimize"}, seed=0)
    live.enqueue_trial(one.params, {"seed": one.user_attrs["seed"]})
    torch.manual_seed(one.user_attrs["seed"] % 2**63)
    start = nn.Conv2d(3, 8, 3).bias
    assert torch.equal(network.fit(live.ask())[0].bias.cpu(), start)  # a frozen parameter stays


@pytest.mark.parametrize("family", LADDERS)
def test_alone_equals_a_loop_written_by_hand(blobs, family, device):
    network = make(blobs, family, trials=60, lr=(1e-3, 1e-2), device=device)
    ours = studies(network, 4, n=4)

    @training(max_steps=40, batch_size=16, evals=4, device=device)
    def by_hand(trial):
        net = network._build(trial).to(device)
        count_dropout(net, trial.seed)
        optimizer = trial.optimizer(net.parameters(), family, trials=60, lr=(1e-3, 1e-2))
        for x, y in trial.batches(blobs):
            loss = F.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if trial.eval_due:
                trial.log(net, **tw.evaluate(net, blobs))

    theirs = studies(by_hand, 0, n=4, like=ours)
    assert [t.params for t in ours.trials] == [t.params for t in theirs.trials]
    assert [t.value for t in ours.trials] == pytest.approx([t.value for t in theirs.trials], rel=1e-3)


def test_a_member_that_diverges_leaves_the_others_alone(blobs, device):
    def settings(trial):
        return "sgd", {"lr": 1e6 if trial.number % 2 else 0.01, "one_minus_momentum": 0.1}

    study = studies(make(blobs, settings, steps=60, schedule="constant", warmup=0.0, device=device), 6, n=6)
    states = [t.state for t in study.trials]
    assert states[1::2] == [TrialState.INFEASIBLE] * 3
    assert states[0::2] == [TrialState.COMPLETE] * 3
    assert all(math.isfinite(t.value) for t in list(study.trials)[0::2])


def test_a_pruned_member_leaves_its_stack(blobs, device):
    study = studies(make(blobs, device=device), 12, n=24, pruner="median")
    states = {t.state for t in study.trials}
    assert states == {TrialState.COMPLETE, TrialState.PRUNED}


def test_fit_gives_the_model_of_the_best_evaluation(blobs, device):
    network = make(blobs, device=device)
    study = studies(network, 4, n=4)
    again = tw.create_study(goals={"loss": "minimize"}, seed=0)
    again.enqueue_trial(study.best_params, {"seed": study.best_trial.user_attrs["seed"]})
    model = network.fit(again.ask())
    assert tw.evaluate(model, blobs)["loss"] == pytest.approx(study.best_value, rel=1e-3)


def test_data_that_is_not_tensors_is_read_once(blobs):
    reads = []

    class Lazy(Dataset):
        def __len__(self):
            return 32

        def __getitem__(self, row):
            reads.append(row)
            return blobs[row]

    studies(make(Lazy()), 2, n=4)
    assert len(reads) == 32


def test_an_error_in_building_ends_all_open_trials_and_is_raised(blobs):
    @recipe(blobs, blobs, max_steps=5, batch_size=8, device="cpu")
    def broken(trial):
        raise ZeroDivisionError("no width")

    study = tw.create_study(goals={"loss": "minimize"})
    with pytest.raises(ZeroDivisionError):
        broken.optimize(study, 3, together=3)
    assert {t.state for t in study.trials} == {TrialState.FAILED}


def test_settings_are_judged(blobs):
    with pytest.raises(SettingError, match="together is 0"):
        make(blobs).optimize(tw.create_study(), 3, together=0)
    with pytest.raises(SettingError, match="'lion'"):
        studies(make(blobs, lambda trial: ("lion", {})), 1, n=1)
    with pytest.raises(SettingError, match="one number"):
        studies(make(blobs, loss=lambda a, b: F.cross_entropy(a, b, reduction="none")), 1, n=1)
    with pytest.raises(SettingError, match="empty"):
        studies(make(TensorDataset(torch.empty(0, 4), torch.empty(0))), 1, n=1)


def test_counted_dropout_drops_the_right_share_and_nothing_in_eval():
    model = nn.Sequential(nn.Dropout(0.3))
    count_dropout(model, seed=5)
    x = torch.ones(200, 500)
    assert (model(x) == 0).double().mean().item() == pytest.approx(0.3, abs=0.005)
    assert not torch.equal(model(x), model(x))
    assert torch.equal(model.eval()(x), x)
    columns = (model.train()(x) == 0).double()
    assert abs(torch.corrcoef(columns[:, :2].T)[0, 1]) < 0.25
