"""Whatever asks for something says which line does it, and what that costs, whoever runs the study."""

import json
import math
import shlex

import numpy as np
import pytest

import tunewise as tw
from tunewise.cli.space_text import parse_space
from tunewise.playbook import check
from tunewise.playbook.commands import keywords
from tunewise.space import Categorical, Float, Int, Space

LOG = Float(1e-4, 1e-1, log=True)


def _study(space, objective, n=30, **settings):
    study = tw.create_study("planted", sampler="qmc", seed=0, space=space, **settings)
    study.optimize(objective, n, catch=Exception)
    return study


def _curve(shape, train=None, n=12, schedule="constant"):
    """A study whose trials report the curve ``shape(rng)`` and the training loss ``train(rng)``."""

    def objective(trial):
        rng = np.random.default_rng(trial.number)
        y = shape(rng) + 0.01 * trial.params["a"]
        losses = y if train is None else train(trial, rng)
        for step, (value, loss) in enumerate(zip(y, losses, strict=True), 1):
            trial.report({"value": float(value), "train_loss": float(loss)}, step)
        trial.set_user_attr("schedule", schedule)
        return float(y.min())

    return _study(Space({"a": Float(1, 2), "lr": LOG}), objective, n)


def _crash(trial):
    if trial.params["a"] > 1.3:
        raise ValueError("out of memory")
    return trial.params["a"]


def _cliff(trial):
    u = math.log10(trial.params["lr"])
    return math.nan if u > -2 else (u + 1.5) ** 2


T = np.arange(1, 41) / 40
FALL = 0.5 * np.exp(-5 * T)


def _noisy(y, sd=0.001):
    return lambda rng: y + sd * rng.standard_normal(len(y))


PLANTED = {
    "wide": lambda: _study(Space({"lr": LOG, "k": Int(1, 64, log=True)}),
                           lambda t: math.log10(t.params["lr"]) ** 2 + 0.1 * math.log(t.params["k"])),
    "choices": lambda: _study(Space({"n": Categorical((32, 64, 128, 256), ordered=True), "a": Float(1, 2)}),
                              lambda t: -math.log2(t.params["n"]) + 0.01 * t.params["a"], 40),
    "named": lambda: _study(Space({"size": Categorical(("s", "m", "l", "xl"), ordered=True), "a": Float(1, 2)}),
                            lambda t: -2.0 * ("s", "m", "l", "xl").index(t.params["size"]), 40),
    "cliff": lambda: _study(Space({"lr": LOG, "a": Float(1, 2)}), _cliff),
    "grid": lambda: _study(Space({"lr": Categorical((0.001, 0.01, 0.1, 1.0)), "a": Float(1, 2)}),
                           lambda t: math.nan if t.params["lr"] > 0.05 else t.params["a"]),
    "product": lambda: _study(Space({"lr": LOG, "momentum": Float(0.0, 0.98)}),
                              lambda t: math.nan if t.params["lr"] / (1 - t.params["momentum"]) > 0.01 else 1 + t.params["lr"],
                              60),
    "scattered": lambda: _study(Space({"a": Float(1, 2)}), lambda t: math.nan if t.number % 2 else t.params["a"]),
    "crash": lambda: _study(Space({"a": Float(1, 2)}), _crash),
    "scales": lambda: _study(Space({"lr": Float(0.0, 0.1), "momentum": Float(0.0, 0.999), "epochs": Int(1, 50)}),
                             lambda t: t.params["lr"]),
    "direction": lambda: _study(Space({"a": Float(1, 2)}), lambda t: t.params["a"], goals={"accuracy": "minimize"}),
    "thin": lambda: _study(Space({"a": Float(1, 2), "b": Float(1, 2)}),
                           lambda t: (t.params["a"] - 1.5) ** 2 + (t.params["b"] - 1.5) ** 2),
    "overfit": lambda: _curve(_noisy(FALL + 0.4 * np.maximum(0, T - 0.5)), lambda _, rng: _noisy(FALL)(rng)),
    "unstable": lambda: _curve(_noisy(FALL + 0.4 * np.maximum(0, T - 0.5))),
    "lasting rise": lambda: _curve(_noisy(FALL), lambda _, rng: _noisy(FALL + 0.3 * (T > 0.6))(rng)),
    "improving": lambda: _curve(_noisy(1 - 0.5 * T, 1e-4)),
    "saturated": lambda: _curve(_noisy(np.exp(-40 * T), 0.0001)),
    "too long": lambda: _curve(_noisy(np.where(T < 0.08, 1 - 10 * T, 0.3 + 0.2 * T), 1e-4), n=80),
    "noisy": lambda: _curve(_noisy(FALL, 0.05)),
    "periodic": lambda: _curve(_noisy(FALL + 0.1 * np.sin(2 * np.pi * np.arange(40) / 5))),
}  # fmt: skip
WHO = {
    "nobody": ({}, {}),
    "round": ({}, {"command": "project.round('q')"}),
    "ours": ({}, {"source": "runs.db::planted"}),
    "optuna": ({"source": "Optuna 4.1 in cnn.db"}, {"source": "cnn.db::planted"}),
    "table": ({"source": "the table trials.csv"}, {"source": "trials.csv --metric error"}),
}


def _roles():
    """Two scientific parameters that went together, unequally often, at a fixed rate."""
    space = Space(
        {"use_a": Categorical((False, True)), "use_b": Categorical((False, True)), "x": Float(1, 2)}
    )
    study = tw.create_study("planted", sampler="qmc", seed=0, space=space)
    for i in range(24):
        study.enqueue_trial({"use_a": i % 4 == 0, "use_b": i % 4 == 0})
    study.optimize(lambda t: t.params["x"], 24)
    return study, {"use_a": "scientific", "use_b": "scientific", "lr": "fixed", "x": "nuisance"}


@pytest.fixture(scope="module")
def acts():
    """{who: every ACT found in all planted studies}"""
    tw.logging.set_verbosity(50)
    found = {who: [] for who in WHO}
    made = [(make(), {}) for make in PLANTED.values()]
    crossed, roles = _roles()
    for study, given in [*made, (crossed, {"roles": roles})]:
        for who, (reader, settings) in WHO.items():
            if reader:
                study.set_user_attr("reader", reader)
            found[who] += check(study.trials, noise_sd=0.001, **settings, **given).acts
    return found


@pytest.mark.parametrize("who", WHO)
def test_every_act_has_a_command_and_a_cost(acts, who):
    lacking = [str(f) for f in acts[who] if not (f.command and f.next_action) or f.cost_trials is None]
    assert lacking == []


def test_the_planted_studies_make_every_check_act(acts):
    codes = {f.code for f in acts["ours"]}
    numbers = (1, 15, 19, 24, 26, 27, 28, 29, 35, 38, 39, 40, 41, 42, 43, 44, 67)
    assert codes >= {f"P{number}" for number in numbers}


@pytest.mark.parametrize("who", WHO)
def test_commands_are_python_or_our_own(acts, who):
    for command in {f.command for f in acts[who]}:
        if command.startswith("tunewise "):
            words = shlex.split(command)
            if words[1] == "ask":
                assert parse_space(words[words.index("--space") + 1])
        else:
            compile(command, "<command>", "exec")


def test_a_study_goes_on_in_the_space_that_is_asked_for(tmp_path):
    study = tw.create_study("edge", tmp_path / "runs.db", sampler="qmc", seed=0, space=Space({"lr": LOG}))
    study.optimize(lambda t: math.log10(t.params["lr"]) ** 2, 20)
    act = next(f for f in check(study.trials, source=f"{tmp_path / 'runs.db'}::edge").acts if f.code == "P27")
    exec(act.command, {"tunewise": tw, "train": lambda t: math.log10(t.params["lr"]) ** 2})
    again = tw.load_study("edge", tmp_path / "runs.db")
    assert again.info.space["lr"] == Float(1e-4, 1.0, log=True)
    assert len(again.trials) == 20 + act.cost_trials


def test_who_wrote_a_table_draws_points_of_the_new_range(acts):
    command = next(f.command for f in acts["table"] if f.subject == "lr" and "widen" in f.next_action)
    space = json.loads(shlex.split(command)[-1])
    assert space["lr"] == "log 0.0001..1.0"


def test_a_grid_of_numbers_goes_on_as_it_began(acts):
    command = next(f.command for f in acts["optuna"] if f.subject == "n")
    assert command == "trial.suggest_categorical('n', [32, 64, 128, 256, 512])"


def test_a_momentum_is_searched_by_what_matters(acts):
    command = next(f.command for f in acts["optuna"] if f.subject == "scale of momentum")
    assert command == "momentum = 1 - trial.suggest_float('one_minus_momentum', 0.005, 0.5, log=True)"


def test_ranges_that_were_guessed_from_a_table_are_typed_in_four_digits():
    study = _study(Space({"lr": Float(1.0478071e-4, 0.0094749287, log=True)}), lambda t: -t.params["lr"])
    study.set_user_attr("reader", {"source": "the table trials.csv"})
    act = next(f for f in check(study.trials).acts if f.code == "P27")
    assert json.loads(shlex.split(act.command)[-1]) == {"lr": "log 0.0001048..0.09475"}


@pytest.mark.parametrize(
    "values", [{"lr": 0.1, "act": "relu"}, {"net.act": "relu", "lr": 0.1}, {"lambda": 2}, {}], ids=str
)
def test_any_names_can_be_arguments_of_a_call(values):
    written = {name: repr(value) for name, value in values.items()}
    assert eval(f"dict({keywords(written)})") == values
