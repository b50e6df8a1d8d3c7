"""Stable and unstable trainings are told apart."""

from tunewise.playbook import Verdict
from tunewise.records import Goal
from tunewise.torch.digits import DEFAULTS, load_digits, make_train
from tunewise.torch.place import Place
from tunewise.torch.unstable import stability

PLACE = Place(goal=Goal("error"))


def probe(lr, **settings):
    train_set, val_set, _ = load_digits()
    return stability(make_train(train_set, val_set, 150), {**DEFAULTS, "nesterov.lr": lr}, PLACE, **settings)


def test_a_gentle_rate_is_stable_and_a_wild_one_is_not():
    gentle = probe(0.003)
    assert gentle.lr_unstable is None
    assert gentle.findings.verdict == Verdict.OK
    assert gentle.clip.low <= gentle.clip.value <= gentle.clip.high
    wild = probe(30.0)
    assert wild.lr_unstable is not None
    assert "P71" in {f.code for f in wild.findings.acts}


def test_the_warm_up_search_answers():
    found = probe(2.0, steps=100, warmup=True)
    assert {f.code for f in found.findings} >= {
        "P71",
        "P72",
        "P74",
        "P75",
        "P76",
    } or found.lr_unstable is None
