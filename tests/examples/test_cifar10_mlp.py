"""The corrected article: it runs on each form of the data."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest

SMALL = ("--trials", 3, "--epochs", 2, "--limit", 1000, "--sampler", "random")


def write_pickles(folder) -> None:
    rng = np.random.default_rng(0)
    for name, count in (("data_batch_1", 300), ("data_batch_2", 300), ("test_batch", 100)):
        labels = rng.integers(0, 10, count)
        images = (labels[:, None] * 25 + rng.integers(0, 5, (count, 3072))).astype(np.uint8)
        (folder / name).write_bytes(pickle.dumps({b"data": images, b"labels": labels.tolist()}))


def values_of(printed: str) -> list[float]:
    return [float(v) for v in re.findall(r"Trial \d+ finished with value: (\S+) and", printed)]


def test_real_data_from_npz(run_example, shared_data):
    printed = run_example("cifar10_mlp.py", "--data", shared_data / "cifar10", *SMALL)
    assert len(values_of(printed)) == 4, "three trials, and the best of them once more"
    assert 0.1 <= float(re.search(r"measured once: (\S+)", printed).group(1)) < 0.6


def test_pickled_batches(run_example, tmp_path):
    write_pickles(tmp_path)
    printed = run_example("cifar10_mlp.py", "--data", tmp_path, *SMALL)
    assert len(values_of(printed)) == 4
    assert "Test accuracy, measured once:" in printed


def test_a_folder_without_data_is_refused(run_example, tmp_path):
    with pytest.raises(AssertionError, match="holds neither"):
        run_example("cifar10_mlp.py", "--data", tmp_path, *SMALL)


def test_the_study_is_kept(run_example, tmp_path):
    write_pickles(tmp_path)
    storage = f"sqlite:///{tmp_path}/kept.db"
    arguments = (
        "--data",
        tmp_path,
        "--storage",
        storage,
        "--trials",
        1,
        "--epochs",
        1,
        "--sampler",
        "random",
    )
    run_example("cifar10_mlp.py", *arguments)
    assert "Best of 2 trials" in run_example("cifar10_mlp.py", *arguments)
