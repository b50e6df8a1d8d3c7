"""Batches: the count, the sizes, the coverage; tensors stay on the device."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from tunewise.errors import SettingError
from tunewise.torch.data import in_order, resident, shuffled

CPU = torch.device("cpu")


class Squares(Dataset):
    """A map-style data set that is no tensor."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.tensor([float(index)]), index**2


def numbers(length: int, kind: str) -> Dataset:
    return Squares(length) if kind == "loader" else TensorDataset(torch.arange(float(length))[:, None])


def draw(dataset, batch_size, steps, seed=0):
    return list(shuffled(dataset, batch_size, steps, CPU, torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("kind", ["resident", "loader"])
@given(length=st.integers(1, 30), batch_size=st.integers(1, 40), steps=st.integers(1, 20))
def test_exactly_so_many_equal_batches_and_no_repeats_in_an_epoch(kind, length, batch_size, steps):
    batches = draw(numbers(length, kind), batch_size, steps)
    size = min(length, batch_size)
    assert len(batches) == steps
    assert {len(batch[0]) for batch in batches} == {size}
    epoch = batches[: length // size]
    seen = torch.cat([batch[0] for batch in epoch]).flatten().tolist()
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("kind", ["resident", "loader"])
def test_the_generator_decides_the_order(kind):
    def order(seed):
        return [batch[0].flatten().tolist() for batch in draw(numbers(20, kind), 5, 8, seed)]

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1)[:4] != order(1)[4:], "each epoch is shuffled anew"


@pytest.mark.parametrize("kind", ["resident", "loader"])
@given(length=st.integers(1, 30), batch_size=st.integers(1, 40))
def test_in_order_visits_every_example_once(kind, length, batch_size):
    batches = list(in_order(numbers(length, kind), batch_size, CPU))
    assert torch.cat([batch[0] for batch in batches]).flatten().tolist() == list(range(length))


def test_a_subset_of_tensors_is_resident_and_placed_once():
    whole = TensorDataset(torch.arange(10.0), torch.arange(10))
    part = Subset(Subset(whole, [9, 1, 5, 3]), [0, 2])
    placed = resident(part, CPU)
    assert placed is not None
    assert placed[0].tolist() == [9.0, 5.0]
    assert resident(part, CPU)[0] is placed[0]


def test_other_data_sets_are_not_resident():
    assert resident(Squares(3), CPU) is None


def test_an_empty_data_set_is_refused():
    with pytest.raises(SettingError, match="empty"):
        draw(TensorDataset(torch.zeros(0, 2)), 4, 1)


def test_a_stream_is_refused():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter([torch.zeros(1)])

    with pytest.raises(SettingError, match="no length"):
        draw(Stream(), 4, 1)
