"""Exhaustive search of a finite define-by-run space: every leaf of the objective's decision tree once.

The tree is known only as far as trials went. Its levels are the parameters in the order in which the study met them: a
parameter that is asked for only under some condition was met after those that decide about it, so that the values above
a node always determine which parameter comes next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from tunewise.errors import SearchExhausted, SettingError
from tunewise.records import TrialState
from tunewise.space import Space
from tunewise.trials import Trials
from tunewise.types import FloatArray

_Step = tuple[str, int, float]  # a parameter, how many values it has, and the raw value taken


class _Node(NamedTuple):
    """A parameter and its values tried so far; a leaf has no parameter. Never changed, only replaced."""

    parameter: str
    n_values: int
    children: Mapping[float, _Node]
    exhausted: bool


_LEAF = _Node("", 0, {}, True)


@dataclass(frozen=True)
class BruteForce:
    """Visits every combination of finite parameters once, in random order; any number of goals.

    Works for conditional spaces that show themselves only as the objective runs. A trial counts as a visit as soon as
    it has its parameters, and even if it fails. A suggestion costs O(n) in the worst case, mostly O(d).

    Raises:
        SettingError: (when used) a parameter is continuous.
        SearchExhausted: (when used) every combination has been visited or is being run.
    """

    name: ClassVar[str] = "brute_force"
    version: ClassVar[int] = 1

    def suggest(self, trials: Trials, space: Space, number: int, rng: np.random.Generator) -> FloatArray:
        """Values, one parameter after the other, below which something is left to visit."""
        visited = trials.fold("brute force", None, _with_trial)
        taken = visited
        for other in np.flatnonzero(trials.state == TrialState.RUNNING):
            if other != number:
                taken = _with_trial(taken, trials, int(other))
        try:
            return _point(taken, trials, space, number, rng)
        except SearchExhausted:
            if trials.info.space is not None:
                raise
            # a running trial may ask for more, and be no leaf yet
            return _point(visited, trials, space, number, rng)


def _point(
    tree: _Node | None, trials: Trials, space: Space, number: int, rng: np.random.Generator
) -> FloatArray:
    """A point that has not been visited; what the space rules out counts as visited."""
    before = _path(trials, number)
    place = {name: i for i, name in enumerate(dict.fromkeys([*trials.names, *space.names]))}
    while True:
        raw = _descend(tree, space, before, rng)
        if space.allowed(raw):
            return raw
        here = [
            (name, space[name].n_values or 0, x)
            for name, x in zip(space.names, raw.tolist(), strict=True)
            if x == x
        ]
        tree = _with_path(tree, sorted([*before, *here], key=lambda step: place[step[0]]))


def _descend(
    tree: _Node | None, space: Space, before: Sequence[_Step], rng: np.random.Generator
) -> FloatArray:
    pins = {name: float(space.axis(name)[0]) for name in space.pins}
    chosen = {name: value for name, _, value in before}
    raw = np.full(space.n_dims, np.nan)
    for j in _parents_first(space):
        name = space.names[j]
        if not _is_active(space, name, chosen):
            continue
        raw[j] = chosen[name] = _choose(tree, space, name, {**pins, **chosen}, rng)
    return raw


def _choose(
    tree: _Node | None, space: Space, name: str, chosen: Mapping[str, float], rng: np.random.Generator
) -> float:
    domain = space[name]
    if domain.n_values is None and name not in space.pins:
        raise SettingError(
            f"{name!r} is continuous, {domain}; brute force needs a step or a list of choices."
        )
    for value in rng.permutation(space.axis(name)).tolist():
        if _has_unvisited(tree, {**chosen, name: value}):
            return float(value)
    raise SearchExhausted("Every combination of the parameters has been visited.")


def _has_unvisited(node: _Node | None, chosen: Mapping[str, float]) -> bool:
    """Whether some leaf that agrees with the values ``chosen`` has not been visited."""
    if node is None:
        return True
    if node.exhausted:
        return False
    if node.parameter in chosen:
        return _has_unvisited(node.children.get(chosen[node.parameter]), chosen)
    untried = len(node.children) < node.n_values
    return untried or any(_has_unvisited(child, chosen) for child in node.children.values())


def _with_trial(tree: _Node | None, trials: Trials, number: int) -> _Node | None:
    return _with_path(tree, _path(trials, number))


def _with_path(node: _Node | None, path: Sequence[_Step]) -> _Node:
    """The tree with one more visit; only the nodes on the path are made anew."""
    if not path:
        return node or _LEAF
    parameter, n_values, value = path[0]
    children = dict(node.children) if node is not None and node.parameter == parameter else {}
    children[value] = _with_path(children.get(value), path[1:])
    exhausted = len(children) == n_values and all(child.exhausted for child in children.values())
    return _Node(parameter, n_values, children, exhausted)


def _path(trials: Trials, number: int) -> list[_Step]:
    """A trial's values in the order in which the study met the parameters."""
    row = trials.row(number)
    steps = [
        (name, row.domains[name].n_values or 0, row.domains[name].encode(row.params[name]))
        for name in row.params
    ]
    place = {name: i for i, name in enumerate(trials.names)}
    return sorted(steps, key=lambda step: place[step[0]])


def _parents_first(space: Space) -> list[int]:
    def depth(name: str) -> int:
        return 1 + depth(space.when[name][0]) if name in space.when else 0

    return sorted(range(space.n_dims), key=lambda j: depth(space.names[j]))


def _is_active(space: Space, name: str, chosen: Mapping[str, float]) -> bool:
    if name not in space.when:
        return True
    parent, values = space.when[name]
    return parent in chosen and chosen[parent] in {space[parent].encode(value) for value in values}
