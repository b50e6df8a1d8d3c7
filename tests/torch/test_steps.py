"""The step finder on a real small network, and its loud failure."""

import math

import torch
from torch.utils.data import TensorDataset

from tunewise.playbook import Verdict
from tunewise.records import Goal
from tunewise.storage.memory import MemoryLog
from tunewise.torch.digits import DEFAULTS, load_digits, make_train
from tunewise.torch.place import Place
from tunewise.torch.steps import find_steps

PLACE = Place("digits", None, Goal("error"))


def test_a_training_set_that_can_be_fitted_gives_steps():
    train_set, val_set, _ = load_digits()
    found = find_steps(make_train(train_set, val_set, 300), DEFAULTS, PLACE)
    assert found.max_steps is not None
    assert 20 < found.max_steps <= 300
    assert found.interval[0] <= found.max_steps <= found.interval[1] + 1
    assert min(found.points) < found.lr_best < max(found.points)
    times = [t for t in found.points.values() if math.isfinite(t)]
    assert 0.5 * min(times) <= found.max_steps <= 1.5 * min(times)
    assert found.findings.verdict == Verdict.OK


def test_a_training_set_that_cannot_be_fitted_is_said_loudly():
    generator = torch.Generator().manual_seed(0)
    noise = TensorDataset(torch.zeros(300, 64), torch.randint(0, 10, (300,), generator=generator))
    found = find_steps(make_train(noise, noise, 20), DEFAULTS, PLACE, doublings=1)
    assert found.max_steps is None
    assert found.findings.verdict == Verdict.ACT
    assert "No learning rate fitted the training data in 40 steps" in str(found)
    assert found.findings.acts[0].command == "train = train.replan(max_steps=80)"


def test_an_interrupted_sweep_goes_on():
    train_set, val_set, _ = load_digits()
    log = MemoryLog()
    place = Place("digits", log, Goal("error"))
    first = find_steps(make_train(train_set, val_set, 60), DEFAULTS, place, doublings=0)
    n = len(place.study("steps").trials)
    again = find_steps(make_train(train_set, val_set, 60), DEFAULTS, place, doublings=0)
    assert len(place.study("steps").trials) == n
    assert str(again) == str(first)
