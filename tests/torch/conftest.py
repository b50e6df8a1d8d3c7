"""A live trial that only remembers, and a small separable data set."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import TensorDataset

from tunewise.errors import TrialInfeasible
from tunewise.records import Goal


class RecordingTrial:
    """What a training function asks of a live trial, kept in lists."""

    def __init__(self, seed: int = 0, goal: Goal | None = None, number: int = 0) -> None:
        self.number = number
        self.seed = seed
        self._table = SimpleNamespace(goals=(goal or Goal("error"),))
        self.suggested: dict[str, tuple[float, float]] = {}
        self.reports: list[tuple[int, dict[str, float]]] = []
        self.user_attrs: dict[str, object] = {}

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        self.suggested[name] = (low, high)
        return (low * high) ** 0.5 if log else (low + high) / 2

    def report(self, value: dict[str, float], step: int) -> None:
        self.reports.append((step, value))

    def set_user_attr(self, key: str, value: object) -> None:
        self.user_attrs[key] = value

    def mark_infeasible(self, reason: str) -> None:
        raise TrialInfeasible(reason)


@pytest.fixture(scope="session")
def make_trial() -> type[RecordingTrial]:
    return RecordingTrial


@pytest.fixture(params=["cpu", *(["cuda"] if torch.cuda.is_available() else [])])
def device(request) -> str:
    """Every kind of device that is there."""
    return request.param


@pytest.fixture
def blobs() -> TensorDataset:
    """103 points of three classes in four dimensions."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(103) % 3
    inputs = torch.randn(103, 4, generator=generator) + 2.0 * torch.eye(4)[labels]
    return TensorDataset(inputs, labels)
