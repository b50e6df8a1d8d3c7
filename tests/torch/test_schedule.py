"""The learning rate at every step."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tunewise.errors import SettingError
from tunewise.torch.schedule import KINDS, Schedule


@given(
    kind=st.sampled_from(KINDS),
    max_steps=st.integers(1, 500),
    warmup=st.floats(0, 1),
    end_factor=st.floats(0, 1),
)
def test_it_rises_once_then_never_rises_and_stays_in_bounds(kind, max_steps, warmup, end_factor):
    factors = [Schedule(kind, max_steps, warmup, end_factor).factor(step) for step in range(max_steps)]
    peak = factors.index(max(factors))
    assert all(0.0 <= factor <= 1.0 for factor in factors)
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert max(factors) == 1.0


@pytest.mark.parametrize(("kind", "middle"), [("cosine", 0.55), ("linear", 0.55), ("constant", 1.0)])
def test_known_points_of_a_decay_to_a_tenth(kind, middle):
    schedule = Schedule(kind, 120, warmup=20 / 120, end_factor=0.1)
    assert schedule.factor(0) == pytest.approx(1 / 20)
    assert schedule.factor(19) == 1.0
    assert schedule.factor(70) == pytest.approx(middle)
    assert schedule.factor(120) == pytest.approx(0.1 if kind != "constant" else 1.0)


def test_the_optimizer_takes_each_step_at_its_own_rate():
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=2.0)
    schedule = Schedule("linear", 8, warmup=0.25)
    schedule.drive(optimizer)
    taken = []
    for _ in range(8):
        before = parameter.item()
        parameter.grad = torch.ones(1)
        optimizer.step()
        taken.append(before - parameter.item())
    assert taken == pytest.approx([2.0 * schedule.factor(step) for step in range(8)], rel=1e-5)


def test_an_unknown_kind_is_refused():
    with pytest.raises(SettingError, match="must be one of cosine, linear, wsd, constant"):
        Schedule("staircase", 10)


@pytest.mark.parametrize("share", ["warmup", "end_factor"])
def test_a_share_above_one_is_refused(share):
    with pytest.raises(SettingError, match=f"{share} is 5"):
        Schedule("cosine", 10, **{share: 5})
