"""Is this training ready to be tuned? Some watched steps, three times, and the mistakes that everyone makes.

Three short runs are compared: one seed twice, then another seed; a fourth is only timed. Each check is a function of what
was seen. Codes are the catalogue numbers of the documentation (P1, P4, P11, P67, P84-P88, P92).
"""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.stats import kendalltau

from tunewise.errors import TrialInfeasible, TrialPruned
from tunewise.playbook import Finding, Findings, Verdict
from tunewise.records import Goal
from tunewise.torch.cures import LINES
from tunewise.torch.decorator import Objective
from tunewise.torch.measured import classes, fed, points, read_from_device, sample
from tunewise.torch.observe import Enough, Facts, Pass, observing
from tunewise.torch.place import unseen
from tunewise.types import Choice

Train = Callable[[Any], Any]
_MOST = 10
_HIGHER = re.compile(r"(^|[_/ ])(acc|accuracy|f1|auc|auroc|precision|recall|r2|bleu|iou|map)($|[_/ ])")
_LOWER = re.compile(r"(^|[_/ ])(loss|error|err|mse|rmse|mae|nll|perplexity|ppl|wer|cer)($|[_/ ])")
_TEST_NAME = re.compile(
    r"^((x|y|X|Y)_test|test_?(set|data|ds|dataset|loader|dl|x|y|images|labels|split|iter)|test(set|loader|data))$"
)


def preflight(
    train: Train,
    config: Mapping[str, Choice] | None = None,
    goal: Goal | None = None,
    *,
    steps: int = 60,
    seconds: float = 60.0,
    seed: int = 0,
) -> Findings:
    """Run a training function three times for a few steps, watch it, and say what is wrong with it.

    Args:
        train: made by `training`, or any ``objective(trial)`` that trains with PyTorch.
        config: the configuration to run; parameters that it lacks are drawn at random.
        goal: the metric and its direction; by default "value", to be minimised.
        steps: optimiser steps a run. An `Objective` gets this as its plan; another function may run to its end, and is
            stopped after ten times as many, or after ``seconds``.
        seed: of the first two runs; the third has the next.

    Returns:
        One finding a check, worst first. ACT: mend it before any study.
    """
    goal = goal or Goal()
    a, b, c = (_run(train, config, goal, steps, seconds, s) for s in (seed, seed, seed + 1))
    found: list[Finding | None] = [_ends(a)]
    if a.n_steps:
        found += [
            _finite(a, goal), _direction(a, goal), _eval_mode(a), _batch_norm(a), _seeds(a, b, c), _order(a, c),
            _leak(a), _duplicates(a), _exact(a), _schedule(a), _accumulation(a), _stale(a, b), _accounted(a),
            points(a, b), sample(a), classes(a, goal), read_from_device(a),
        ]  # fmt: skip
    if a.n_steps and a.error is None:
        found.append(fed(_run(train, config, goal, steps, seconds, seed, cheap=True)))
    found += [_test_set(train), _not_tuned(a)]
    return Findings([finding for finding in found if finding is not None])


def _run(
    train: Train,
    config: Mapping[str, Choice] | None,
    goal: Goal,
    steps: int,
    seconds: float,
    seed: int,
    cheap: bool = False,
) -> Facts:
    facts = Facts()
    limit: int | None = _MOST * steps
    if isinstance(train, Objective):
        train = train.replan(max_steps=steps, evals=min(train.plan.evals, 6), checkpoints=None)
        limit = None
    trial = unseen(goal, config or {}, seed)
    try:
        with observing(facts, limit, seconds, cheap=cheap):
            facts.value = train(_Noted(trial, facts))
            facts.returns()
    except Enough:
        pass
    except Exception as error:
        facts.error = error
    record = trial.snapshot()
    facts.curves, facts.params = record.curves, trial.params
    return facts


class _Noted:
    """A live trial; notes after how many steps it is reported to."""

    def __init__(self, trial: Any, facts: Facts) -> None:
        self._trial, self._facts = trial, facts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trial, name)

    def report(self, value: Any, step: int) -> None:
        self._facts.report()
        self._trial.report(value, step)


def _ok(code: str, subject: str, words: str) -> Finding:
    return Finding(code, subject, Verdict.OK, words)


def _act(code: str, subject: str, words: str, cure: str, line: str = "") -> Finding:
    return Finding(code, subject, Verdict.ACT, words, next_action=cure, command=line or LINES[subject])


def _ends(a: Facts) -> Finding:
    if a.error is not None and not isinstance(a.error, TrialPruned | TrialInfeasible):
        words = f"it raises {type(a.error).__name__}: {a.error}"
        return _act("P1a", "runs", words, "mend the error; nothing else was checked to the end")
    if not a.n_steps:
        return _act("P1a", "runs", "no PyTorch optimiser took a step", "give the function that trains")
    return _ok("P1a", "runs", f"it trained for {a.n_steps} steps")


def _finite(a: Facts, goal: Goal) -> Finding:
    bad = [
        f"{name} was {v} at step {s}"
        for name, curve in a.curves.items()
        for s, v in curve.items()
        if not math.isfinite(v)
    ]
    if isinstance(a.error, TrialInfeasible):
        bad = bad or [str(a.error)]
    if isinstance(a.value, float) and not math.isfinite(a.value):
        bad.append(f"it returned {a.value}")
    if bad:
        return _act(
            "P1b", "finite metrics", bad[0], "see how the metric is computed, then lower the learning rate"
        )
    values = list(a.curves.get(goal.name, {}).values())
    seen = [correct for group in a.passes() if (correct := _share_correct(group)) is not None]
    if len(values) >= 3 and len(set(values)) == 1 and seen and max(seen) > seen[0]:
        words = f"{goal.name} stayed at {values[0]:.4g} in {len(values)} evaluations, while more predictions became right"
        return Finding(
            "P1b", "finite metrics", Verdict.UNSURE, words, next_action="see whether the metric is wired up"
        )
    return _ok("P1b", "finite metrics", "every logged metric is finite")


def _direction(a: Facts, goal: Goal) -> Finding:
    name = goal.name.lower()
    minimised = goal.direction == "minimize"
    opposite = "maximize" if minimised else "minimize"
    if (minimised and _HIGHER.search(name)) or (not minimised and _LOWER.search(name)):
        return _act(
            "P1b",
            "direction",
            f"{goal.name} is to be {goal.direction}d",
            f'say direction="{opposite}"',
            f'tunewise.create_study(direction="{opposite}")',
        )
    values = [goal.sign * v for v in a.curves.get(goal.name, {}).values()]
    named = _HIGHER.search(name) or _LOWER.search(name)
    third = max(1, len(a.losses) // 3)
    fell = len(a.losses) >= 6 and sum(a.losses[-third:]) < 0.8 * sum(a.losses[:third])
    if not named and fell and len(values) >= 4 and kendalltau(range(len(values)), values).statistic > 0.7:
        words = f"{goal.name} became worse and worse while the training loss fell by a fifth or more"
        return _act("P1b", "direction", words, f'say direction="{opposite}", or log what you mean',
                    f'tunewise.create_study(direction="{opposite}")')  # fmt: skip
    return _ok("P1b", "direction", f"{goal.name} is to be {goal.direction}d")


def _eval_mode(a: Facts) -> Finding:
    if any(p.dropout for p in a.evaluations):
        return _act(
            "P1c", "dropout", "dropout is active while the model is evaluated", "call model.eval() there"
        )
    return _ok("P1c", "dropout", "no dropout in evaluation")


def _batch_norm(a: Facts) -> Finding | None:
    trained = {row for p in a.train for row in p.rows}
    # statistics that are taken anew, of averaged weights, are taken from training data
    if any(p.batch_norm and not (p.rows and trained.issuperset(p.rows)) for p in a.evaluations):
        words = "batch normalisation uses the statistics of the evaluation batch"
        return _act(
            "P92", "batch norm", words, "call model.eval() there, and model.train() before training on"
        )
    training = [p for p in a.train if p.batch_norm]
    if training and min(p.size for p in training) < 4:
        words = f"a training batch of {min(p.size for p in training)} feeds the running statistics"
        return _act("P92", "batch norm", words, "drop the last partial batch (drop_last=True)",
                    "torch.utils.data.DataLoader(train_set, batch_size, shuffle=True, drop_last=True)")  # fmt: skip
    return _ok("P92", "batch norm", "statistics come from training batches alone") if training else None


def _seeds(a: Facts, b: Facts, c: Facts) -> Finding:
    n = min(len(a.losses), len(b.losses), len(c.losses))
    gap = max((abs(x - y) for x, y in zip(a.losses[:n], b.losses[:n], strict=True)), default=0.0)
    scale = max((abs(x) for x in a.losses[:n] if math.isfinite(x)), default=1.0)
    if gap > 1e-3 * scale:
        words = f"the same seed twice gives losses that differ by {gap:.3g}"
        return _act("P1d", "seeds", words, "seed every source with trial.seed; @tunewise.training does it")
    if a.losses[:n] == c.losses[:n]:
        words = f"two seeds give the same {n} losses"
        return _act("P1d", "seeds", words, "use trial.seed for initialisation, data order and dropout")
    exact = "bit for bit" if gap == 0 else f"within {gap:.1g}"
    return _ok("P1d", "seeds", f"one seed repeats {exact}; another seed differs")


def _order(a: Facts, c: Facts) -> Finding | None:
    if any(p.carried for p in a.train):
        return _ok(
            "P1d", "order", "the model's state is carried from batch to batch, so the data keep their order"
        )
    mine, other = [p for p in a.train if p.rows], [p for p in c.train if p.rows]
    rows = [row for p in mine for row in p.rows]
    if not rows:
        return None
    period = next((i for i in range(1, len(rows)) if rows[i] == rows[0]), None)
    if period and period <= max(len(p.rows) for p in mine):
        return None  # one batch is the whole set
    if period and len(rows) >= 2 * period and rows[period : 2 * period] == rows[:period]:
        words = f"every epoch of {period} examples has the same order"
        return _act("P1d", "order", words, "shuffle the training data (shuffle=True, or trial.batches)")
    n = min(len(mine), len(other))
    kinds: dict[int, set[tuple[Any, ...]]] = {}
    for p in a.train:
        kinds.setdefault(p.model, set()).add(p.labels)
    told = {
        model for model, seen in kinds.items() if len(seen) >= 3
    }  # others tell no order, such as the places of pairs
    labels = [
        [label for p, first in zip(side, mine[:n], strict=False) if first.model in told for label in p.labels]
        for side in (mine, other)
    ]
    same_rows = [p.rows for p in mine[:n]] == [p.rows for p in other[:n]]
    if same_rows or (len(labels[0]) >= 64 and len(set(labels[0])) > 1 and labels[0] == labels[1]):
        words = "two seeds see the training data in the same order"
        return _act("P1d", "order", words, "shuffle it, with a generator seeded by trial.seed")
    return _ok("P1d", "order", "the order changes with the seed and the epoch")


def _leak(a: Facts) -> Finding | None:
    if any(p.partial for p in a.train):
        return None  # of a pass over a whole graph or table, the loss says which part is trained on
    seen: dict[int, set[int]] = {}
    for p in a.train:
        seen.setdefault(p.model, set()).update(p.rows)
    anything = set().union(*seen.values())
    if not anything or not a.evaluations:
        return None
    # a model that was not trained itself may be an average or a copy of one that was
    evals = [(p.rows, seen.get(p.model, anything)) for p in a.evaluations if p.rows]
    shares = [sum(row in known for row in rows) / len(rows) for rows, known in evals]
    n = sum(len(rows) for rows, _ in evals)
    overlap = sum(s * len(rows) for s, (rows, _) in zip(shares, evals, strict=True))
    mixed = [s for s in shares if s < 0.98]
    if shares and (not mixed or max(mixed) > 0.02):
        words = f"{overlap / n:.0%} of the evaluated examples were trained on"
        if not mixed:
            words += ": nothing else is evaluated"
        return _act(
            "P1e", "validation data", words, "split the data before anything else, and deduplicate it"
        )
    return _ok("P1e", "validation data", "no evaluated example was trained on")


def _duplicates(a: Facts) -> Finding | None:
    """Within a batch, where an epoch without replacement has no example twice whatever the order of epochs."""
    batches = [p.rows for p in a.train if len(p.rows) > 1]
    if not batches:
        return None
    share = sum(len(rows) - len(set(rows)) for rows in batches) / sum(len(rows) for rows in batches)
    if share > 0.01 and not _with_replacement(Counter(row for rows in batches for row in rows)):
        words = f"{share:.1%} of the training examples are in their batch already"
        return _act(
            "P1e",
            "duplicates",
            words,
            "remove the duplicates, or split by group so that none is in two parts",
        )
    return _ok("P1e", "duplicates", f"{share:.1%} of the training examples are in their batch already")


def _with_replacement(counts: Counter[int]) -> bool:
    """Whether examples came up as unevenly as when each is drawn anew: epochs show all equally often, copies a multiple.

    Of Poisson counts without the zeros, which nobody saw, the mean m = r / (1 - exp(-r)) and the variance m (1 + r - m).
    """
    seen = np.array(list(counts.values()), dtype=float)
    m = float(seen.mean())
    if m < 1.01:
        return False
    r = brentq(lambda rate: rate / -math.expm1(-rate) - m, 1e-6, m)
    return bool(seen.var() > 0.5 * m * (1 + r - m))


def _exact(a: Facts) -> Finding | None:
    values = {round(v, 9) for curve in a.curves.values() for v in curve.values()}
    said = {*values, *(round(1 - v, 9) for v in values)}

    def logged(x: float) -> bool:
        return any(abs(x - v) < 2e-7 * max(1.0, abs(x)) for v in said)

    judged = False
    for group in a.passes():
        sizes = [p.size for p in group]
        if len(group) < 2 or len(set(sizes)) == 1:
            continue
        for numbers in (_per_batch(group, lambda p: p.loss), _per_batch(group, _accuracy)):
            if numbers is None:
                continue
            exact = sum(x * n for x, n in zip(numbers, sizes, strict=True)) / sum(sizes)
            plain = sum(numbers) / len(numbers)
            judged = True
            if abs(plain - exact) > 1e-6 * max(1.0, abs(exact)) and logged(plain) and not logged(exact):
                words = f"a metric is the mean over batches ({plain:.6g}); over examples it is {exact:.6g}"
                return _act("P85", "last batch", words, "sum over examples; tunewise.evaluate does it")
    return _ok("P85", "last batch", "partial batches are weighted by their size") if judged else None


def _per_batch(group: list[Pass], of: Callable[[Pass], float | None]) -> list[float] | None:
    numbers = [of(p) for p in group]
    return None if any(x is None for x in numbers) else [float(x) for x in numbers if x is not None]


def _share_correct(group: list[Pass]) -> float | None:
    shares = _per_batch(group, _accuracy)
    return None if shares is None else sum(s * p.size for s, p in zip(shares, group, strict=True))


def _accuracy(p: Pass) -> float | None:
    return None if p.n_correct is None else p.n_correct / p.size


def _schedule(a: Facts) -> Finding | None:
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
        return _act(
            "P81", "schedule", words, "call scheduler.step(), or let trial.optimizer make the schedule"
        )
    return _ok("P81", "schedule", "the learning-rate schedule is stepped")


def _accumulation(a: Facts) -> Finding | None:
    """One line of code that is called k times before a step accumulates; several lines are several losses."""
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
        return _act("P7", "accumulation", words, f"divide each loss by {k}", f"loss = loss / {k}")
    return _ok("P7", "accumulation", f"{k} backward passes a step, each loss scaled by {middle:.3g}")


def _stale(a: Facts, b: Facts) -> Finding:
    if a.loaded_itself:
        words = "a kept state is the model's own memory, not a copy: loading it restores nothing"
        return _act(
            "P89", "checkpoint", words, "keep copies: {k: v.clone() for k, v in model.state_dict().items()}"
        )
    evaluated_at = [p.at_step for p in a.evaluations]
    if evaluated_at and len({p.weights for p in a.evaluations}) == 1:
        between = {p.weights for p in a.train if min(evaluated_at) <= p.at_step < max(evaluated_at)}
        if len(between) > 1:
            return _act("P89", "checkpoint", "the evaluated weights never change while others are trained",
                        "evaluate the trained weights, or copy them before each evaluation",
                        "evaluated.load_state_dict(model.state_dict())")  # fmt: skip
    if a.train and b.train and b.train[0].weights != a.train[0].weights:
        known = {p.weights for p in [*a.train[1:], *a.evals]}
        if b.train[0].weights in known:
            return _act("P89", "checkpoint", "a second run starts from the weights of the first",
                        "make the model anew in every trial, and load no file that an earlier trial wrote",
                        "model = build(trial)")  # fmt: skip
    return _ok("P89", "checkpoint", "every run starts anew and evaluates what it trains")


def _accounted(a: Facts) -> Finding | None:
    said = []
    tuned = {name.rsplit(".", 1)[-1] for name in a.params}
    for kind, defaults in a.optimizers.items():
        fixed = {n: v for n, v in defaults.items() if n in ("lr", "momentum", "betas", "eps", "weight_decay")}
        left = [f"{n}={v}" for n, v in fixed.items() if not any(_same(n, t) for t in tuned)]
        if left:
            said.append(f"{kind}: {', '.join(left)}")
    if not said:
        return None
    return _ok("P4", "optimiser", f"not tuned, so conclusions hold for these values: {'; '.join(said)}")


def _same(setting: str, tuned: str) -> bool:
    return tuned == setting or (setting in ("betas", "momentum") and setting.rstrip("s") in tuned)


def _not_tuned(a: Facts) -> Finding | None:
    wrong = [
        n
        for n in a.params
        if n.rsplit(".", 1)[-1] in ("batch_size", "max_steps", "n_steps", "n_epochs", "epochs")
    ]
    if not wrong:
        return None
    code = "P11" if "batch" in wrong[0] else "P67"
    words = f"{wrong[0]} is searched like a hyperparameter, so trials differ in what they cost and need other rates"
    return _act(code, wrong[0], words, "fix it by `tunewise batch` or `tunewise steps`, between studies",
                f"tunewise {'batch' if code == 'P11' else 'steps'} train.py:train")  # fmt: skip


def _test_set(train: Train) -> Finding | None:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(train))))
    except (OSError, TypeError, SyntaxError):
        return None
    for node in ast.walk(tree):
        said = None
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            if node.arg == "train" and node.value.value is False:
                said = "train=False"
            elif node.arg == "split" and node.value.value == "test":
                said = 'split="test"'
        elif isinstance(node, ast.Name) and _TEST_NAME.match(node.id):
            said = node.id
        if said is not None:
            return _act("P1f", "test set", f"the tuned function uses the test set: {said}",
                        "tune on a validation part of the training data; look at the test set once, at the end")  # fmt: skip
    return _ok("P1f", "test set", "the tuned function names no test set")
