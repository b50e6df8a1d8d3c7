"""The ladder: more trials tune more, in a fixed order."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from tunewise.errors import SettingError
from tunewise.torch.optimizers import LADDERS, build, suggest_settings


@pytest.fixture
def tuned(make_trial):
    def names(family: str, trials: int) -> list[str]:
        trial = make_trial()
        suggest_settings(trial, family, trials)
        return [name.removeprefix(f"{family}.") for name in trial.suggested]

    return names


@pytest.mark.parametrize("family", LADDERS)
def test_more_trials_never_tune_less_and_any_number_tunes_the_learning_rate(tuned, family):
    ladder = [tuned(family, trials) for trials in (1, 9, 10, 25, 26, 49, 50, 1000)]
    assert ladder[0] == ladder[1] == ["lr"]
    for shorter, longer in itertools.pairwise(ladder):
        assert longer[: len(shorter)] == shorter
    assert ladder[-1] == [rung.name for rung in LADDERS[family]]


def test_the_ladder_of_adam_is_the_playbooks(tuned):
    assert tuned("adam", 25) == ["lr", "one_minus_beta1"]
    assert tuned("adam", 26) == ["lr", "one_minus_beta1", "eps"]
    assert tuned("adam", 50) == ["lr", "one_minus_beta1", "eps", "one_minus_beta2"]


@pytest.mark.parametrize("family", LADDERS)
def test_settings_reach_the_optimizer(make_trial, family):
    settings = suggest_settings(make_trial(), family, trials=50)
    group = build(family, nn.Linear(2, 1).parameters(), settings).param_groups[0]
    assert group["lr"] == settings["lr"]
    if family in ("adam", "adamw", "nadamw"):
        assert group["betas"] == (1 - settings["one_minus_beta1"], 1 - settings["one_minus_beta2"])
        assert group["eps"] == settings["eps"]
    else:
        assert group["momentum"] == 1 - settings["one_minus_momentum"]
        assert group["nesterov"] == (family == "nesterov")
    assert group["weight_decay"] == settings.get("weight_decay", 0)


def test_what_is_not_tuned_is_torchs_own_default_for_adam(make_trial):
    settings = suggest_settings(make_trial(), "adamw", trials=1)
    ours = build("adamw", nn.Linear(2, 1).parameters(), settings).defaults
    theirs = torch.optim.AdamW(nn.Linear(2, 1).parameters()).defaults
    assert ours["betas"] == pytest.approx(theirs["betas"])
    assert (ours["eps"], ours["weight_decay"]) == (theirs["eps"], theirs["weight_decay"])


def test_an_unknown_family_is_refused(make_trial):
    with pytest.raises(SettingError, match="'lion'; it must be one of adam, adamw, nadamw, nesterov, sgd"):
        suggest_settings(make_trial(), "lion", 10)


def test_a_range_of_your_own_replaces_the_familys(make_trial):
    trial = make_trial()
    suggest_settings(trial, "adam", 10, lr=(1e-5, 1e-4))
    assert trial.suggested == {"adam.lr": (1e-5, 1e-4), "adam.one_minus_beta1": (2e-2, 0.5)}
