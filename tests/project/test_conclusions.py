"""P25, P78: a round or a project concludes nothing while something comes first, unless somebody says why."""

import math

import numpy as np
import pytest

import tunewise as tw
from tunewise.errors import NoTrials, SettingError
from tunewise.playbook import Verdict
from tunewise.torch.digits import DEFAULTS, load_digits, make_train

pytestmark = pytest.mark.usefixtures("quiet")


def _beyond(trial):
    """The best rate lies beyond the range, and gelu is better at every rate."""
    lr = trial.suggest_float("lr", 1e-4, 1e-2, log=True)
    act = trial.suggest_categorical("act", ["relu", "gelu"])
    return 0.1 * math.log10(lr) ** 2 - 0.5 * (act == "gelu")


def test_a_comparison_waits_for_the_edge_or_for_a_reason(tmp_path):
    p = tw.Project("toy", _beyond, storage=tmp_path / "p.db")
    r = p.round("Which activation?", scientific={"act": ["relu", "gelu"]}).run(40)
    said = r.compare("act", "gelu", "relu")
    assert said.verdict == Verdict.UNSURE
    assert "P27 lr" in said.headline
    assert said.command.endswith(".repair()")
    (shown,) = [f for f in r.check() if f.code == "P46"]
    assert "No conclusion yet" in shown.headline
    with pytest.raises(SettingError, match=r"P27 lr comes first.*repair\(\)"):
        r.simplest_best("smaller act")
    with pytest.raises(SettingError, match="reason is empty"):
        r.override(" ")
    r.override("gelu leads at every rate")
    assert r.compare("act", "gelu", "relu").verdict == Verdict.OK
    assert r.simplest_best("smaller act")["act"] == "gelu"
    again = tw.Project("toy", _beyond, storage=tmp_path / "p.db").round("Which activation?")
    (shown,) = [f for f in again.check() if f.code == "P46"]
    assert shown.headline.endswith("gelu leads at every rate")


def test_an_unstable_training_adopts_nothing_without_a_reason(tmp_path):
    train_set, val_set, _ = load_digits()
    wild = {**DEFAULTS, "nesterov.lr": 30.0}
    p = tw.Project(
        "digits", make_train(train_set, val_set, 40), "error", defaults=wild, storage=tmp_path / "p.db"
    )
    p.stability()
    r = p.round("Which rate?").run(2)
    assert "P71" in {f.code for f in r.check().acts}
    with pytest.raises(SettingError, match="unstable"):
        p.adopt(DEFAULTS, looks=(2,))
    assert p.log == []
    decision = p.adopt(DEFAULTS, looks=(2,), despite="the candidate is the remedy")
    assert "Decided despite: the candidate is the remedy" in decision.assumptions
    assert p.log[0]["despite"] == "the candidate is the remedy"


def _two_optimisers(trial):
    trial.suggest_categorical("optimizer", ["sgd", "adam"])
    return trial.suggest_categorical("lr", [0.01, 0.1])


def test_a_name_that_optimisers_share_is_not_isolated():
    r = tw.Project("toy", _two_optimisers).round("Which rate?").run(24)
    with pytest.raises(NoTrials, match="one name under optimizer"):
        r.isolate("lr")
    with pytest.raises(NoTrials, match="one name of several"):
        r.compare("lr", 0.01, 0.1)
    assert r.isolate("optimizer").values == ("sgd", "adam")


def _noisy(trial):
    rng = np.random.default_rng(trial.seed)
    return trial.suggest_float("x", 0.0, 1.0) + 0.01 * rng.standard_normal()


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, Verdict.OK), (0.3, Verdict.UNSURE)])
def test_a_drop_to_the_test_set_that_nothing_explains_is_said(shift, verdict):
    p = tw.Project("toy", _noisy, defaults={"x": 0.5})
    assert p.adopt({"x": 0.1}).verdict == "ADOPT"
    assert "P63" not in {f.code for f in p.check()}
    p.test(lambda trial: _noisy(trial) + shift, seeds=3)
    (said,) = [f for f in p.check() if f.code == "P63"]
    assert said.verdict == verdict
    assert said.effect == pytest.approx(shift, abs=0.03)
