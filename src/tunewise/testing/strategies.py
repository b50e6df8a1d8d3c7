"""Hypothesis strategies for domains and spaces. Needs hypothesis, which is imported when one is called."""

from __future__ import annotations

from typing import Any

from tunewise.errors import MissingExtra
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
