"""P11, P12, P15, P18, P19, P67: is the question one question, and does every parameter have the role it should have?

For a given goal a hyperparameter is scientific (the question is about it), nuisance (tuned so that the comparison is fair)
or fixed (then every conclusion is conditional on its value). All others than the scientific ones begin as nuisance
parameters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tunewise.playbook.commands import fix, recreate, search, suggest
from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.playbook.steps import batch_trap
from tunewise.space import Categorical, Domain, Float, Space
from tunewise.types import Choice

_RATE = ("lr", "learning_rate", "eta")
_MOMENTA = ("momentum", "beta1", "beta2")
_LENGTH = (
    "max_steps",
    "max_train_steps",
    "n_steps",
    "steps",
    "epochs",
    "n_epochs",
    "num_epochs",
    "num_train_epochs",
)
_BATCH = ("batch_size", "batchsize", "train_batch_size", "batch")
_SHAPE = (
    "n_layers",
    "num_layers",
    "layers",
    "depth",
    "width",
    "hidden_size",
    "hidden",
    "units",
    "channels",
    "n_heads",
)


class Default(NamedTuple):
    """What a kind of hyperparameter usually is, and why."""

    role: str
    why: str


def default_role(name: str) -> Default:
    """The playbook's rule of thumb (P19) for a hyperparameter, by its name."""
    last = _last(name)
    if last in _RATE:
        return Default("nuisance", "its best value depends on nearly everything else")
    if last == "eps" or any(word in last for word in (*_MOMENTA, "weight_decay", "warmup", "decay", "clip")):
        return Default("nuisance", "optimiser settings interact with most other changes")
    if last in _SHAPE:
        return Default(
            "fixed", "it changes the cost of training and serving; make it scientific to ask about it"
        )
    if last in _BATCH:
        return Default("fixed", "it sets the speed of training, not its quality; choose it by throughput")
    if last in _LENGTH:
        return Default("fixed", "the length of training is chosen between studies, not searched")
    if last.startswith("use_") or last in ("optimizer", "optimiser", "activation", "norm", "schedule"):
        return Default("scientific", "on or off, or which one, is a question of its own")
    return Default("nuisance", "nothing is known about it yet")


def is_of_optimiser(name: str) -> bool:
    """Whether a name, without a prefix of its own, is a setting that optimisers have."""
    known = (*_RATE, *_MOMENTA, *(f"one_minus_{m}" for m in _MOMENTA), "eps", "weight_decay")
    return name.lower() in known


def is_optimiser(name: str) -> bool:
    """Whether a name is the choice of an optimiser."""
    return _last(name) in ("optimizer", "optimiser", "opt", "optim")


def propose_roles(
    space: Space, scientific: Sequence[str] = (), fixed: Sequence[str] = (), budget: int | None = None,
    shares: Mapping[str, float] | None = None,
) -> dict[str, tuple[str, str]]:  # fmt: skip
    """{name: (role, reason)} for a round (P18).

    Named ones are as named; all others begin as nuisance. With a ``budget`` of trials that cannot feed them (fewer than 5 a
    nuisance parameter), those that interact least with the scientific ones (``shares``, from an earlier round; else the
    rules of thumb) are proposed as fixed, and the reason says which caveat that makes.

    Raises:
        KeyError: a name that the space does not have.
    """
    for name in (*scientific, *fixed):
        space[name]
    roles = dict.fromkeys(space, ("nuisance", "not named, so it is tuned along"))
    roles.update(dict.fromkeys(fixed, ("fixed", "as asked; conclusions hold for its value only")))
    roles.update(dict.fromkeys(scientific, ("scientific", "the question is about it")))
    nuisance = [name for name, (role, _) in roles.items() if role == "nuisance"]
    if budget is None or budget >= 5 * len(nuisance):
        return roles

    def worth(name: str) -> float:
        if shares is not None:
            return shares.get(name, 0.0)
        return {"nuisance": 1.0, "scientific": 0.5, "fixed": 0.0}[default_role(name).role] + 0.5 * (
            _last(name) in _RATE
        )

    for name in sorted(nuisance, key=worth)[: len(nuisance) - max(1, budget // 5)]:
        why = "interacted least in earlier rounds" if shares is not None else default_role(name).why
        roles[name] = ("fixed", f"{budget} trials cannot tune {len(nuisance)} nuisance parameters; {why}")
    return roles


def caveats(roles: Mapping[str, str], values: Mapping[str, Choice]) -> list[str]:
    """What every conclusion of a round is conditional on: one sentence a fixed parameter."""
    return [
        f"{name} was fixed{f' at {values[name]!r}' if name in values else ''}: the conclusion may not hold for other values."
        for name, role in roles.items()
        if role == "fixed"
    ]


def role_checks(evidence: Evidence) -> list[Finding]:
    """P15, P19, P11, P67 for a study; nothing where neither names nor roles tell of a problem."""
    found = [
        *_wrong_direction(evidence),
        *_one_question(evidence),
        *_wrong_roles(evidence),
        *_wrong_scales(evidence),
        *_batches(evidence),
    ]
    if found:
        return found
    if all(domain.n_values == 1 for domain in evidence.space.values()):
        return [
            Finding(
                "P19",
                "roles",
                Verdict.NA,
                "No parameter was searched, so none has a role.",
                needs="parameters",
            )
        ]
    return [
        Finding("P19", "roles", Verdict.OK, "No parameter has a role or a scale that is known to mislead.")
    ]


_UP = (
    "acc",
    "auc",
    "f1",
    "score",
    "reward",
    "return",
    "r2",
    "bleu",
    "map",
    "iou",
    "precision",
    "recall",
    "top_1",
    "top_5",
)
_DOWN = (
    "loss",
    "error",
    "err",
    "rmse",
    "mse",
    "mae",
    "perplexity",
    "ppl",
    "nll",
    "regret",
    "wer",
    "cost",
    "latency",
)


def better_when(metric: str) -> str | None:
    """The direction that a metric's name suggests, "minimize" or "maximize"; None where it suggests none or both."""
    parts = metric.lower().replace("/", "_").replace("-", "_").replace(".", "_").split("_")
    up = any(part.startswith(word) for part in parts for word in _UP)
    down = any(part.startswith(word) for part in parts for word in _DOWN)
    return None if up == down else "maximize" if up else "minimize"


def _wrong_direction(evidence: Evidence) -> Iterator[Finding]:
    """P1: an accuracy that is minimised, or a loss that is maximised, by its name."""
    goal = evidence.trials.goals[0]
    other = better_when(goal.name)
    if other in (None, goal.direction):
        return
    yield Finding(
        "P1",
        "direction",
        Verdict.ACT,
        f"{goal.name} is {goal.direction}d, so the worst trials are taken for the best.",
        next_action=f'create the study with direction "{other}"',
        command=recreate(evidence, str(other)),
        threshold_source="the name of the metric",
    )


def _one_question(evidence: Evidence) -> Iterator[Finding]:
    scientific = [n for n, role in evidence.roles.items() if role == "scientific" and n in evidence.space]
    if len(scientific) < 2:
        return
    worst, pair = 0.0, (scientific[0], scientific[1])
    for i, a in enumerate(scientific):
        for b in scientific[i + 1 :]:
            x, y = evidence.column(a), evidence.column(b)
            known = ~(np.isnan(x) | np.isnan(y))
            if known.sum() < 3 or min(x[known].std(), y[known].std()) == 0:
                continue
            r = abs(float(np.corrcoef(x[known], y[known])[0, 1]))
            worst, pair = max((worst, pair), (r, (a, b)))
    aliased = worst > 0.3
    words = f"Two questions in one round: {' and '.join(scientific)}"
    words += (
        f"; the values of {pair[0]} and {pair[1]} went together (|r| = {worst:.2f}), so their effects cannot be told apart."
        if aliased
        else ", crossed evenly, so that their effects can be told apart."
    )
    yield Finding(
        "P15", "one question", Verdict.ACT if aliased else Verdict.OK, words, effect=worst, threshold=0.3,
        threshold_source="correlation of the designs", data_used=f"{len(evidence.rows)} trials",
        next_action="split the round, or run all combinations equally often" if aliased else "",
        command=_round(evidence, scientific[:1]) if aliased else "",
    )  # fmt: skip


def _wrong_roles(evidence: Evidence) -> Iterator[Finding]:
    roles = evidence.roles
    for name in evidence.space:
        last = _last(name)
        if last in _LENGTH and evidence.space[name].n_values != 1:
            yield Finding(
                "P67", name, Verdict.ACT, f"{name} was searched: a longer run is nearly always better, so it crowds at its end.",
                next_action=f"fix {name} within a study, and choose it between studies from the curves (P39 to P41)",
                command=fix(evidence, name, _highest(evidence.space[name])), threshold_source="the playbook's rule",
            )  # fmt: skip
        if last in _BATCH and roles.get(name, "nuisance") != "fixed" and evidence.space[name].n_values != 1:
            yield Finding(
                "P11", name, Verdict.UNSURE,
                f"{name} was searched together with all else. Its best value is a matter of speed; quality is the same where "
                "learning rate and regularisation are tuned for each size.",
                next_action=f"fix {name} at the largest size that still speeds training up, or run one matched study a size",
                threshold_source="the playbook's rule",
            )  # fmt: skip
    scientific = [n for n, role in roles.items() if role == "scientific"]
    rates = [n for n in roles if _last(n) in _RATE]
    if scientific and rates and all(roles[n] == "fixed" for n in rates):
        yield Finding(
            "P19", "roles", Verdict.ACT,
            f"The learning rate ({', '.join(rates)}) is fixed while {', '.join(scientific)} is compared: the value for which "
            "that rate happens to be right wins.",
            next_action="make the learning rate a nuisance parameter", threshold_source="the playbook's rule",
            command=_round(evidence, scientific, [n for n, role in roles.items() if role == "nuisance" or n in rates]),
        )  # fmt: skip


def _wrong_scales(evidence: Evidence) -> Iterator[Finding]:
    for name, domain in evidence.space.items():
        last = _last(name)
        if not isinstance(domain, Float) or domain.log:
            continue
        momentum = any(word in last for word in _MOMENTA) and "one_minus" not in last
        if momentum and domain.high >= 0.99 and domain.low <= 0.5:
            reason = "what matters is 1 - momentum, and most of its scale lies in the last tenth of the range"
            action = f"search 1 - {name} on a log scale, such as 0.005..0.5"
            command = f"{last} = 1 - {suggest(f'one_minus_{name}', Float(0.005, 0.5, log=True))}"
        elif (
            (last in _RATE or "weight_decay" in last)
            and domain.low >= 0
            and domain.high >= 30 * max(domain.low, domain.high / 1e3)
        ):
            reason = f"its range spans {_decades(domain)}, of which a linear scale explores only the last"
            action = f"search {name} on a log scale: suggest_float(..., log=True)"
            command = search(evidence, name, Float(domain.low or domain.high / 1e4, domain.high, log=True))
        else:
            continue
        yield Finding("P19", f"scale of {name}", Verdict.ACT, f"{name} was searched on a linear scale: {reason}.",
                      next_action=action, command=command, threshold_source="the playbook's rule")  # fmt: skip


def _batches(evidence: Evidence) -> Iterator[Finding]:
    """P10 where batch sizes are compared: each with its own rate, and not all for the same number of epochs."""
    names = [
        n
        for n, role in evidence.roles.items()
        if role == "scientific" and _last(n) in _BATCH and n in evidence.space
    ]
    numbers, last, _ = evidence.curves.last()
    steps = dict(zip(numbers.tolist(), last.tolist(), strict=True))
    tuned = any(_last(n) in _RATE and role == "nuisance" for n, role in evidence.roles.items())
    for name in names:
        sizes = evidence.space[name].from_unit(evidence.column(name))
        arms, examples = {}, {}
        for size, code in (
            (evidence.space[name].decode(float(raw)), raw) for raw in np.unique(sizes[np.isfinite(sizes)])
        ):
            rows = np.flatnonzero((sizes == code) & evidence.feasible & ~evidence.pruned)
            lengths = [steps[n] for n in evidence.rows[rows].tolist() if n in steps]
            if len(rows) and isinstance(size, int):
                arms[size] = evidence.loss[rows].tolist()
                examples[size] = float(np.median(lengths)) * size if lengths else float(size)
        if len(arms) > 1:
            yield batch_trap(arms, examples, dict.fromkeys(arms, tuned))


def _round(evidence: Evidence, scientific: Sequence[str], nuisance: Sequence[str] = ()) -> str:
    """A round about these parameters, each at the values that were seen."""
    arms = {name: _seen(evidence, name) for name in scientific}
    tuned = f", nuisance={list(nuisance)!r}" if nuisance else ""
    return f"project.round({f'effect of {scientific[0]}'!r}, scientific={arms!r}{tuned})"


def _seen(evidence: Evidence, name: str) -> list[Choice]:
    if name not in evidence.space:
        return []
    domain, u = evidence.space[name], np.unique(evidence.column(name)[~np.isnan(evidence.column(name))])
    return [domain.decode(float(raw)) for raw in domain.from_unit(u)]


def _highest(domain: Domain) -> Choice:
    return domain.choices[-1] if isinstance(domain, Categorical) else domain.high


def _decades(domain: Float) -> str:
    return (
        "every scale down to 0" if domain.low <= 0 else f"{math.log10(domain.high / domain.low):.1f} decades"
    )


def stale_after(changed: Sequence[str], tuned: Sequence[str]) -> list[str]:
    """P12, P51, P68: tuned parameters (in the order in which to tune them again) that a change of others makes stale.

    A new batch size, optimiser, architecture, data set or augmentation moves optimiser settings first, then regularisation, then
    the schedule and the number of steps.
    """
    words = (
        "batch",
        "optimizer",
        "optimiser",
        "layers",
        "depth",
        "width",
        "hidden",
        "arch",
        "data",
        "augment",
        *_LENGTH,
    )
    if not any(any(word in _last(name) for word in words) for name in changed):
        return []

    def rank(name: str) -> int:
        last = _last(name)
        if last in _RATE or last == "eps" or any(w in last for w in _MOMENTA):
            return 0
        if any(w in last for w in ("decay", "dropout", "smoothing", "augment", "mixup")):
            return 1
        return 2 if any(w in last for w in ("schedule", "warmup", *_LENGTH)) else 3

    return sorted((n for n in tuned if n not in changed and rank(n) < 3), key=rank)


def _last(name: str) -> str:
    """The part of a name after its last dot, in lower case, without an optimiser's prefix ("sgd_lr" is "lr")."""
    last = name.lower().rpartition(".")[2]
    for prefix in ("sgd_", "adam_", "adamw_", "nadam_", "nesterov_", "base_", "peak_", "max_", "init_"):
        if last.startswith(prefix) and last not in _LENGTH:
            return last.removeprefix(prefix)
    return last
