"""Hypothesis strategies for domains, spaces and facts. Needs hypothesis, which is imported when one is called."""

from __future__ import annotations

import math
from typing import Any

from tunewise.errors import MissingExtra
from tunewise.events import (
    NEW,
    NEXT,
    ArtifactStored,
    Constrained,
    Noted,
    ParamsDropped,
    ParamsSet,
    Reported,
    SpaceSet,
    StudyCreated,
    StudyNoted,
    TrialFinished,
    TrialQueued,
    TrialReleased,
    TrialStarted,
    TrialWithdrawn,
)
from tunewise.records import Goal, TrialState
from tunewise.space import Categorical, Domain, Float, Int, Space


def domains() -> Any:
    """Any domain: linear, log and stepped numbers, ordered and unordered choices. Raises MissingExtra."""
    st = _strategies()
    finite, positive = st.floats(-1e6, 1e6), st.floats(1e-8, 1e6)
    whole = st.integers(1, 500)
    choice = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
    choices = st.lists(choice, min_size=1, max_size=5, unique_by=lambda c: (type(c), c))
    return st.one_of(
        st.tuples(finite, finite).map(lambda ends: Float(min(ends), max(ends))),
        st.tuples(positive, positive).map(lambda ends: Float(min(ends), max(ends), log=True)),
        st.tuples(st.integers(-50, 50), st.sampled_from([0.1, 0.25, 1.0])).map(
            lambda v: Float(v[0] / 10, 8.0, step=v[1])
        ),
        st.tuples(whole, whole, st.integers(1, 7)).map(
            lambda v: Int(min(v[:2]) - 250, max(v[:2]), step=v[2])
        ),
        st.tuples(whole, whole).map(lambda ends: Int(min(ends), max(ends), log=True)),
        st.tuples(choices, st.booleans()).map(lambda v: Categorical(tuple(v[0]), ordered=v[1])),
    )


def spaces(max_dims: int = 5) -> Any:
    """A space of 1 to ``max_dims`` parameters without conditions. Raises MissingExtra."""
    st = _strategies()
    names = st.text("abcdefgh._", min_size=1, max_size=4)
    named: Any = st.dictionaries(names, domains(), min_size=1, max_size=max_dims)
    return named.map(_space)


def _space(named: dict[str, Domain]) -> Space:
    return Space(named)


def _strategies() -> Any:
    try:
        from hypothesis import strategies
    except ImportError:
        raise MissingExtra("hypothesis", "test", "Drawing random spaces") from None
    return strategies


def facts() -> Any:
    """Any fact that can be stored, with odd numbers and texts. Raises MissingExtra."""
    st = _strategies()
    text = st.text(max_size=6)
    real = st.floats(allow_nan=False) | st.sampled_from([math.inf, -math.inf])
    number, claim, at = st.integers(0, 2**40), st.sampled_from([NEXT, NEW]), st.floats(0, 4e9)
    choice = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | real | text
    plain = st.recursive(
        choice, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2)
    )
    attrs, params = st.dictionaries(text, plain, max_size=3), st.dictionaries(text, choice, max_size=3)
    metrics = st.dictionaries(text, real, max_size=3)
    ends = st.sampled_from([state for state in TrialState if state.is_finished])
    values = st.none() | st.lists(real, min_size=1, max_size=3).map(tuple)
    goals = st.lists(
        st.builds(Goal, text, st.sampled_from(["minimize", "maximize"])), min_size=1, max_size=3
    ).map(tuple)
    return st.one_of(
        st.builds(
            StudyCreated, goals, st.integers(0, 2**64 - 1), at, st.none() | spaces(), attrs, attrs, attrs
        ),
        st.builds(StudyNoted, attrs),
        st.builds(SpaceSet, spaces()),
        st.builds(TrialQueued, claim, params, attrs, at, text),
        st.builds(TrialStarted, claim, text, text, at),
        st.builds(
            ParamsSet, number, params, st.dictionaries(text, domains(), max_size=2), number, st.booleans()
        ),
        st.builds(ParamsDropped, number, st.lists(text, max_size=3).map(tuple)),
        st.builds(Reported, number, number, metrics, at),
        st.builds(Noted, number, attrs),
        st.builds(Constrained, number, metrics),
        st.builds(TrialFinished, number, ends, values, st.none() | text, at, text, st.none() | at),
        st.builds(TrialReleased, number, text, st.booleans(), text, at),
        st.builds(TrialWithdrawn, number, st.booleans(), text, at),
        st.builds(ArtifactStored, st.none() | number, text, text, number, text, at),
    )
