import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.errors import SettingError
from tunewise.pruners import Hyperband, SuccessiveHalving
from tunewise.pruners.hyperband import brackets

SHARES = np.array([0.5, 0.3, 0.2])


@given(st.integers(0, 2**63 - 1), st.integers(1, 200))
def test_a_bracket_is_a_function_of_seed_and_number(seed, n):
    assert (brackets(seed, n, SHARES) == brackets(seed, 200, SHARES)[:n]).all()


@given(st.integers(0, 2**63 - 1), st.integers(0, 100))
def test_every_run_of_trials_has_nearly_the_shares(seed, start):
    window = brackets(seed, start + 100, SHARES)[start:]
    assert np.abs(np.bincount(window, minlength=3) - 100 * SHARES).max() <= 4


def test_seeds_differ():
    assert len({tuple(brackets(seed, 20, SHARES)) for seed in range(10)}) > 5


def test_number_and_shares_of_brackets_are_the_papers():
    shares = Hyperband(1, 81, 3)._shares(81)
    assert len(shares) == 5
    np.testing.assert_allclose(shares * 143, [81, 34, 15, 8, 5])
    assert len(Hyperband(1, 80, 3)._shares(80)) == 4
    assert len(Hyperband(7, 7, 3)._shares(7)) == 1


def test_one_bracket_is_successive_halving(table):
    rng = np.random.default_rng(0)
    trials = table([], [dict(enumerate(row)) for row in rng.random((30, 3))])
    hyperband, halving = Hyperband(1, 2, 3), SuccessiveHalving(1, 3)
    assert [hyperband(trials, i) for i in range(30)] == [halving(trials, i) for i in range(30)]


def test_trials_compete_inside_their_bracket(table):
    rule = Hyperband(1, 4, 2)
    bracket = brackets(0, 20, rule._shares(4))
    assert set(bracket) == {0, 1, 2}
    curves = [{0: 0.0, 1: float(b != 0) * -10 + k} for k, b in enumerate(bracket)]
    pruned = [rule(table([], curves[: k + 1]), k) for k in range(20)]
    first = [k for k in range(20) if bracket[k] == 0]
    assert [k for k in range(20) if pruned[k]] == first[1:]


def test_the_longest_trial_comes_from_the_first_to_complete(table):
    assert not any(Hyperband()(table([], [{1: 1.0}, {1: 2.0}, {1: 3.0}, {1: 4.0}]), k) for k in range(4))
    done = [{0: 0.0, 1: 0.0, 2: 0.0}]
    assert any(Hyperband()(table(done, [{0: 1.0, 1: 1.0}] * 6), k) for k in range(1, 7))


@pytest.mark.parametrize(
    "wrong", [{"min_resource": 0}, {"max_resource": 0}, {"reduction_factor": 1}, {"bootstrap_count": -1}]
)
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Hyperband(**wrong)
