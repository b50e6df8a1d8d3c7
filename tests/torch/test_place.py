"""What a probe runs: one configuration, whatever was left open."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import TensorDataset

from tunewise.records import Goal
from tunewise.torch import training
from tunewise.torch.place import settled, timed

ASKED = {
    "width": lambda t: t.suggest_int("width", 8, 128, log=True),
    "depth": lambda t: t.suggest_int("depth", 1, 5, step=2),
    "dropout": lambda t: t.suggest_float("dropout", 0.0, 0.5),
    "norm": lambda t: t.suggest_categorical("norm", [False, True]),
    "scale": lambda t: t.suggest_float("scale", 0.0, 1.0, step=0.25),
}
PLAIN = {
    "width": 32,
    "depth": 3,
    "dropout": 0.25,
    "norm": False,
    "scale": 0.5,
    "adamw.lr": 1e-3,
    "adamw.weight_decay": 1e-2,
}


def make(seen):
    @training(max_steps=5, batch_size=4, device="cpu")
    def train(trial):
        values = {name: ask(trial) for name, ask in ASKED.items()}
        if values["norm"]:
            values["groups"] = trial.suggest_int("groups", 1, 4)
        net = nn.Linear(2, 2)
        optimizer = trial.optimizer(net.parameters(), "adamw")
        seen.append(values)
        for _ in range(5):
            net(torch.ones(3, 2)).sum().backward()
            optimizer.step()
        raise AssertionError("the first step is enough")

    return train


def test_what_is_left_open_gets_a_default_or_the_middle():
    params, said = settled(make([]), {}, Goal())
    assert params == PLAIN
    assert all(name in said.headline for name in PLAIN)


@given(st.sets(st.sampled_from(sorted(PLAIN))))
def test_what_is_given_stays(given_names):
    config = {name: PLAIN[name] for name in given_names} | ({"width": 100} if "width" in given_names else {})
    seen = []
    params, said = settled(make(seen), config, Goal())
    assert params == {**PLAIN, **config}
    assert all(f"{name}=" not in said.headline for name in config) if said else given_names == set(PLAIN)
    assert seen[0]["width"] == params["width"]


def test_a_branch_is_settled_as_it_is_taken():
    assert settled(make([]), {"norm": True}, Goal())[0]["groups"] in (2, 3)


@pytest.mark.parametrize("cheap", [True, False])
def test_what_was_seen_of_a_run_holds_no_network(cheap):
    """A scan of batch sizes keeps the facts of one size while the next one needs the memory."""
    nets = []
    data = TensorDataset(torch.randn(64, 4), torch.arange(64) % 2)

    @training(max_steps=6, batch_size=16, device="cpu")
    def train(trial):
        net = nn.Linear(4, 2)
        nets.append(weakref.ref(net))
        optimizer = trial.optimizer(net.parameters(), "sgd")
        for x, y in trial.batches(data):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()

    facts = timed(train, {"sgd.lr": 0.1}, Goal(), 6, cheap=cheap)
    gc.collect()
    assert facts.n_steps == 6
    assert nets[-1]() is None
