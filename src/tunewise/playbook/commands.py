"""The line that does what a finding asks for, in the words of whoever runs the study.

A round is asked by its verbs, a study of tunewise is loaded and goes on, a training that suggests its own ranges (Optuna's too)
gets a new line. Who wrote a table of trials is not known, so `tunewise ask` draws the points that are missing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Any

from tunewise.playbook.evidence import Evidence
from tunewise.records import TrialState
from tunewise.space import Categorical, Domain, Float, Int, Space
from tunewise.types import Choice

_REGULARISERS: Mapping[str, Domain] = {
    "weight_decay": Float(1e-6, 1e-1, log=True),
    "dropout": Float(0.0, 0.5),
    "label_smoothing": Float(0.0, 0.2),
}
WARM_UP = "torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=max_steps // 20)"
DECAY = "torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max_steps)"
SHUFFLE = "torch.utils.data.DataLoader(train_set, batch_size, shuffle=True)"


def more_trials(evidence: Evidence, n: int) -> str:
    """Run n more trials of the same space."""
    if evidence.command:
        return evidence.call(f"run({len(evidence.rows) + n})")
    if _is_table(evidence):
        return _drawn(evidence.space, evidence)
    return f"{_study(evidence)}.optimize(train, n_trials={n})"


def more_of(evidence: Evidence, name: str, missing: Mapping[Choice, int]) -> str:
    """Run so many more trials of some values of a parameter."""
    if _is_table(evidence):
        return _drawn(evidence.space.replace(**{name: Categorical(tuple(missing))}), evidence)
    queued = " + ".join(f"[{_shown(value)}] * {n}" for value, n in missing.items())
    queue = f"[study.enqueue_trial({{{name!r}: value}}) for value in {queued}]"
    return f"{_loading(evidence)}{queue}; study.optimize(train, n_trials={sum(missing.values())})"


def search(evidence: Evidence, name: str, domain: Domain, n: int | None = None) -> str:
    """Search a parameter in another range than before, or a new one; ``n`` trials of it where the study goes on."""
    if evidence.command:
        changed = f"space={evidence.command}.space.replace({keywords({name: _made(domain)})})"
        return f"project.round({f'{name} anew'!r}, {changed})"
    if _is_table(evidence):
        return _drawn(evidence.space.replace(**{name: domain}), evidence)
    if evidence.trials.info.space is None or not _is_ours(evidence):
        return suggest(name, domain)
    space = f"study.info.space.replace({keywords({name: _made(domain)})})"
    goes_on = f"; study.optimize(train, n_trials={n})" if n else ""
    return f"{_loading(evidence)}study.set_space({space}){goes_on}"


def fix(evidence: Evidence, name: str, value: Choice) -> str:
    """Keep a parameter at one value."""
    if evidence.command:
        return f"project.round({f'{name} fixed'!r}, fixed={{{name!r}: {_shown(value)}}})"
    domain = evidence.space[name]
    if isinstance(domain, Categorical):
        return search(evidence, name, Categorical((value,)))
    kind: Any = Float if isinstance(domain, Float) else Int
    return search(evidence, name, kind(value, value, log=domain.log))


def regulariser(evidence: Evidence, steps: int) -> str:
    """Search a regulariser that is not searched yet; where all are, train for fewer ``steps``."""
    for name, domain in _REGULARISERS.items():
        if not any(name in known.lower() for known in evidence.space):
            return search(evidence, name, domain)
    return train_for(steps)


def warm_up(evidence: Evidence) -> str:
    """Let the learning rate rise at first; a project's training finds the least length that cures it."""
    return "project.stability(warmup=True)" if evidence.command else WARM_UP


def train_for(steps: int) -> str:
    """The length of training is set in the training function."""
    return f"max_steps = {steps}"


def listing(evidence: Evidence, state: TrialState) -> str:
    """Look at the trials in a state."""
    if evidence.source:
        return f"tunewise trials {evidence.source} --state {state.name.lower()}"
    study = f"{evidence.command}.study" if evidence.command else "study"
    return f"[trial for trial in {study}.trials if trial.state.name == {state.name!r}]"


def recreate(evidence: Evidence, direction: str) -> str:
    """The study anew, in the other direction: a study keeps its goals."""
    if evidence.command:
        return f'tunewise.Project({evidence.trials.info.name.partition("/")[0] + "-2"!r}, train, direction="{direction}")'
    if _is_table(evidence) and evidence.source:
        return f"tunewise check {evidence.source} --direction {direction}"
    return f'create_study(direction="{direction}")'


def keywords(values: Mapping[str, str]) -> str:
    """Written values as the arguments of a call; a name with a dot, or that Python keeps for itself, is none."""
    if all(name.isidentifier() and not iskeyword(name) for name in values):
        return ", ".join(f"{name}={value}" for name, value in values.items())
    return f"**{{{', '.join(f'{name!r}: {value}' for name, value in values.items())}}}"


def suggest(name: str, domain: Domain) -> str:
    """The line of a training function that asks for a value."""
    if isinstance(domain, Categorical):
        return f"trial.suggest_categorical({name!r}, [{', '.join(map(_shown, domain.choices))}])"
    kind = "float" if isinstance(domain, Float) else "int"
    return f"trial.suggest_{kind}({name!r}, {_settings(domain)})"


# --- who runs the study -----------------------------------------------------------------------------------------------


def _is_ours(evidence: Evidence) -> bool:
    return "reader" not in evidence.trials.user_attrs


def _is_table(evidence: Evidence) -> bool:
    """Whether the trials come from elsewhere, and from no tuner that could go on with them."""
    reader = evidence.trials.user_attrs.get("reader")
    return reader is not None and not str(reader.get("source", "")).startswith("Optuna")


def _study(evidence: Evidence) -> str:
    """The study as a Python expression."""
    if not evidence.source or not _is_ours(evidence):
        return "study"
    name = evidence.trials.info.name
    storage = shlex.split(evidence.source)[0].removesuffix(f"::{name}")
    return f"tunewise.load_study({name!r}, {storage!r})"


def _loading(evidence: Evidence) -> str:
    """What comes before a line about ``study`` where that is not at hand."""
    study = _study(evidence)
    return "" if study == "study" else f"study = {study}; "


def _drawn(space: Space, evidence: Evidence) -> str:
    """Draw a point in the shell; a space that cannot be typed there is written as lines of a training function."""
    words = {name: _typed(domain) for name, domain in space.items()}
    if None in words.values():
        return "; ".join(suggest(name, domain) for name, domain in space.items())
    name = Path(evidence.trials.info.name or "study").stem
    place = shlex.quote(f"more.db::{name}")
    return f"tunewise ask {place} --sampler qmc --space {shlex.quote(json.dumps(words))}"


def _typed(domain: Domain) -> Any:
    if isinstance(domain, Categorical):
        return list(domain.choices)
    if domain.step not in (None, 1):
        return None
    low, high = (
        (_shown(float(f"{end:.4g}")) for end in (domain.low, domain.high))
        if isinstance(domain, Float)
        else (str(domain.low), str(domain.high))
    )
    return f"{'log ' * domain.log}{low}..{high}"


# --- how a range is written -------------------------------------------------------------------------------------------


def _made(domain: Domain) -> str:
    if isinstance(domain, Categorical):
        order = ", ordered=True" if domain.ordered else ""
        return f"tunewise.Categorical([{', '.join(map(_shown, domain.choices))}]{order})"
    return f"tunewise.{type(domain).__name__}({_settings(domain)})"


def _settings(domain: Float | Int) -> str:
    step = f", step={_shown(domain.step)}" if domain.step not in (None, 1) else ""
    return f"{_shown(domain.low)}, {_shown(domain.high)}{', log=True' * domain.log}{step}"


def _shown(value: Choice) -> str:
    """A value as it is typed: floats without the last digits that arithmetic leaves behind."""
    return repr(float(f"{value:.12g}")) if isinstance(value, float) else repr(value)
