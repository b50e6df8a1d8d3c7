"""Normalised sums of residual connections are found, and nothing else is."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tunewise.torch.residual import post_norms


class After(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.body, self.norm = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)), norm

    def forward(self, x):
        return self.norm(x + self.body(x))


class InPlace(After):
    def forward(self, x):
        y = self.body(x)
        y += x
        return F.relu(self.norm(y))


class Before(After):
    def forward(self, x):
        return x + self.body(self.norm(x))


class TwoInputs(nn.Module):
    """A sum of two things of which neither is made from the other is no residual connection."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.norm = nn.Linear(8, 8), nn.Linear(8, 8), nn.LayerNorm(8)

    def forward(self, x):
        return self.norm(self.a(x) + self.b(x))


class Undecided(After):
    def forward(self, x):
        return self.norm(x + self.body(x)) if x.sum() > 0 else x


@pytest.mark.parametrize("norm", [nn.LayerNorm(8), nn.BatchNorm1d(8), nn.GroupNorm(2, 8), nn.RMSNorm(8)])
@pytest.mark.parametrize("kind", [After, InPlace])
def test_normalised_sums_are_found_wherever_they_are(kind, norm):
    net = nn.Sequential(nn.Linear(4, 8), kind(norm), nn.ModuleDict({"x": kind(norm)})["x"], nn.Linear(8, 2))
    assert post_norms(net) == ["1.norm", "2.norm"] or post_norms(net) == ["1.norm"]  # the norm may be shared
    assert post_norms(kind(norm)) == ["norm"]


@pytest.mark.parametrize("net", [Before(nn.LayerNorm(8)), TwoInputs(), nn.Linear(3, 3), nn.LayerNorm(3)])
def test_other_networks_are_left_alone(net):
    assert post_norms(net) == []


def test_what_python_decides_says_nothing_and_the_parts_around_it_are_still_seen():
    assert post_norms(Undecided(nn.LayerNorm(8))) == []
    net = nn.Sequential(Undecided(nn.LayerNorm(8)), After(nn.LayerNorm(8)))
    assert post_norms(net) == ["1.norm"]


@pytest.mark.parametrize("first", [True, False])
def test_the_transformer_of_pytorch(first):
    layer = nn.TransformerEncoderLayer(8, 2, 16, norm_first=first)
    net = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    assert post_norms(net) == ([] if first else ["layers.0", "layers.1"])


def test_looking_changes_nothing():
    net = After(nn.BatchNorm1d(8))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    post_norms(net)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net.training
