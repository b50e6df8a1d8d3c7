"""What is said of modes, accumulated losses and kept weights follows from the passes that were seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.playbook import Verdict
from tunewise.records import Goal
from tunewise.torch.observe import Backward, Facts, Pass
from tunewise.torch.states import accumulation, eval_mode, stale


def evaluation(step, weights=0.0, rows=(1, 2, 3), **seen):
    return Pass(list(rows), len(rows), False, weights, 7, step, reported=True, **seen)


@pytest.mark.parametrize(
    ("n", "verdict"), [(1, Verdict.ACT), (4, Verdict.ACT), (5, Verdict.OK), (30, Verdict.OK)]
)
def test_dropout_in_evaluation_is_on_purpose_where_many_masks_are_averaged(n, verdict):
    facts = Facts(evals=[evaluation(step, dropout=True) for step in (10, 20) for _ in range(n)])
    assert eval_mode(facts).verdict == verdict
    one_more = Facts(evals=[*facts.evals, evaluation(30, dropout=True, rows=(4, 5))])
    assert eval_mode(one_more).verdict == Verdict.ACT


def step(losses, value, caller=1, carried=False):
    passes = tuple(
        Pass([10 * i, 10 * i + 1], 2, True, 0.0, 7, 0, caller if i else 1, carried=carried, loss=loss)
        for i, loss in enumerate(losses)
    )
    return [Backward(1, frozenset({7}), None, passes, value)]


losses = st.lists(st.floats(0.1, 10), min_size=2, max_size=6)


@given(losses)
def test_losses_of_several_batches_are_to_be_averaged(each):
    summed = Facts(backwards=[step(each, sum(each))] * 3)
    assert accumulation(summed).verdict == Verdict.ACT
    assert accumulation(summed).command == f"loss = loss / {len(each)}"
    assert accumulation(Facts(backwards=[step(each, sum(each) / len(each))] * 3)) is None


@given(losses)
def test_losses_of_several_lines_or_of_one_sequence_may_be_summed(each):
    assert accumulation(Facts(backwards=[step(each, sum(each), caller=2)] * 3)) is None
    assert accumulation(Facts(backwards=[step(each, sum(each), carried=True)] * 3)) is None


def trained(values, weights_at_the_end):
    """A training with a report every ten steps, whose weights are numbered by them, and an evaluation at the end."""
    steps = [10 * (i + 1) for i in range(len(values))]
    evals = [evaluation(s, float(s)) for s in steps]
    return Facts(
        times=[0.0] * steps[-1],
        evals=[*evals, evaluation(steps[-1], float(weights_at_the_end))],
        reported_at=steps,
        curves={"value": dict(zip(steps, values, strict=True))},
        value=0.0,
    )


@given(
    st.lists(st.floats(0, 1), min_size=4, max_size=12, unique=True),
    st.data(),
    st.sampled_from(["minimize", "maximize"]),
)
def test_weights_that_are_brought_back_belong_to_the_better_half(values, data, direction):
    place = data.draw(st.integers(0, len(values) - 2))
    better = [v < values[place] if direction == "minimize" else v > values[place] for v in values]
    found = stale(trained(values, 10 * (place + 1)), Facts(), Goal("value", direction))
    assert (found.verdict == Verdict.ACT) == (sum(better) > len(values) / 2)


def test_weights_that_were_never_reported_or_are_the_last_are_no_matter():
    goal = Goal("value", "minimize")
    assert stale(trained([0.1, 0.2, 0.3, 0.4], 40), Facts(), goal).verdict == Verdict.OK
    assert stale(trained([0.1, 0.2, 0.3, 0.4], 55), Facts(), goal).verdict == Verdict.OK
