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
from collections.abc import Callable, Mapping
from typing import Any

from scipy.stats import kendalltau

from tunewise.errors import TrialInfeasible, TrialPruned
from tunewise.playbook import Finding, Findings, Verdict
from tunewise.records import Goal
from tunewise.torch.cures import act, ok
from tunewise.torch.decorator import Objective
from tunewise.torch.examples import duplicates, exact, leak, order, seeds, share_correct
from tunewise.torch.measured import classes, fed, points, read_from_device, sample
from tunewise.torch.observe import Enough, Facts, observing
from tunewise.torch.place import unseen
from tunewise.torch.states import accumulation, batch_norm, eval_mode, schedule, stale
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
            _finite(a, goal), _direction(a, goal, train), eval_mode(a), batch_norm(a), seeds(a, b, c), order(a, c),
            leak(a), duplicates(a), exact(a), schedule(a), accumulation(a), stale(a, b, goal), _accounted(a),
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


def _ends(a: Facts) -> Finding:
    if a.error is not None and not isinstance(a.error, TrialPruned | TrialInfeasible):
        words = f"it raises {type(a.error).__name__}: {a.error}"
        return act("P1a", "runs", words, "mend the error; nothing else was checked to the end")
    if not a.n_steps:
        return act("P1a", "runs", "no PyTorch optimiser took a step", "give the function that trains")
    return ok("P1a", "runs", f"it trained for {a.n_steps} steps")


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
        return act(
            "P1b", "finite metrics", bad[0], "see how the metric is computed, then lower the learning rate"
        )
    values = list(a.curves.get(goal.name, {}).values())
    seen = [correct for group in a.passes() if (correct := share_correct(group)) is not None]
    if len(values) >= 3 and len(set(values)) == 1 and seen and max(seen) > seen[0]:
        words = f"{goal.name} stayed at {values[0]:.4g} in {len(values)} evaluations, while more predictions became right"
        return Finding(
            "P1b", "finite metrics", Verdict.UNSURE, words, next_action="see whether the metric is wired up"
        )
    return ok("P1b", "finite metrics", "every logged metric is finite")


def _direction(a: Facts, goal: Goal, train: Train) -> Finding:
    name = goal.name.lower()
    minimised = goal.direction == "minimize"
    opposite = "maximize" if minimised else "minimize"
    wrong = _HIGHER if minimised else _LOWER
    called = [name, *(_returned(train) if name == "value" else ())]
    if any(wrong.search(each) for each in called):
        return act(
            "P1b",
            "direction",
            f"{next(each for each in called if wrong.search(each))} is to be {goal.direction}d",
            f'say direction="{opposite}"',
            f'tunewise.create_study(direction="{opposite}")',
        )
    values = [goal.sign * v for v in a.curves.get(goal.name, {}).values()]
    named = _HIGHER.search(name) or _LOWER.search(name)
    third = max(1, len(a.losses) // 3)
    fell = len(a.losses) >= 6 and sum(a.losses[-third:]) < 0.8 * sum(a.losses[:third])
    if not named and fell and len(values) >= 4 and kendalltau(range(len(values)), values).statistic > 0.7:
        words = f"{goal.name} became worse and worse while the training loss fell by a fifth or more"
        return act("P1b", "direction", words, f'say direction="{opposite}", or log what you mean',
                    f'tunewise.create_study(direction="{opposite}")')  # fmt: skip
    return ok("P1b", "direction", f"{goal.name} is to be {goal.direction}d")


def _returned(train: Train) -> list[str]:
    """The names of the variables that a function returns or reports as they are."""
    tree = _source(train)
    names = []
    for node in [] if tree is None else ast.walk(tree):
        said = node.value if isinstance(node, ast.Return) else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "report":
            said = node.args[0] if node.args else None
        if isinstance(said, ast.Name):
            names.append(said.id.lower())
    return names


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
    return ok("P4", "optimiser", f"not tuned, so conclusions hold for these values: {'; '.join(said)}")


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
    return act(code, wrong[0], words, "fix it by `tunewise batch` or `tunewise steps`, between studies",
                f"tunewise {'batch' if code == 'P11' else 'steps'} train.py:train")  # fmt: skip


def _test_set(train: Train) -> Finding | None:
    tree = _source(train)
    if tree is None:
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
            return act("P1f", "test set", f"the tuned function uses the test set: {said}",
                        "tune on a validation part of the training data; look at the test set once, at the end")  # fmt: skip
    return ok("P1f", "test set", "the tuned function names no test set")


def _source(train: Train) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(train))))
    except (OSError, TypeError, SyntaxError):
        return None
