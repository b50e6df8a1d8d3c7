"""Gradient norms are those of the gradients, and clipping scales them."""

import numpy as np
import pytest
import torch
from torch import nn

from tunewise.torch.trial import _gradients
from tunewise.torch.watch import Watch


def run(n, **settings):
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    watch, norms, moved = Watch(optimizer, **settings), [], []
    for _ in range(n):
        optimizer.zero_grad()
        net(torch.randn(5, 3)).square().sum().backward()
        norms.append(torch.cat([p.grad.flatten() for p in net.parameters()]).norm().item())
        before = torch.cat([p.detach().flatten() for p in net.parameters()])
        optimizer.step()
        moved.append((torch.cat([p.detach().flatten() for p in net.parameters()]) - before).norm().item())
    at, seen = watch.norms()
    return at, seen, np.array(norms)[at - 1], np.array(moved)


def test_norms_are_taken_before_the_step():
    at, seen, truth, _ = run(20)
    assert at.tolist() == list(range(1, 21))
    assert seen == pytest.approx(truth, rel=1e-5)


def test_clipping_bounds_the_step_and_keeps_the_norm_before_it():
    at, seen, truth, moved = run(20, clip=0.5, most=4)
    assert len(at) == 20
    assert seen == pytest.approx(truth, rel=1e-5)
    assert moved.max() <= 0.1 * 0.5 * (1 + 1e-4)


def test_later_norms_are_sampled_at_growing_distances():
    at, seen, truth, _ = run(700, most=1000)
    assert seen == pytest.approx(truth, rel=1e-4)
    assert np.diff(at).tolist() == [*[1] * 9, *[9] * 10, *[17] * 10, *[33] * 10, 65]


def test_no_stretch_is_left_without_a_norm():
    at, _, _, _ = run(200, most=12)
    assert np.diff(at).tolist() == [*[1] * 9, *[9] * 10, *[12] * 8]


def test_quantiles_count_steps_not_samples():
    step = np.array([1, 2, 3, 4, 14, 24])
    said = _gradients(step, np.array([9.0, 9.0, 9.0, 1.0, 2.0, 3.0]))
    assert (said["p50"], said["p90"], said["max"]) == (2.0, 9.0, 9.0)
