"""V24: planted mistakes are found, clean trainings raise no alarm."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from tunewise.playbook import Verdict
from tunewise.records import Goal
from tunewise.torch.doctor import preflight


def _load(name):
    spec = importlib.util.spec_from_file_location(f"planted_{name}", Path(__file__).with_name(f"{name}.py"))
    module = sys.modules[spec.name] = importlib.util.module_from_spec(
        spec
    )  # where data classes look for their names
    spec.loader.exec_module(module)
    return module


scripts, second = _load("scripts"), _load("held_out")
third, fourth = _load("third_set"), _load("fourth_set")
BLIND = {"fifth": _load("fifth_set"), "sixth": _load("sixth_set")}

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
KINDS = {
    "dropout in eval": "dropout",
    "unshuffled data": "order",
    "seed ignored": "seeds",
    "test leak": "test set",
    "last-batch bias": "last batch",
    "BN in train mode in eval": "batch norm",
    "LR never stepped": "schedule",
    "loss summed in accumulation": "accumulation",
    "wrong direction": "direction",
    "duplicated samples": "validation data",
    "stale checkpoint": "checkpoint",
    "NaN metric": "finite metrics",
}


def blind(module):
    """A set that speaks of directions and kinds, in the terms of the others."""
    faults = {
        name: (train, Goal("value", direction), KINDS[kind])
        for name, (train, direction, kind) in module.PLANTED.items()
    }
    sound = {name: (train, Goal("value", direction)) for name, (train, direction) in module.CLEAN.items()}
    return faults, sound


def planted(folder):
    """(set, name) -> (training, goal, what the finding must be about)."""
    first = {name: (*case, EXPECTED[name]) for name, case in scripts.bugs(folder).items()}
    sets = {
        "first": first,
        "second": second.planted(folder),
        "third": third.PLANTED,
        "fourth": fourth.PLANTED,
        **{part: blind(module)[0] for part, module in BLIND.items()},
    }
    return {(part, name): case for part, cases in sets.items() for name, case in cases.items()}


SOUND = {
    "first": scripts.CLEAN,
    "second": second.CLEAN,
    "third": third.CLEAN,
    "fourth": fourth.CLEAN,
    **{part: blind(module)[1] for part, module in BLIND.items()},
}
CLEAN = {(part, name): case for part, cases in SOUND.items() for name, case in cases.items()}


# A metric that is NaN may come with PyTorch's own warning.
@pytest.mark.filterwarnings("ignore:std")
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
