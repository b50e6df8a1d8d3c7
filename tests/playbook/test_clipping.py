"""P77: clipping of most steps is a lower learning rate in disguise."""

import numpy as np
import pytest

import tunewise as tw
from tunewise.playbook import Verdict
from tunewise.playbook.clipping import over_clipping
from tunewise.stats.stability import clipped_share


@pytest.mark.parametrize(
    ("over", "n", "verdict"),
    [(10, 100, Verdict.OK), (50, 100, Verdict.UNSURE), (70, 100, Verdict.ACT), (3, 4, Verdict.UNSURE)],
)
def test_more_than_half_of_the_steps_surely(over, n, verdict):
    norms = np.array([4.0] * over + [1.0] * (n - over))
    found = over_clipping(clipped_share(norms, 2.0), "the run", usual=4.0)
    assert found.verdict == verdict
    assert found.effect == over / n
    if verdict == Verdict.ACT:
        assert "by 0.65 on average" in found.headline
        assert found.command == "train = train.replan(clip=4)"


def _trials(share, noted, cube):
    study = tw.create_study(sampler="qmc", seed=0, space=cube)

    def train(trial):
        for step in range(1, 21):
            trial.report({"value": trial.params["a"] / step, "clipped": share}, step)
        if noted:
            trial.set_user_attr("gradients", {"p90": 3.0, "n": 2000, "clipped": share, "lr_factor": 0.4})
        return trial.params["a"]

    study.optimize(train, 8)
    return study.trials


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize(("share", "verdict"), [(0.9, Verdict.ACT), (0.05, Verdict.OK)])
def test_a_study_whose_trials_report_it_is_judged(cube, found, noted, share, verdict):
    (said,) = found(_trials(share, noted, cube), "P77")
    assert said.verdict == verdict
    assert bool(said.command) == (verdict == Verdict.ACT)
    assert said.effect == pytest.approx(share)


def test_counted_steps_decide_where_twenty_reports_cannot(cube, found):
    assert found(_trials(0.6, True, cube), "P77")[0].verdict == Verdict.ACT
    assert found(_trials(0.6, False, cube), "P77")[0].verdict == Verdict.UNSURE


def test_without_the_metric_it_says_what_to_report(cube, found, study_of):
    (said,) = found(study_of(lambda p, _: p["a"], 12), "P77")
    assert said.verdict == Verdict.NA
    assert "clipped" in said.needs
