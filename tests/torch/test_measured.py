"""Input, reads, evaluation points, samples and classes: each check on facts or on a real run with the fault planted."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tunewise.playbook import Verdict
from tunewise.records import Goal
from tunewise.torch.doctor import preflight
from tunewise.torch.measured import fed, points, read_from_device
from tunewise.torch.observe import Facts

ACCURACY = Goal("accuracy", "maximize")


class Slow(Dataset):
    """Items that take a millisecond each."""

    def __init__(self, x, y, seconds):
        self.x, self.y, self.seconds = x, y, seconds

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        time.sleep(self.seconds)
        return self.x[i], self.y[i]


def objective(*, slow=0.0, by_clock=False, sampled=False, rare=0.5):
    def train(trial):
        torch.manual_seed(trial.seed)
        fixed = torch.Generator().manual_seed(0)
        x = torch.randn(300, 6, generator=fixed)
        y = (torch.rand(300, generator=fixed) < rare).long()
        net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        data = Slow(x[:160], y[:160], slow) if slow else TensorDataset(x[:160], y[:160])
        last = time.perf_counter()
        for epoch in range(4):
            for xb, yb in DataLoader(data, 16, shuffle=True):
                optimizer.zero_grad()
                loss = F.cross_entropy(net(xb), yb)
                loss.backward()
                optimizer.step()
                total = loss.item()
                if by_clock and time.perf_counter() - last > 0.002 * (1 + np.random.default_rng().random()):
                    trial.report({"accuracy": total}, epoch)
                    last = time.perf_counter()
            with torch.no_grad():
                rows = torch.randperm(140)[:50] + 160 if sampled else torch.arange(160, 300)
                accuracy = (net(x[rows]).argmax(1) == y[rows]).float().mean().item()
            trial.report({"accuracy": accuracy}, epoch)

    return train


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"slow": 0.001}, "P6"),
        ({"by_clock": True}, "P84"),
        ({"sampled": True}, "P87"),
        ({"rare": 0.04}, "P88"),
    ],
)
def test_a_planted_fault_is_found(fault, code):
    alarms = {f.code for f in preflight(objective(**fault), goal=ACCURACY) if f.verdict != Verdict.OK}
    assert alarms == {code}


def test_without_a_fault_each_says_what_it_saw():
    findings = {f.code: f for f in preflight(objective(), goal=ACCURACY)}
    assert {findings[code].verdict for code in ("P6", "P83", "P84", "P87", "P88")} == {Verdict.OK}
    assert "1 values are read" in findings["P83"].headline
    assert "after steps 10, 20, 30, 40" in findings["P84"].headline
    assert "the same 140 examples" in findings["P87"].headline
    assert "one of 140 examples is 0.71 %" in findings["P88"].headline


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_input_is_an_alarm_from_half_a_step_on(share):
    facts = Facts(waits=[(share * 0.02, 0.02)] * 40)
    assert (fed(facts).verdict == Verdict.ACT) == (share > 0.5)
    assert fed(Facts(waits=[(share * 1e-4, 1e-4)] * 40)).verdict == Verdict.OK  # whose waits do not matter
    assert fed(Facts()) is None


def test_reads_matter_on_a_gpu():
    facts = Facts(times=[0.0, 1.0], n_reads=4, devices={"cpu", "cuda"})
    assert read_from_device(facts).verdict == Verdict.UNSURE
    assert read_from_device(Facts(times=[0.0, 1.0])) is None


def test_runs_that_differ_anyway_are_not_blamed_on_the_clock():
    one, other = Facts(losses=[1.0], reported_at=[3]), Facts(losses=[2.0], reported_at=[4])
    assert points(one, other).verdict == Verdict.OK
