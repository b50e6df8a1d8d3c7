"""What validation shares with training is seen by batches and by whole data sets."""

import pytest

from tunewise.playbook import Verdict
from tunewise.torch.examples import leak
from tunewise.torch.observe import Facts, Pass


def batches(rows, size, source, grad=False):
    return [
        Pass(list(rows[i : i + size]), size, grad, 0.0, 7, 10, source=source, reported=not grad)
        for i in range(0, len(rows), size)
    ]


def judged(*walks):
    train = batches(range(1000), 50, 1, grad=True)
    return leak(Facts(train=train, evals=[p for walk in walks for p in walk])).verdict


@pytest.mark.parametrize("size", [20, 100, 130])
def test_a_data_set_that_overlaps_is_found_wherever_batches_begin(size):
    assert judged(batches(range(800, 1200), size, 2)) == Verdict.ACT


def test_the_training_set_may_be_evaluated_beside_another():
    new, known = batches(range(1000, 1400), 100, 3), batches(range(400), 100, 2)
    assert judged(new) == judged(known, new) == judged(new, known) == Verdict.OK
    assert judged(known) == Verdict.ACT


def test_batches_that_no_loader_gave_are_judged_one_by_one():
    assert judged(batches(range(800, 1200), 100, None)) == Verdict.OK
    assert judged(batches(range(800, 1200), 160, None)) == Verdict.ACT
