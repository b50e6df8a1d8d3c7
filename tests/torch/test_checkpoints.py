"""A training that is interrupted and goes on ends as one that was not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import tunewise as tw
from tunewise.torch import evaluate, training
from tunewise.torch.checkpoints import Keeper


class Listed(Dataset):
    """Not made of tensors, so read by a DataLoader; noise from two global generators."""

    def __init__(self, data):
        self.data = data

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        x, y = self.data[i]
        return x + 0.01 * np.random.normal() + 0.01 * torch.rand(()), y


def make(folder, blobs, weights, die_after=None, max_steps=40):
    @training(max_steps=max_steps, batch_size=16, evals=8, device="cpu", checkpoints=folder, keep=2)
    def train(trial):
        net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
        optimizer = trial.optimizer(net.parameters(), "adamw")
        began.append(trial.resume(net, optimizer))
        for x, y in trial.batches(blobs):
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
            if trial.eval_due:
                trial.log(net, **evaluate(net, TensorDataset(*blobs_of(blobs))))
            if die_after == trial.step:
                raise KeyboardInterrupt
        weights.append({name: t.clone() for name, t in net.state_dict().items()})

    began = train.began = []
    return train


def blobs_of(data):
    return data.tensors if isinstance(data, TensorDataset) else data.data.tensors


def study_of():
    return tw.create_study("resumed", goals={"error": "minimize"}, sampler="random", seed=0)


@pytest.mark.parametrize("listed", [False, True], ids=["tensors", "loader"])
@pytest.mark.parametrize("die_after", [5, 17, 36])
def test_an_interrupted_training_ends_as_one_that_was_not(listed, die_after, blobs, tmp_path):
    data = Listed(blobs) if listed else blobs
    whole, parts = [], []
    one = study_of()
    one.optimize(make(tmp_path / "a", data, whole), n_trials=1)
    other = study_of()
    with pytest.raises(KeyboardInterrupt):
        other.optimize(make(tmp_path / "b", data, parts, die_after), n_trials=1)
    again = make(tmp_path / "b", data, parts)
    other.optimize(again, n_trials=1)
    assert again.began == [die_after // 5 * 5]
    assert whole[0].keys() == parts[0].keys()
    assert all(torch.equal(whole[0][name], parts[0][name]) for name in whole[0])
    (mine,), (theirs,) = one.trials, other.trials
    assert dict(theirs.curves["error"]) == dict(mine.curves["error"])
    assert (theirs.value, theirs.user_attrs["selection"]) == (mine.value, mine.user_attrs["selection"])


SCRIPT = """
import os, sys
import torch
from torch import nn
from torch.utils.data import TensorDataset
import tunewise as tw

data = TensorDataset(torch.randn(64, 4, generator=torch.Generator().manual_seed(0)), torch.arange(64) % 3)

@tw.training(max_steps=40, batch_size=16, evals=8, device="cpu", checkpoints=sys.argv[2])
def train(trial):
    net = nn.Linear(4, 3)
    optimizer = trial.optimizer(net.parameters(), "adamw")
    began = trial.resume(net, optimizer)
    print("began", began)
    for x, y in trial.batches(data):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
        if trial.eval_due:
            trial.log(net, **tw.evaluate(net, data))
        if trial.step == 17 and trial.attempt == 1:
            os._exit(9)  # no clean-up: the power is gone

study = tw.create_study("killed", sys.argv[1], goals={"error": "minimize"}, sampler="random", seed=0, lease=60.0,
                        on_lost="retry", load_if_exists=True)
study.optimize(train, n_trials=1)
print("done", len(study.trials), study.trials[0].state.name)
"""


def test_the_trial_of_a_killed_process_goes_on_in_the_next(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    command = [
        sys.executable,
        str(tmp_path / "train.py"),
        f"sqlite:///{tmp_path}/runs.db",
        str(tmp_path / "kept"),
    ]
    where = {**os.environ, "PYTHONPATH": str(Path(tw.__file__).parents[1])}
    first, second = (
        subprocess.run(command, env=where, capture_output=True, text=True, check=False, timeout=120)
        for _ in range(2)
    )
    assert first.returncode == 9, first.stderr
    assert second.stdout.split("\n")[:2] == ["began 15", "done 1 COMPLETE"], second.stderr


def test_a_new_trial_begins_at_the_beginning(blobs, tmp_path):
    train = make(tmp_path, blobs, [])
    study = study_of()
    study.optimize(train, n_trials=2)
    assert train.began == [0, 0]
    other = tw.create_study("resumed", goals={"error": "minimize"}, sampler="random", seed=9)
    other.optimize(train, n_trials=1)  # the same folder and number, but another trial
    assert train.began == [0, 0, 0]


def test_without_a_folder_it_says_what_is_missing(make_trial):
    from tunewise.torch.trial import Plan, TorchTrial

    net = nn.Linear(4, 3)
    with pytest.raises(tw.errors.SettingError, match="checkpoints="):
        TorchTrial(make_trial(), Plan(3, 2, 1, "cpu")).resume(net)


def test_a_file_is_whole_or_absent(make_trial, tmp_path, monkeypatch):
    keeper = Keeper(str(tmp_path), make_trial(), 1)
    keeper.save_state({"step": 1})

    def broken(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(torch, "save", broken)
    with pytest.raises(OSError, match="full"):
        keeper.save_state({"step": 2})
    assert keeper.saved_state() == {"step": 1}
