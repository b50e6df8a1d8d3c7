"""Gradient norms are those of the gradients, and clipping scales them."""

import numpy as np
import pytest
import torch
from torch import nn

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
    return watch.norms(), np.array(norms), np.array(moved)


def test_norms_are_taken_before_the_step():
    seen, truth, _ = run(20)
    assert seen == pytest.approx(truth, rel=1e-5)


def test_clipping_bounds_the_step_and_keeps_the_norm_before_it():
    seen, truth, moved = run(20, clip=0.5, most=4)
    assert seen == pytest.approx(truth, rel=1e-5)
    assert moved.max() <= 0.1 * 0.5 * (1 + 1e-4)


def test_later_norms_are_sampled_at_growing_distances():
    seen, truth, _ = run(2000, most=1000)
    assert seen[:50] == pytest.approx(truth[:50], rel=1e-4)
    at = [50 + 9 * k for k in range(1, 51)]
    at += [at[-1] + 17 * k for k in range(1, 51)]
    at += range(at[-1] + 33, 2000, 33)
    assert seen[50:] == pytest.approx(truth[np.array(at) - 1], rel=1e-4)


def test_no_stretch_is_left_without_a_norm():
    seen, _, _ = run(2000, most=12)
    assert len(seen) == 50 + 50 + (2000 - 50 - 50 * 9) // 12
