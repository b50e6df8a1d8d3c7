"""Work is done once a call, whether it is captured, cannot be captured, or is not to be; the step of a stack can be."""

from __future__ import annotations

import gc

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tunewise as tw
from tunewise.errors import GraphError
from tunewise.torch import recipe, replay, side_by_side
from tunewise.torch.data import whole
from tunewise.torch.optimizers import LADDERS
from tunewise.torch.replay import Graphs, Replay
from tunewise.torch.side_by_side import Setup, _Training
from tunewise.torch.stack import Stack
from tunewise.torch.stacked_optimizer import StackedOptimizer

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


FAULTS = ["capture_begin", "half-way", "capture_end"]


class Device:
    """Graphs whose capture carries out, on a CPU, what it should only note; and may fail, before, amid or after it."""

    def __init__(self, monkeypatch, fault="", replayed=lambda work: work()):
        self.fault, self.replayed, self.capturing, self.launches, self.captures = fault, replayed, False, 0, 0
        captured = replay._captured

        def noted(work, device):
            monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: Graph(self, work))
            return captured(work, device)

        monkeypatch.setattr(replay, "_captured", noted)
        monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
        monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: torch.get_rng_state())
        monkeypatch.setattr(torch.cuda, "set_rng_state", lambda dice, device: torch.set_rng_state(dice))
        monkeypatch.setattr(replay, "_failed", [])

    def half_way(self):
        """To be called amid the work."""
        if self.capturing:
            self.raise_at("half-way")

    def raise_at(self, where):
        if self.fault == where:
            raise RuntimeError("operation not permitted when stream is capturing\nmore")


class Graph:
    def __init__(self, device, work):
        self.device, self.work = device, work

    def capture_begin(self, capture_error_mode):
        assert not gc.isenabled()
        self.device.captures += 1
        self.device.raise_at("capture_begin")
        self.device.capturing = True

    def capture_end(self):
        self.device.capturing = False
        self.device.raise_at("capture_end")

    def replay(self):
        self.device.launches += 1
        self.device.replayed(self.work)


def counting(device, graphs=True, fake=None):
    """Work that counts its calls, by the device and by its dice."""
    state = [torch.zeros(3), torch.zeros(1, dtype=torch.int64)]

    def work():
        state[0].add_(torch.rand(3))
        if fake:
            fake.half_way()
        state[1].add_(1)

    return Replay(work, lambda: state, device, Graphs(graphs)), state


def called(call, state, n=10):
    torch.manual_seed(0)
    for _ in range(n):
        call()
    return [t.tolist() for t in state]


@pytest.mark.parametrize(
    ("device", "graphs", "launches"), [(CUDA, True, 9), (CUDA, False, 0), (CPU, True, 0)]
)
def test_each_call_does_the_work_once(monkeypatch, device, graphs, launches):
    plain = called(*counting(CPU))
    fake = Device(monkeypatch)
    assert called(*counting(device, graphs)) == plain
    assert (
        fake.launches == launches
    )  # one more than the calls that it serves: it has to show its numbers first
    assert gc.isenabled()


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_captured_is_called_after_one_warning(monkeypatch, capsys, fault):
    plain = called(*counting(CPU))
    fake = Device(monkeypatch, fault)
    tw.logging.set_verbosity(tw.logging.WARNING)
    assert called(*counting(CUDA, fake=fake)) == plain
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("kernel by kernel: operation not permitted when stream is capturing")
    assert (fake.launches, fake.captures, len(replay._failed)) == (0, 1, 1)
    assert gc.isenabled()


@pytest.mark.parametrize("wrong", [lambda work: None, lambda work: (work(), work())])
def test_a_graph_that_gives_other_numbers_is_not_used(monkeypatch, capsys, wrong):
    plain = called(*counting(CPU))
    fake = Device(monkeypatch, replayed=wrong)
    tw.logging.set_verbosity(tw.logging.WARNING)
    assert called(*counting(CUDA)) == plain
    assert fake.launches == 1
    assert "gives other numbers" in capsys.readouterr().err


def test_work_that_gives_other_numbers_after_a_failed_capture_is_an_error(monkeypatch):
    fake = Device(monkeypatch, "capture_end")
    state = [torch.ones(1, 2)]

    def work():
        state[0].mul_(2.0 if fake.captures == 0 else 3000.0)

    call = Replay(work, lambda: state, CUDA, Graphs())
    call()
    with pytest.raises(GraphError, match="can be trusted"):
        call()


def curves(data, graphs):
    """Of a study whose members leave their stack on the way."""

    @recipe(data, data, max_steps=24, batch_size=16, evals=6, device="cpu", optimizer="adamw", graphs=graphs)
    def build(trial):
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))

    study = tw.create_study(goals={"loss": "minimize"}, sampler="qmc", pruner="median", seed=0)
    build.optimize(study, 12, together=6)
    return [(t.state.name, dict(t.curves["loss"])) for t in study.trials]


CASES = [(fault, where) for fault in FAULTS for where in ("step", "evaluation")]


@pytest.mark.parametrize(("fault", "where"), [*CASES, ("", "step"), ("wrong", "step")])
def test_a_study_is_the_same_whatever_becomes_of_its_graphs(monkeypatch, blobs, fault, where):
    plain = curves(blobs, False)
    assert {state for state, _ in plain} == {"COMPLETE", "PRUNED"}
    fake = Device(
        monkeypatch, fault, (lambda work: (work(), work())) if fault == "wrong" else lambda work: work()
    )
    of, name = (StackedOptimizer, "step") if where == "step" else (Stack, "outputs")
    inner = getattr(of, name)
    monkeypatch.setattr(of, name, lambda self, *args: (fake.half_way(), inner(self, *args))[1])
    monkeypatch.setattr(
        side_by_side, "Replay", lambda work, state, _, graphs: Replay(work, state, CUDA, graphs)
    )
    assert curves(blobs, True) == plain
    if fault == "":
        assert fake.captures > 4 and fake.launches > 24  # anew where members left
    else:
        assert fake.captures == 1 + (
            fault == "half-way" and where == "evaluation"
        )  # the step had its graph before


@pytest.mark.parametrize("family", LADDERS)
def test_step_and_evaluation_read_nothing_back_to_the_host(blobs, family):
    """On tensors without data, whatever needs a value raises; capturing a graph needs none."""

    @recipe(blobs, blobs, max_steps=10, batch_size=8, device="meta", optimizer=family)
    def build(trial):
        return nn.Sequential(
            nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 8, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.1),
            nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 3),
        )  # fmt: skip

    study = tw.create_study(goals={"loss": "minimize"}, seed=0)
    members = [build._member(study.ask()) for _ in range(3)]
    data = whole(blobs, torch.device("meta"))
    training = _Training(Setup(build.plan, data, data, F.cross_entropy, Graphs()), members)
    training._begin()
    training._orders.left()
    training._train_once()
    training._train_once()
    training._measure()
