"""Data to batches on a device: small tensor data sets live there; all others go through a DataLoader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from tunewise.errors import SettingError

Batch = tuple[Tensor, ...]

_RESIDENT_BYTES = 2**30
_resident: WeakKeyDictionary[Dataset[Any], dict[torch.device, Batch]] = WeakKeyDictionary()


def shuffled(
    dataset: Dataset[Any], batch_size: int, steps: int, device: torch.device, generator: torch.Generator
) -> Iterator[Batch]:
    """Exactly ``steps`` batches of equal size, in epochs that ``generator`` shuffles anew.

    What is left of an epoch after its last whole batch is dropped; a data set smaller than ``batch_size`` is
    one batch. Raises SettingError when the data set is empty or has no length.
    """
    batch_size = min(batch_size, _length(dataset))
    tensors = resident(dataset, device)
    done = 0
    while done < steps:
        epoch = (
            _loaded(dataset, batch_size, device, shuffle=True, drop_last=True, generator=generator)
            if tensors is None
            else _shuffled_rows(tensors, batch_size, generator)
        )
        for batch in epoch:
            yield batch
            done += 1
            if done == steps:
                return


def in_order(dataset: Dataset[Any], batch_size: int, device: torch.device) -> Iterator[Batch]:
    """Every example once, in order; the last batch may be smaller. Raises SettingError as `shuffled` does."""
    length = _length(dataset)
    tensors = resident(dataset, device)
    if tensors is None:
        yield from _loaded(dataset, batch_size, device)
        return
    for start in range(0, length, batch_size):
        yield tuple(tensor[start : start + batch_size] for tensor in tensors)


def resident(dataset: Dataset[Any], device: torch.device) -> Batch | None:
    """The tensors of a TensorDataset, or a Subset of one, on ``device``; None for other or large data sets.

    They are placed there once for each data set and device. "Small" is at most 1 GiB.
    """
    placed = _resident.get(dataset, {})
    if device not in placed:
        tensors = _tensors(dataset)
        if tensors is None or sum(tensor.nbytes for tensor in tensors) > _RESIDENT_BYTES:
            return None
        _resident[dataset] = placed = {**placed, device: tuple(tensor.to(device) for tensor in tensors)}
    return placed[device]


def whole(dataset: Dataset[Any], device: torch.device) -> Batch:
    """All examples of a data set as tensors on ``device``; one that is not made of tensors is read through once.

    They stay there for the next caller. Raises SettingError when the data set is empty or above 1 GiB.
    """
    _length(dataset)
    tensors = resident(dataset, device)
    if tensors is not None:  # `torch.func.vmap` knows no channels-last layout
        _resident[dataset] = {**_resident[dataset], device: tuple(tensor.contiguous() for tensor in tensors)}
        return _resident[dataset][device]
    if _tensors(dataset) is None:
        (batch,) = DataLoader(dataset, batch_size=_length(dataset))
        parts = tuple(batch)
        if sum(part.nbytes for part in parts) <= _RESIDENT_BYTES:
            _resident[dataset] = {
                **_resident.get(dataset, {}),
                device: tuple(part.to(device).contiguous() for part in parts),
            }
            return _resident[dataset][device]
    raise SettingError(
        "The data set is larger than 1 GiB, so it cannot be kept on the device; train it with `training`."
    )


def _tensors(dataset: Dataset[Any]) -> Batch | None:
    if isinstance(dataset, TensorDataset):
        return dataset.tensors
    if isinstance(dataset, Subset):
        whole = _tensors(dataset.dataset)
        rows = torch.as_tensor(dataset.indices, dtype=torch.int64)
        return None if whole is None else tuple(tensor[rows.to(tensor.device)] for tensor in whole)
    return None


def _shuffled_rows(tensors: Batch, batch_size: int, generator: torch.Generator) -> Iterator[Batch]:
    n_rows = len(tensors[0])
    order = torch.randperm(n_rows, generator=generator).to(tensors[0].device)
    for start in range(0, n_rows - batch_size + 1, batch_size):
        rows = order[start : start + batch_size]
        yield tuple(tensor[rows] for tensor in tensors)


def _loaded(dataset: Dataset[Any], batch_size: int, device: torch.device, **settings: Any) -> Iterator[Batch]:
    for batch in DataLoader(dataset, batch_size=batch_size, **settings):
        yield tuple(part.to(device, non_blocking=True) for part in batch)


def _length(dataset: Dataset[Any]) -> int:
    try:
        length = len(dataset)  # type: ignore[arg-type]
    except TypeError:
        raise SettingError(
            f"A {type(dataset).__name__} has no length, so its order cannot be seeded; "
            "use a map-style data set."
        ) from None
    if length == 0:
        raise SettingError("The data set is empty; give it at least one example.")
    return length
