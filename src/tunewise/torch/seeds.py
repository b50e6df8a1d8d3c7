"""One number seeds every source of randomness that a training run draws from."""

from __future__ import annotations

import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed ``random``, NumPy's global generator, and torch on the CPU and on every CUDA device.

    These generators belong to the process: train one trial at a time in each process.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed % 2**63)


def order_generator(seed: int) -> torch.Generator:
    """A generator for the order of the data alone, so that a dropout more does not reshuffle the batches."""
    child = np.random.SeedSequence(seed, spawn_key=(1,)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(child) % 2**63)
