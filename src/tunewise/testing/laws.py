"""What must not matter to a sampler, as laws that raise AssertionError where it does.

`SAMPLER_LAWS` has them one by one, for a parametrised test. A law is called with a function that makes the sampler anew, and with
``finite_only`` where that needs a finite space. Not every sampler promises every law: brute force follows the order of the names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Protocol

from tunewise.samplers import Sampler
from tunewise.space import Categorical, Domain, Float, Int, Space
from tunewise.study import create_study
from tunewise.trial import Trial
from tunewise.types import Choice, Params

Make = Callable[[], Sampler]

_DOMAINS: Mapping[str, Domain] = {
    "x": Float(1e-4, 1.0, log=True),
    "k": Categorical(("a", "b", "c")),
    "n": Int(1, 8),
    "m": Float(0.0, 1.0),
}
_FINITE: Mapping[str, Domain] = {
    **_DOMAINS,
    "x": Categorical((1e-4, 1e-3, 1e-2, 0.1), ordered=True),
    "m": Float(0.0, 1.0, step=0.25),
}
_WHEN = {"m": ("k", ["a", "b"])}
_CONSTANTS: Mapping[str, Domain] = {
    "a first": Int(3, 3),
    "kind": Categorical(("it",)),
    "only": Float(2.0, 2.0),
    "z last": Float(0.0, 0.4, step=0.5),
}


class Law(Protocol):
    """A sampler is held to it."""

    __name__: str

    def __call__(self, make: Make, finite_only: bool = False, n_trials: int = 16) -> None:
        """Raises AssertionError where the law is broken."""
        ...


def the_same_seed_gives_the_same_points(make: Make, finite_only: bool = False, n_trials: int = 16) -> None:
    """Two studies of one seed are alike, and of another seed are not."""
    space = _space(finite_only)
    first = _points(make, space, n_trials)
    _same(first, _points(make, space, n_trials), "a second run with the same seed")
    assert first != _points(make, space, n_trials, seed=6), "Another seed gave the same points."


def the_order_of_parameters_changes_nothing(
    make: Make, finite_only: bool = False, n_trials: int = 16
) -> None:
    """A space declared backwards."""
    space = _space(finite_only)
    backwards = Space({name: space[name] for name in reversed(space.names)}, space.when)
    _same(_points(make, space, n_trials), _points(make, backwards, n_trials), "the order of the parameters")


def a_constant_parameter_changes_nothing(make: Make, finite_only: bool = False, n_trials: int = 16) -> None:
    """Parameters with a single value, before, between and after the others, one of them under a condition; declared or not."""
    space = _space(finite_only)
    mixed = [pair for pairs in zip_longest(_CONSTANTS.items(), space.items()) for pair in pairs if pair]
    longer = Space(dict(mixed), {**space.when, "only": ("k", ["b"])})
    for declared in (True, False):
        found = _points(make, longer, n_trials, declared=declared)
        for point in found:
            wanted = {name for name in _CONSTANTS if name != "only" or point["k"] == "b"}
            assert wanted == set(point) & set(_CONSTANTS), f"A constant is missing, or too many: {point}."
        plain = [{name: value for name, value in point.items() if name in space} for point in found]
        without = _points(make, space, n_trials, declared=declared)
        _same(without, plain, "a parameter that has a single value")


def the_unit_and_the_zero_of_the_loss_change_nothing(
    make: Make, finite_only: bool = False, n_trials: int = 16
) -> None:
    """A positive affine change of the losses; points may differ by its rounding, as models climb to them."""
    space = _space(finite_only)
    changed = _points(make, space, n_trials, scale=3.0, shift=-7.0)
    _same(_points(make, space, n_trials), changed, "the unit of the loss", within=1e-5)


def the_sign_of_the_loss_changes_nothing(make: Make, finite_only: bool = False, n_trials: int = 16) -> None:
    """Maximising the negative."""
    space = _space(finite_only)
    turned = _points(make, space, n_trials, scale=-1.0)
    _same(_points(make, space, n_trials), turned, "maximising the negative")


SAMPLER_LAWS: tuple[Law, ...] = (
    the_same_seed_gives_the_same_points,
    the_order_of_parameters_changes_nothing,
    a_constant_parameter_changes_nothing,
    the_unit_and_the_zero_of_the_loss_change_nothing,
    the_sign_of_the_loss_changes_nothing,
)


def _space(finite_only: bool) -> Space:
    return Space(_FINITE if finite_only else _DOMAINS, _WHEN)


def _points(
    make: Make,
    space: Space,
    n_trials: int,
    seed: int = 5,
    scale: float = 1.0,
    shift: float = 0.0,
    declared: bool = True,
) -> list[Params]:
    study = create_study(
        sampler=make(),
        seed=seed,
        space=space if declared else None,
        direction="minimize" if scale > 0 else "maximize",
    )
    found = []
    for _ in range(n_trials):
        trial = study.ask()
        params = trial.params if declared else _asked(trial, space)
        study.tell(trial, scale * _loss(params) + shift)
        found.append(params)
    return found


def _asked(trial: Trial, space: Space) -> Params:
    """The parameters asked for one by one, as an objective does."""
    for name, domain in space.items():
        parent, values = space.when.get(name, ("", ()))
        if parent and trial.params.get(parent) not in values:
            continue
        if isinstance(domain, Categorical):
            trial.suggest_categorical(name, domain.choices, ordered=domain.ordered)
        elif isinstance(domain, Int):
            trial.suggest_int(name, domain.low, domain.high, step=domain.step, log=domain.log)
        else:
            trial.suggest_float(name, domain.low, domain.high, step=domain.step, log=domain.log)
    return trial.params


def _loss(params: Params) -> float:
    """Lowest at x = 0.01, k = a, n = 5, m = 1."""
    x, n, m = (float(params.get(name, 0.0) or 0.0) for name in "xnm")
    return (math.log10(x) + 2) ** 2 / 4 + (n - 5) ** 2 / 16 + (m - 1) ** 2 + 0.5 * (params["k"] != "a")


def _same(expected: list[Params], found: list[Params], what: str, within: float = 0.0) -> None:
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        is_same = one.keys() == other.keys() and all(_close(one[name], other[name], within) for name in one)
        assert is_same, f"Trial {number}: {what} changed {one} to {other}."


def _close(one: Choice, other: Choice, within: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=within, abs_tol=within)
    return one == other
