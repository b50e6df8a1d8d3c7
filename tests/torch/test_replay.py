"""Work is done once a call, whether it is captured, cannot be captured, or is not to be; the step of a stack can be."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import tunewise as tw
from tunewise.torch import recipe
from tunewise.torch.data import whole
from tunewise.torch.optimizers import LADDERS
from tunewise.torch.replay import Replay
from tunewise.torch.side_by_side import Setup, _Training

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


class Device:
    """Work, and a graph that does it again; capturing carries nothing out, as on a real device."""

    def __init__(self, fails=False):
        self.done, self.launches, self.capturing, self.fails = 0, 0, False, fails

    def work(self):
        self.done += not self.capturing
        if self.capturing and self.fails:
            raise RuntimeError("operation not permitted when stream is capturing\nmore")

    def graph(self):
        return self

    def capture_begin(self, capture_error_mode):
        self.capturing = True

    def capture_end(self):
        self.capturing = False
        if self.fails:
            raise RuntimeError("capture was invalidated")

    def replay(self):
        self.launches += 1
        self.done += 1


@pytest.mark.parametrize(
    ("device", "graphs", "launches"), [(CUDA, True, 9), (CUDA, False, 0), (CPU, True, 0)]
)
def test_each_call_does_the_work_once(monkeypatch, device, graphs, launches):
    fake = Device()
    monkeypatch.setattr(torch.cuda, "CUDAGraph", fake.graph)
    call = Replay(fake.work, device, graphs)
    for _ in range(10):
        call()
    assert (fake.done, fake.launches) == (10, launches)


def test_what_cannot_be_captured_is_called_after_one_warning(monkeypatch, capsys):
    fake = Device(fails=True)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", fake.graph)
    tw.logging.set_verbosity(tw.logging.WARNING)
    call = Replay(fake.work, CUDA)
    for _ in range(10):
        call()
    assert (fake.done, fake.launches) == (10, 0)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("kernel by kernel: operation not permitted when stream is capturing")


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
    training = _Training(Setup(build.plan, data, data, F.cross_entropy, True), members)
    training._begin()
    training._orders.left()
    training._train_once()
    training._train_once()
    training._measure()
