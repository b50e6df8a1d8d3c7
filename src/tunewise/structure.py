"""How a define-by-run space hangs together, found from which parameters finished trials asked for.

Parameters that always appeared together form a group. A group that only some trials asked for is explained where one discrete
parameter decides about it: every value of that parameter either always or never came with the group. Explained groups
join the space of their parent under that condition, so that a sampler can suggest all of it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from tunewise.space import Domain, Space
from tunewise.types import Choice

_MOST_VALUES = 64


class Structure(NamedTuple):
    """The parameters of a study as spaces that share no condition, each to be suggested at once."""

    groups: tuple[tuple[str, ...], ...]  # names, in the order of their first appearance
    when: Mapping[str, tuple[str, tuple[Choice, ...]]]

    def group_of(self, name: str) -> tuple[str, ...]:
        """The names that are suggested together with ``name``."""
        return next((group for group in self.groups if name in group), (name,))

    def space(self, group: Iterable[str], domains: Mapping[str, Domain]) -> Space:
        """The space of a group; without what no present value of its parent brings along."""
        inside: dict[str, Domain] = {}
        when: dict[str, tuple[str, tuple[Choice, ...]]] = {}
        for name in group:
            if name in self.when:
                parent, values = self.when[name]
                known = tuple(
                    value for value in values if parent in inside and inside[parent].contains(value)
                )
                if not known:
                    continue
                when[name] = parent, known
            inside[name] = domains[name]
        return Space(inside, when)


class Evidence:
    """Which combinations of parameters were asked for, and with which values of the discrete ones they came.

    Values are kept only once there are two combinations, since one alone needs no explanation.
    """

    def __init__(self) -> None:
        self.combinations: dict[tuple[str, ...], int] = {}
        self._seen: dict[tuple[str, Choice], set[int]] = {}
        self.version = 0

    def add(self, names: tuple[str, ...], params: Mapping[str, Choice]) -> None:
        """Count one trial; ``params`` are its discrete parameters. O(len(params))."""
        if names not in self.combinations:
            self.combinations[names] = len(self.combinations)
            self.version += 1
        index = self.combinations[names]
        for pair in params.items():
            known = self._seen.setdefault(pair, set())
            if index not in known:
                known.add(index)
                self.version += 1

    def values(self, name: str) -> dict[Choice, set[int]]:
        """For each value seen of a discrete parameter, the combinations that it came with."""
        return {value: indices for (other, value), indices in self._seen.items() if other == name}


def find_structure(evidence: Evidence, domains: Mapping[str, Domain]) -> Structure:
    """Groups and the conditions that explain them; ``domains`` are in the order of first appearance. O(p^2) values."""
    membership = _memberships(evidence, domains)
    blocks: dict[frozenset[int], list[str]] = {}
    for name, inside in membership.items():
        blocks.setdefault(inside, []).append(name)
    if len(blocks) == 1:
        return Structure(tuple(tuple(names) for names in blocks.values()), {})
    when: dict[str, tuple[str, tuple[Choice, ...]]] = {}
    for names in blocks.values():
        found = _explanation(names[0], membership, evidence, domains)
        if found is not None:
            when.update(dict.fromkeys(names, found))
    return Structure(_components(membership, blocks.values(), when), when)


def _memberships(evidence: Evidence, domains: Mapping[str, Domain]) -> dict[str, frozenset[int]]:
    member: dict[str, set[int]] = {}
    for names, index in evidence.combinations.items():
        for name in names:
            member.setdefault(name, set()).add(index)
    return {name: frozenset(member[name]) for name in domains if name in member}


def _explanation(
    first: str, membership: Mapping[str, frozenset[int]], evidence: Evidence, domains: Mapping[str, Domain]
) -> tuple[str, tuple[Choice, ...]] | None:
    """What decides about the group of ``first``, and with which values: of the earlier parameters that do, the one of fewest."""
    inside = membership[first]
    earlier = takewhile(lambda name: name != first, membership)
    candidates = [
        name
        for name in earlier
        if inside < membership[name] and (domains[name].n_values or _MOST_VALUES + 1) <= _MOST_VALUES
    ]
    for name in sorted(candidates, key=lambda n: domains[n].n_values or 0):
        verdicts = {value: _verdict(indices, inside) for value, indices in evidence.values(name).items()}
        if None in verdicts.values() or len(set(verdicts.values())) < 2:
            continue
        active = _active_values(domains[name], {value: bool(verdict) for value, verdict in verdicts.items()})
        if active:
            return name, active
    return None


def _verdict(indices: set[int], inside: frozenset[int]) -> bool | None:
    """Whether a value always (True) or never (False) came with the group; None for sometimes."""
    return True if indices <= inside else False if indices.isdisjoint(inside) else None


def _active_values(domain: Domain, verdicts: Mapping[Choice, bool]) -> tuple[Choice, ...]:
    """The values of a domain that bring the group along.

    A number that was not seen yet goes with the nearest one seen; an unordered choice is taken not to bring it.
    """
    values = [domain.decode(raw) for raw in domain.values().tolist()]
    if not domain.is_numeric:
        return tuple(value for value in values if verdicts.get(value, False))
    seen = [value for value in verdicts if domain.contains(value)]
    if not seen:
        return ()
    place = domain.to_unit(np.array([domain.encode(value) for value in seen]))
    mine = domain.to_unit(domain.values())
    nearest = np.abs(mine[:, None] - place[None, :]).argmin(axis=1)
    return tuple(value for value, j in zip(values, nearest.tolist(), strict=True) if verdicts[seen[j]])


def _components(
    membership: Mapping[str, frozenset[int]],
    blocks: Iterable[Sequence[str]],
    when: Mapping[str, tuple[str, tuple[Choice, ...]]],
) -> tuple[tuple[str, ...], ...]:
    """Blocks joined to those that their conditions lie in."""
    root = {name: block[0] for block in blocks for name in block}

    def top(name: str) -> str:
        first = root[name]
        return top(when[first][0]) if first in when else first

    groups: dict[str, list[str]] = {}
    for name in membership:
        groups.setdefault(top(name), []).append(name)
    return tuple(tuple(names) for names in groups.values())
