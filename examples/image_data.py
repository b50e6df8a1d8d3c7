"""CIFAR-10 and Fashion-MNIST from local files, as tensors in -1..1; used by the examples beside this file."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Subset, TensorDataset, random_split


def cifar10(folder: Path | None) -> tuple[TensorDataset, TensorDataset]:
    """Training and test set, inputs (n, 3, 32, 32).

    The folder holds Krizhevsky's pickled batches (``data_batch_1`` ..., ``test_batch``), or ``train*.npz`` and
    ``test.npz`` with x (n, 32, 32, 3) and y (n,). Without a folder, torchvision downloads the data.
    """
    if folder is None:
        return _from_torchvision(train=True), _from_torchvision(train=False)
    if list(folder.glob("data_batch_*")):
        return _from_pickles(sorted(folder.glob("data_batch_*"))), _from_pickles([folder / "test_batch"])
    train = sorted(folder.glob("train*.npz"))
    if not train:
        raise SystemExit(f"{folder} holds neither data_batch_1 nor train*.npz; point --data at CIFAR-10.")
    return _from_npz(train), _from_npz([folder / "test.npz"])


def fashion_mnist(file: Path) -> tuple[TensorDataset, TensorDataset]:
    """Training and test set, inputs (n, 1, 28, 28), from one .npz with x_train, y_train, x_test, y_test."""
    with np.load(file) as arrays:
        return tuple(  # type: ignore[return-value]
            _dataset(arrays[f"x_{part}"][:, None], arrays[f"y_{part}"]) for part in ("train", "test")
        )


def split(dataset: TensorDataset, validation: float = 0.2, limit: int | None = None) -> list[Subset]:
    """A fixed split of (at most ``limit``) examples into training and validation."""
    n = min(limit or len(dataset), len(dataset))
    n_validation = round(n * validation)
    generator = torch.Generator().manual_seed(0)
    return random_split(dataset, [n - n_validation, n_validation, len(dataset) - n], generator)[:2]


def _from_npz(files: list[Path]) -> TensorDataset:
    parts = [np.load(file) for file in files]
    x = np.concatenate([part["x"] for part in parts])
    return _dataset(x.transpose(0, 3, 1, 2), np.concatenate([part["y"] for part in parts]))


def _from_pickles(files: list[Path]) -> TensorDataset:
    parts = [pickle.loads(file.read_bytes(), encoding="bytes") for file in files]
    x = np.concatenate([part[b"data"] for part in parts]).reshape(-1, 3, 32, 32)
    return _dataset(x, np.concatenate([part[b"labels"] for part in parts]))


def _from_torchvision(train: bool) -> TensorDataset:
    try:
        from torchvision.datasets import CIFAR10
    except ImportError:
        raise SystemExit("Give the data with --data FOLDER, or install torchvision to download it.") from None
    data = CIFAR10("data", train=train, download=True)
    return _dataset(data.data.transpose(0, 3, 1, 2), np.array(data.targets))


def _dataset(x: np.ndarray, y: np.ndarray) -> TensorDataset:
    return TensorDataset(
        torch.from_numpy(x.astype(np.float32) / 127.5 - 1.0), torch.from_numpy(y.astype(np.int64))
    )
