"""What is put back is what was; what counts as the same."""

from __future__ import annotations

import math

import pytest
import torch

from tunewise.torch.snapshot import Snapshot

CPU = torch.device("cpu")


def test_tensors_and_dice_are_put_back_in_place():
    flat = torch.arange(6.0).reshape(2, 3)
    row = flat[0]
    snapshot = Snapshot([flat], CPU)
    drawn = torch.rand(3)
    flat.mul_(7).sub_(1)
    snapshot.put_back()
    assert row.tolist() == [0.0, 1.0, 2.0]
    assert torch.equal(torch.rand(3), drawn)


@pytest.mark.parametrize(
    ("was", "now", "alike"),
    [
        ([[1.0, 2.0]], [[1.001, 2.001]], True),
        ([[1.0, 2.0]], [[1.0, 3.0]], False),
        (
            [[1e9, 1e9], [1.0, 2.0]],
            [[1e9, 1e9], [1.0, 3.0]],
            False,
        ),  # a member's size is no excuse for another
        ([[1.0, 2.0]], [[1.0, math.nan]], False),
        ([[1.0, math.inf]], [[5.0, 6.0]], True),
        ([3.0], [3.01], True),
        ([[0.0, 0.0]], [[0.0, 0.0]], True),
        ([[0.0, 0.0]], [[0.0, 1e-9]], False),
        ([1, 2], [1, 3], False),
        ([[], []], [[], []], True),
        (2.0, 2.5, False),
    ],
)
def test_what_is_alike(was, now, alike):
    tensor = torch.tensor(was)
    snapshot = Snapshot([tensor], CPU)
    tensor.copy_(torch.tensor(now))
    assert snapshot.is_like_now() is alike
