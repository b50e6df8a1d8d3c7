"""Rounds of increasing length on a real small network: what is run, what is kept, and what is said."""

import numpy as np
import pytest

from tunewise.errors import SettingError
from tunewise.records import Goal
from tunewise.space import Float, Space
from tunewise.storage.memory import MemoryLog
from tunewise.torch.digits import SPACE, load_digits, make_train
from tunewise.torch.lengths import _spread, lengths
from tunewise.torch.place import Place
from tunewise.torch.schedule import Schedule

train_set, val_set, _ = load_digits()


@pytest.fixture(scope="module")
def searched():
    place = Place("digits", MemoryLog(), Goal("error"))
    return place, lengths(
        make_train(train_set, val_set, 50), SPACE, place, final_steps=100, trials=12, rounds=3
    )


def runs(place):
    return [len(place.study(f"length {n}").trials) for n in (10, 30, 100)]


def test_few_configurations_are_run_long(searched):
    place, found = searched
    assert [(s.steps, s.trials) for s in found.plan] == [(10, 12), (30, 6), (100, 3)]
    n_trials = runs(place)
    assert n_trials[:2] == [12, 8]
    assert 3 <= n_trials[2] <= 8
    assert found.n_steps == sum(n * steps for n, steps in zip(n_trials, (10, 30, 100), strict=True))


def test_the_best_is_the_best_at_full_length(searched):
    place, found = searched
    values = [t.value for t in place.study("length 100").trials if t.value is not None]
    assert found.value == min(values)
    assert {f.code for f in found.findings} == {"P69", "P70"}


def test_the_warm_up_takes_as_many_steps_at_every_length(searched):
    place, _ = searched
    shares = [
        place.study(f"length {n}").trials[0].user_attrs["optimizer"]["warmup"] * n for n in (10, 30, 100)
    ]
    assert np.allclose(shares, shares[0])


def test_an_interrupted_search_goes_on(searched):
    place, found = searched
    before = runs(place)
    again = lengths(make_train(train_set, val_set, 50), SPACE, place, final_steps=100, trials=12, rounds=3)
    assert runs(place) == before
    assert (again.best, again.value, str(again)) == (found.best, found.value, str(found))


def test_a_space_where_everything_diverges_is_told_so():
    high = Space(
        {"nesterov.lr": Float(1e4, 1e6, log=True), "nesterov.one_minus_momentum": Float(5e-3, 0.01, log=True)}
    )
    with pytest.raises(SettingError, match="did not diverge"):
        lengths(
            make_train(train_set, val_set, 50),
            high,
            Place("high", None, Goal("error")),
            final_steps=100,
            trials=6,
        )


@pytest.mark.parametrize("wrong", [{"rounds": 4}, {"trials": 2}])
def test_impossible_plans_are_refused(wrong):
    with pytest.raises(SettingError, match="1 to 3 rounds"):
        lengths(make_train(train_set, val_set, 50), SPACE, final_steps=100, **wrong)


def test_the_spread_reaches_from_the_best_to_the_worst():
    assert _spread(list(range(10)), 3)[::2] == [0, 9]
    assert _spread([1, 2], 5) == [1, 2]
    assert _spread([], 2) == []


def test_a_longer_stable_part_keeps_the_decay():
    short, long = Schedule("wsd", 100, 0.1), Schedule("wsd", 1000, 0.01, decay=0.02)
    falls = [[s.factor(i) for i in range(s.max_steps)] for s in (short, long)]
    assert sum(f < 1 for f in falls[1]) <= sum(f < 1 for f in falls[0]) + 1
    assert [f[-1] for f in falls] == pytest.approx([falls[0][-1]] * 2, abs=0.01)
