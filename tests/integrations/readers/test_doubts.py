"""What a reader cannot know is said, and said only where it is so."""

import numpy as np
import pytest

import tunewise as tw
from tunewise.integrations.readers import read_study
from tunewise.integrations.readers.doubts import direction_of


def notes(trials):
    return " ".join(trials.user_attrs["reader"]["notes"])


def rows(n=120, seed=0, **extra):
    rng = np.random.default_rng(seed)
    return [
        {
            "params_x": x,
            "params_z": z,
            "loss": (x - 0.5) ** 2 + 0.01 * e,
            **{k: f(i) for k, f in extra.items()},
        }
        for i, (x, z, e) in enumerate(zip(rng.random(n), rng.random(n), rng.normal(size=n), strict=True))
    ]


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_loss", "minimize"), ("valLoss", "minimize"), ("eval/error", "minimize"), ("RMSE", "minimize"),
        ("val_accuracy", "maximize"), ("test_acc", "maximize"), ("F1", "maximize"), ("roc_auc", "maximize"),
        ("episode_reward", "maximize"), ("value", None), ("objective", None), ("accuracy_loss", None), ("flossy", None),
    ],
)  # fmt: skip
def test_a_metrics_name_suggests_its_direction(name, direction):
    assert direction_of(name) == direction


def test_a_random_search_is_read_as_one_and_says_so():
    trials = read_study(rows())
    assert "read as a random search" in notes(trials)
    assert len(trials.started_by("random")) == 120


def test_a_crowding_search_is_read_as_adaptive_and_says_so():
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.random(40), np.clip(0.5 + 0.05 * rng.normal(size=80), 0, 1)])
    trials = read_study([{"params_x": v, "loss": abs(v - 0.5)} for v in x])
    assert "adaptive search" in notes(trials)
    assert len(trials.started_by("random")) == 0


def test_few_trials_cannot_tell():
    trials = read_study(rows(20))
    assert "too few to tell" in notes(trials)
    assert len(read_study(rows(20), sampler="random").started_by("random")) == 20
    assert "too few to tell" not in notes(read_study(rows(20), sampler="random"))


def test_a_full_grid_is_recognised():
    grid = [{"params_a": a, "params_b": b, "loss": a + b} for a in (1, 2, 4) for b in (0.1, 0.2, 0.3, 0.4)]
    assert "full grid" in notes(read_study(grid))
    assert "full grid" not in notes(read_study(grid[:-1]))


def test_a_wrong_direction_shows_in_the_curves():
    table = [
        {"run": i, "step": s, "params_x": i / 40, "accuracy": 0.5 + 0.05 * s + 0.001 * i}
        for i in range(40)
        for s in range(5)
    ]
    assert "is the direction right?" in notes(read_study(table, direction="minimize"))
    assert "direction" not in notes(read_study(table))


def test_a_parameter_that_changed_its_name_is_pointed_out_and_joined():
    table = [
        {("params_lr" if i < 20 else "params_learning_rate"): (i + 1) / 50, "loss": 1 / (i + 1)}
        for i in range(40)
    ]
    assert "--rename lr=learning_rate" in notes(read_study(table))
    joined = read_study(table, rename={"lr": "learning_rate"})
    assert joined.names == ("learning_rate",)
    assert "--rename" not in notes(joined)
    by_turns = [{("params_a" if i % 2 else "params_b"): float(i), "loss": 1 / (i + 1)} for i in range(40)]
    assert "--rename" not in notes(read_study(by_turns))  # a condition is no rename


def test_equal_values_are_pointed_out():
    assert "have the same value, 0.5" in notes(read_study([{**row, "loss": 0.5} for row in rows(20)]))


def test_a_tunewise_study_is_read_without_a_word(tmp_path):
    study = tw.create_study("s", tmp_path / "runs.db", sampler="tpe", seed=0)
    study.optimize(lambda t: t.suggest_float("x", 0, 1), 5)
    assert "reader" not in read_study(tmp_path / "runs.db").user_attrs


def test_a_training_that_diverged_behind_a_legal_accuracy_is_named():
    found = [{"params_x": i / 40, "accuracy": 0.9 - i / 100, "loss": 0.1 + i / 100} for i in range(30)]
    lost = [{"params_x": 1.0, "accuracy": 0.1, "loss": "nan"} for _ in range(4)]
    said = notes(read_study([*found, *lost], metric="accuracy"))
    assert "In 4 complete trials loss is no finite number although accuracy is" in said
    assert "--diverged 0.1" in said
    assert "no finite number" not in notes(read_study(found, metric="accuracy"))
    among = [*found, {"params_x": 1.0, "accuracy": 0.8, "loss": "nan"}]
    assert "the status 'diverged'" in notes(read_study(among, metric="accuracy"))


def test_a_loss_that_is_reported_counts_too():
    rows = [
        {
            "run": i,
            "step": s,
            "params_x": i / 12,
            "accuracy": 0.5 + 0.02 * s,
            "train_loss": "nan" if i == 3 and s > 2 else 1 / (s + 1),
        }
        for i in range(12)
        for s in range(6)
    ]
    assert "In 1 complete trials train_loss" in notes(read_study(rows, metric="accuracy"))
