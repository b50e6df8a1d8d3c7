"""V23: a planted slow loader is seen, a planted lack of memory ends the scan."""

import time
import weakref

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset, TensorDataset

import tunewise as tw
from tunewise.errors import SettingError
from tunewise.records import Goal
from tunewise.torch.batches import _if_it_fits, batch_size
from tunewise.torch.place import Place

PLACE = Place(goal=Goal("loss"))


class Slow(Dataset):
    def __init__(self, seconds):
        self.seconds = seconds

    def __len__(self):
        return 64

    def __getitem__(self, row):
        time.sleep(self.seconds)
        return torch.full((8,), float(row)), row % 2


def make(data, fits=10**9):
    @tw.training(max_steps=10, batch_size=8, device="cpu")
    def train(trial):
        model = nn.Linear(8, 2)
        optimizer = trial.optimizer(model.parameters(), "sgd", trials=1)
        for x, y in trial.batches(data):
            if len(x) > fits:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if trial.eval_due:
                trial.log(model, loss=loss)

    return train


def test_v23_a_slow_loader_is_input_bound():
    scan = batch_size(make(Slow(2e-4)), {"sgd.lr": 0.1}, PLACE, least=4, most=16)
    assert scan.waiting.low > 1.1
    assert [f.subject for f in scan.findings.acts] == ["input"]
    assert "num_workers" in scan.findings.acts[0].command


def test_v23_memory_ends_the_scan():
    data = TensorDataset(torch.randn(512, 8), torch.arange(512) % 2)
    scan = batch_size(make(data, fits=32), {"sgd.lr": 0.1}, PLACE, least=8)
    assert scan.out_of_memory_at == 64
    assert list(scan.times) == [8, 16, 32]
    assert scan.saturation in (16, 32)


def test_sizes_end_at_the_data_set():
    data = TensorDataset(torch.randn(48, 8), torch.arange(48) % 2)
    assert list(batch_size(make(data), {"sgd.lr": 0.1}, PLACE, least=16).times) == [16, 32]


def test_another_error_is_not_taken_for_lack_of_memory():
    @tw.training(max_steps=10, batch_size=8, device="cpu")
    def broken(trial):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        batch_size(broken, {}, PLACE)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError()], ids=["device", "host"]
)
def test_a_network_that_does_not_fit_is_named(error):
    @tw.training(max_steps=10, batch_size=8, device="cpu")
    def train(trial):
        raise error

    with pytest.raises(
        SettingError, match="batches of 4, the least to be tried: make the network or the batches smaller"
    ):
        batch_size(train, {}, PLACE, least=4)


def test_the_least_size_that_does_not_fit_is_named():
    data = TensorDataset(torch.randn(512, 8), torch.arange(512) % 2)
    with pytest.raises(SettingError, match="batches of 64"):
        batch_size(make(data, fits=32), {"sgd.lr": 0.1}, PLACE, least=64)


def test_a_planned_batch_that_does_not_fit_is_no_obstacle():
    data = TensorDataset(torch.randn(512, 8), torch.arange(512) % 2)
    scan = batch_size(make(data, fits=8).replan(batch_size=256), {"sgd.lr": 0.1}, PLACE, least=4)
    assert scan.out_of_memory_at == 16


def test_a_data_set_that_is_too_small_is_named():
    data = TensorDataset(torch.randn(48, 8), torch.arange(48) % 2)
    with pytest.raises(SettingError, match="from 64 to 4096"):
        batch_size(make(data), {"sgd.lr": 0.1}, PLACE, least=64)


def test_what_ran_out_of_memory_is_let_go():
    held = []

    def work():
        big = torch.zeros(3)
        held.append(weakref.ref(big))
        raise torch.OutOfMemoryError("CUDA out of memory.")

    assert _if_it_fits(work) is None
    assert held[0]() is None
