"""Real tuning runs, where they are at hand: looked for under $TUNEWISE_DATA, or in ../shared/data beside the checkout.

They are read for validation only and are no part of the project: AlexNet on ImageNet and DeBERTa on MultiNLI (N. Lourie,
opda, CC BY-SA 4.0), and small networks with three seeds each.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


class Pool(NamedTuple):
    """All trials of one search: names (d,), X (n, d) in [0, 1], losses (n,) with NaN for divergence, raw records."""

    name: str
    names: tuple[str, ...]
    X: np.ndarray
    loss: np.ndarray
    records: list[dict[str, Any]]

    @property
    def worst_filled(self) -> np.ndarray:
        """Losses with divergence as the worst."""
        return np.where(np.isnan(self.loss), np.nanmax(self.loss), self.loss)


def folder() -> Path | None:
    """Where the data are; None where they are not."""
    given = os.environ.get("TUNEWISE_DATA")
    candidates = [Path(given)] if given else [ROOT.parent / "shared" / "data", ROOT.parent / "data"]
    return next((path for path in candidates if (path / "opda").is_dir()), None)


@lru_cache(maxsize=1)
def pools() -> tuple[Pool, ...]:
    """AlexNet and DeBERTa; empty where the data are not at hand."""
    where = folder()
    return () if where is None else (_alexnet(where), _deberta(where))


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _unit(records: list[dict[str, Any]], key: str, low: float, high: float, log: bool = False) -> np.ndarray:
    x = np.array([float(r[key]) for r in records])
    return np.log(x / low) / np.log(high / low) if log else (x - low) / (high - low)


def _alexnet(where: Path) -> Pool:
    records = _read(where / "opda" / "alexnet_tuning.jsonl")
    curves = [[point["top_1"] for point in r["learning_curve"]] for r in records]
    loss = np.array([1 - max(curve) if curve else np.nan for curve in curves])
    peak = np.array([r["lr_peak_epoch"] / r["epochs"] for r in records])
    batch = np.log2(np.array([r["batch_size"] for r in records]) / 128)
    columns = {
        "epochs": _unit(records, "epochs", 20, 100),
        "batch_size": (batch + 0.5) / 4,
        "lr": _unit(records, "lr", 5e-3, 50, log=True),
        "lr_peak": peak / peak.max(),
        "momentum": _unit(records, "momentum", 0.7, 1.0),
        "weight_decay": _unit(records, "weight_decay", 1e-6, 1e-3, log=True),
        "label_smoothing": _unit(records, "label_smoothing", 0.0, 0.5),
    }
    return Pool("AlexNet", tuple(columns), np.column_stack(list(columns.values())), loss, records)


def _deberta(where: Path) -> Pool:
    records = _read(where / "opda" / "deberta-base_tuning.jsonl")
    loss = np.array([1 - max(v for _, v in r["learning_curves"]["matched"]) for r in records])
    warm = np.array([r["warmup_steps"] / r["total_model_steps"] for r in records])
    columns = {
        "epochs": _unit(records, "num_train_epochs", 1, 4),
        "batch_size": _unit(records, "train_batch_size", 16, 64, log=True),
        "lr": _unit(records, "learning_rate", 1e-6, 1e-3, log=True),
        "warmup": warm / warm.max(),
        "dropout": _unit(records, "cls_drop_out", 0.0, 0.3),
    }
    return Pool("DeBERTa", tuple(columns), np.column_stack(list(columns.values())), loss, records)


def realmlp(task: str) -> np.ndarray | None:
    """Curves (360, 3, 20, 4) of a task (configuration, seed, epoch; train loss, val loss, val error, seconds); None if not
    there.
    """
    where = folder()
    path = None if where is None else where / "realmlp" / f"{task}.npz"
    return np.load(path)["curves"] if path is not None and path.exists() else None
