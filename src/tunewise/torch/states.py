"""In which state a model is trained and judged: modes, schedule, accumulated gradients, weights that are kept.

Each check is a function of `Facts`. Codes: P1c (dropout), P92 (batch normalisation), P81, P7, P89 (checkpoints).
"""

from __future__ import annotations

from collections import Counter

from tunewise.playbook import Finding
from tunewise.records import Goal
from tunewise.torch.cures import act, ok
from tunewise.torch.observe import Backward, Facts

_ON_PURPOSE = 5  # evaluations of the same examples: an average over masks is wanted


def eval_mode(a: Facts) -> Finding:
    """P1c: no dropout in evaluation, unless many masks are averaged."""
    dropped = [p for p in a.evaluations if p.dropout]
    often = Counter((p.model, p.at_step, tuple(p.rows)) for p in dropped if p.rows)
    if any(often[p.model, p.at_step, tuple(p.rows)] < _ON_PURPOSE for p in dropped):
        return act(
            "P1c", "dropout", "dropout is active while the model is evaluated", "call model.eval() there"
        )
    return ok("P1c", "dropout", "no dropout in evaluation")


def batch_norm(a: Facts) -> Finding | None:
    """P92: statistics come from training batches, and from enough examples."""
    trained = {row for p in a.train for row in p.rows}
    # statistics that are taken anew, of averaged weights, are taken from training data
    if any(p.batch_norm and not (p.rows and trained.issuperset(p.rows)) for p in a.evaluations):
        words = "batch normalisation uses the statistics of the evaluation batch"
        return act(
            "P92", "batch norm", words, "call model.eval() there, and model.train() before training on"
        )
    training = [p for p in a.train if p.batch_norm]
    if training and min(p.size for p in training) < 4:
        words = f"a training batch of {min(p.size for p in training)} feeds the running statistics"
        return act("P92", "batch norm", words, "drop the last partial batch (drop_last=True)",
                    "torch.utils.data.DataLoader(train_set, batch_size, shuffle=True, drop_last=True)")  # fmt: skip
    return ok("P92", "batch norm", "statistics come from training batches alone") if training else None


def schedule(a: Facts) -> Finding | None:
    """P81: a schedule that was made is stepped."""
    if not a.schedules:
        return None
    rows = [row for p in a.train for row in p.rows]
    an_epoch = len(rows) > len(set(rows)) or a.value is not None
    long = max(map(len, a.rates.values())) / 4  # of a stopped run, the last fold or phase may just have begun
    rates = {id(s): a.rates.get(id(s.schedule.optimizer), [])[s.made_at :] for s in a.schedules}
    forgotten = [
        s.schedule
        for s in a.schedules
        if s.schedule.last_epoch == s.began and len(rates[id(s)]) > long and len(set(rates[id(s)])) == 1
    ]
    if forgotten and an_epoch:
        words = f"{type(forgotten[0]).__name__} was made and never stepped in {a.n_steps} steps"
        return act(
            "P81", "schedule", words, "call scheduler.step(), or let trial.optimizer make the schedule"
        )
    return ok("P81", "schedule", "the learning-rate schedule is stepped")


def accumulation(a: Facts) -> Finding | None:
    """One line of code that is called k times before a step accumulates; several lines are several losses."""
    summed = [k for step in a.backwards for b in step if (k := _n_summed(b))]
    if summed:
        k = sorted(summed)[len(summed) // 2]
        words = f"the losses of {k} batches are added up before one backward pass, so the gradient is {k} times the mean"
        return act("P7", "accumulation", words, f"divide each loss by {k}", f"loss = loss / {k}")
    accumulated = [
        each for each in a.backwards if len(each) > 1 and len({(b.caller, b.models) for b in each}) == 1
    ]
    ratios = sorted(b.ratio for each in accumulated for b in each if b.ratio is not None)
    if not ratios:
        return None
    k = sorted(map(len, accumulated))[len(accumulated) // 2]
    middle = ratios[len(ratios) // 2]
    if abs(middle - 1.0) < 0.01:
        words = f"{k} backward passes a step add up their full losses, so the gradient is {k} times the mean"
        return act("P7", "accumulation", words, f"divide each loss by {k}", f"loss = loss / {k}")
    return ok("P7", "accumulation", f"{k} backward passes a step, each loss scaled by {middle:.3g}")


def _n_summed(b: Backward) -> int:
    """How many batches' mean losses one backward pass adds up; 0 where it does not."""
    kinds = {(p.caller, p.model, p.size) for p in b.passes}
    losses = [p.loss for p in b.passes if p.loss is not None]
    rows = [row for p in b.passes for row in p.rows]
    apart = len(rows) > 0 and len(set(rows)) > 0.9 * len(rows)
    if len(b.passes) < 2 or len(kinds) > 1 or len(losses) < len(b.passes) or not apart:
        return 0
    if any(p.carried or p.partial for p in b.passes):
        return 0  # a sum over the steps of a sequence
    return len(losses) if abs(b.value - sum(losses)) < 1e-4 * abs(b.value) else 0


def stale(a: Facts, b: Facts, goal: Goal) -> Finding:
    """P89: what is evaluated is what was trained, or the best of it; nothing comes from an earlier run (b)."""
    if a.loaded_itself:
        words = "a kept state is the model's own memory, not a copy: loading it restores nothing"
        return act(
            "P89", "checkpoint", words, "keep copies: {k: v.clone() for k, v in model.state_dict().items()}"
        )
    evaluated_at = [p.at_step for p in a.evaluations]
    if evaluated_at and len({p.weights for p in a.evaluations}) == 1:
        between = {p.weights for p in a.train if min(evaluated_at) <= p.at_step < max(evaluated_at)}
        if len(between) > 1:
            return act("P89", "checkpoint", "the evaluated weights never change while others are trained",
                        "evaluate the trained weights, or copy them before each evaluation",
                        "evaluated.load_state_dict(model.state_dict())")  # fmt: skip
    if a.train and b.train and b.train[0].weights != a.train[0].weights:
        known = {p.weights for p in [*a.train[1:], *a.evals]}
        if b.train[0].weights in known:
            return act("P89", "checkpoint", "a second run starts from the weights of the first",
                        "make the model anew in every trial, and load no file that an earlier trial wrote",
                        "model = build(trial)")  # fmt: skip
    return _restored(a, goal) or ok("P89", "checkpoint", "every run starts anew and evaluates what it trains")


def _restored(a: Facts, goal: Goal) -> Finding | None:
    """Weights that are brought back for the last evaluation should be the best; the better half may be by another metric."""
    values = [goal.sign * v for v in a.curves.get(goal.name, {}).values()]
    at_step = {p.at_step: p.weights for p in a.evaluations}
    weights = [at_step.get(step) for step in a.reported_at]
    if a.value is None or len(values) < 4 or len(weights) != len(values) or not a.evaluations:
        return None
    last = a.evaluations[-1]
    if last.at_step != a.n_steps or last.weights not in weights[:-1]:
        return None
    place = weights.index(last.weights)
    n_better = sum(v < values[place] for v in values)
    if n_better <= len(values) / 2:
        return None
    words = f"the weights brought back at the end are those of report {place}; {n_better} of {len(values)} reports were better"
    return act("P89", "checkpoint", words, "save whenever the metric is the best so far, and at no other time",
                "if val < best: best, kept = val, {k: v.clone() for k, v in model.state_dict().items()}")  # fmt: skip
