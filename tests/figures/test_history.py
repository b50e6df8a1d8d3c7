import pytest

from tunewise.figures import history_chart, history_rows
from tunewise.records import TrialState


def test_history_keeps_the_best_so_far(trials, valid):
    rows = history_rows(trials)
    assert [row["number"] for row in rows] == list(range(30))
    best = [row["best"] for row in rows if row["best"] is not None]
    assert best == sorted(best, reverse=trials.goals[0].direction == "minimize")
    assert best[-1] == trials.row(trials.best()).value
    assert sum(row["state"] == "infeasible" for row in rows) == (trials.state == TrialState.INFEASIBLE).sum()
    valid(history_chart(rows, "m", trials.goals[0].sign))


@pytest.mark.parametrize("most", [3, 9, 20])
def test_of_many_trials_every_improvement_is_kept(trials, most):
    whole, few = history_rows(trials), history_rows(trials, most)
    assert {row["best"] for row in few} >= {row["best"] for row in whole}
    assert len(few) <= most + len({row["best"] for row in whole})


def test_no_trial_is_a_chart_too(valid):
    valid(history_chart([], "m"))
