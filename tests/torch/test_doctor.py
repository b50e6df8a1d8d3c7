"""V24: planted mistakes are found, clean trainings raise no alarm."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tunewise.playbook import Verdict
from tunewise.torch.doctor import preflight


def _load(name):
    spec = importlib.util.spec_from_file_location(f"planted_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scripts, second = _load("scripts"), _load("held_out")
third, fourth = _load("third_set"), _load("fourth_set")

EXPECTED = {
    "dropout in evaluation": "dropout",
    "dropout in evaluation, with gradients": "dropout",
    "unshuffled data": "order",
    "seed ignored": "seeds",
    "nothing seeded": "seeds",
    "validation data trained on": "validation data",
    "validation data is training data": "validation data",
    "test set in the objective": "test set",
    "last batch": "last batch",
    "batch norm in evaluation": "batch norm",
    "batch norm with one example": "batch norm",
    "schedule never stepped": "schedule",
    "losses summed": "accumulation",
    "wrong direction": "direction",
    "wrong direction, without a name": "direction",
    "duplicated samples": "duplicates",
    "stale model": "checkpoint",
    "checkpoint by reference": "checkpoint",
    "weights of an earlier trial": "checkpoint",
    "model made once": "checkpoint",
    "NaN metric": "finite metrics",
    "batch size searched": "batch_size",
}


def planted(folder):
    """(set, name) -> (training, goal, what the finding must be about)."""
    first = {name: (*case, EXPECTED[name]) for name, case in scripts.bugs(folder).items()}
    sets = {
        "first": first,
        "second": second.planted(folder),
        "third": third.PLANTED,
        "fourth": fourth.PLANTED,
    }
    return {(part, name): case for part, cases in sets.items() for name, case in cases.items()}


CLEAN = {
    (part, name): case
    for part, module in {"first": scripts, "second": second, "third": third, "fourth": fourth}.items()
    for name, case in module.CLEAN.items()
}


@pytest.mark.parametrize("name", planted(Path()), ids="-".join)
def test_v24_a_planted_mistake_is_found(name, tmp_path):
    train, goal, subject = planted(tmp_path)[name]
    findings = preflight(train, goal=goal)
    assert subject in {f.subject for f in findings.acts}, str(findings)
    assert all(f.next_action and f.command for f in findings.acts)


@pytest.mark.parametrize("name", CLEAN, ids="-".join)
def test_v24_a_clean_training_raises_no_alarm(name):
    train, goal = CLEAN[name]
    findings = preflight(train, goal=goal)
    assert [f for f in findings if f.verdict in (Verdict.ACT, Verdict.UNSURE)] == [], str(findings)


def test_a_function_that_fails_is_reported_not_raised():
    findings = preflight(lambda trial: 1 / 0)
    assert findings[0].verdict == Verdict.ACT
    assert "ZeroDivisionError" in findings[0].headline


def test_a_function_without_training_is_told_so():
    assert "no PyTorch optimiser" in preflight(lambda trial: 0.5)[0].headline


def test_nothing_of_the_observer_stays_behind():
    import torch
    from torch import nn

    def patched():
        scaler = torch.amp.GradScaler.scale
        return torch.optim.lr_scheduler.LRScheduler.__init__, nn.Module.load_state_dict, scaler

    before = patched()
    preflight(scripts.CLEAN["plain objective"][0], goal=scripts.ACCURACY)
    assert before == patched()
    assert not nn.modules.module._global_forward_hooks
    assert not nn.modules.module._global_forward_pre_hooks
