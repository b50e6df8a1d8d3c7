"""Exact over partial batches, and the model is left as it was."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import TensorDataset

from tunewise.errors import SettingError
from tunewise.torch import evaluate
from tunewise.torch.evaluation import predictions, right_ones


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 3))


def test_it_is_the_full_pass_whatever_the_batch_size(net, blobs):
    inputs, labels = blobs.tensors
    net.eval()
    with torch.no_grad():
        logits = net(inputs)
    accuracy = (logits.argmax(1) == labels).double().mean().item()
    loss = F.cross_entropy(logits.double(), labels).item()
    for batch_size in (1, 7, 50, 103, 1000):
        measured = evaluate(net, blobs, batch_size)
        assert measured["accuracy"] == accuracy
        assert measured["error"] == 1.0 - accuracy
        assert measured["loss"] == pytest.approx(loss, rel=1e-6)


def test_twice_the_same_while_the_model_is_in_train_mode(net, blobs):
    net.train()
    before = net[1].running_mean.clone()
    assert evaluate(net, blobs) == evaluate(net, blobs)
    assert torch.equal(net[1].running_mean, before)


def test_the_mode_of_every_module_is_restored(net, blobs):
    net.train()
    net[1].eval()
    evaluate(net, blobs)
    assert [module.training for module in net] == [True, False, True, True, True]
    assert net.training
    assert torch.is_grad_enabled()


def test_the_mode_is_restored_after_an_error(net):
    net.train()
    with pytest.raises(RuntimeError):
        evaluate(net, TensorDataset(torch.zeros(3, 99), torch.zeros(3, dtype=torch.int64)))
    assert all(module.training for module in net.modules())


def test_labels_that_are_no_classes_are_refused(net):
    with pytest.raises(SettingError, match="whole-number classes"):
        evaluate(net, TensorDataset(torch.zeros(3, 4), torch.zeros(3)))


def test_which_examples_were_right_is_kept_in_order(net, blobs):
    assert right_ones(net) is None
    measured = evaluate(net, blobs, 7)
    assert right_ones(net).double().mean().item() == measured["accuracy"]
    assert torch.equal(right_ones(net), predictions(net) == blobs.tensors[1])
