"""Laws of spaces: the codings are exact inverses, and nothing illegal comes out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewise.errors import SpaceError
from tunewise.space import Categorical, Float, Int, Space, domain_from_json, space_from_json

finite = st.floats(-1e6, 1e6)
positive = st.floats(1e-8, 1e6)
choice = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)


@st.composite
def domains(draw):
    kind = draw(st.sampled_from(["float", "log", "step", "int", "log int", "choice"]))
    if kind == "float":
        low, high = sorted([draw(finite), draw(finite)])
        return Float(low, high)
    if kind == "log":
        low, high = sorted([draw(positive), draw(positive)])
        return Float(low, high, log=True)
    if kind == "step":
        return Float(draw(st.integers(-50, 50)) / 10, 8.0, step=draw(st.sampled_from([0.1, 0.25, 1.0, 3.0])))
    low, high = sorted([draw(st.integers(1, 500)), draw(st.integers(1, 500))])
    if kind == "int":
        return Int(low - 250, high, step=draw(st.integers(1, 7)))
    if kind == "log int":
        return Int(low, high, log=True)
    unique = draw(st.lists(choice, min_size=1, max_size=5, unique_by=lambda c: (type(c), c)))
    return Categorical(tuple(unique), ordered=draw(st.booleans()))


units = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(np.array)


@given(domains(), units)
def test_from_unit_gives_legal_values(domain, u):
    for raw in domain.from_unit(u):
        assert domain.contains(domain.decode(raw))


@given(domains(), units)
def test_unit_and_raw_are_inverses(domain, u):
    raw = domain.from_unit(u)
    again = domain.from_unit(domain.to_unit(raw))
    assert again == pytest.approx(raw, rel=1e-9, abs=1e-9)
    if domain.n_values is not None:
        assert (again == raw).all()


@given(domains(), units)
def test_values_survive_coding(domain, u):
    for raw in domain.from_unit(u):
        value = domain.decode(raw)
        assert domain.decode(domain.encode(value)) == value
        assert type(domain.decode(domain.encode(value))) is type(value)


@given(domains())
def test_domains_survive_json(domain):
    import json

    assert domain_from_json(json.loads(json.dumps(domain.to_json()))) == domain


@given(domains())
def test_finite_domains_list_their_values_evenly(domain):
    if domain.n_values is None or domain.n_values > 2000:
        return
    values = domain.values()
    assert len(values) == domain.n_values == len(set(values.tolist()))
    assert (domain.from_unit(domain.to_unit(values)) == values).all()


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), domains(), min_size=1, max_size=5), st.integers(0, 99)
)
def test_a_space_is_its_domains_side_by_side(named, seed):
    space = Space(named)
    u = np.random.default_rng(seed).random((7, len(named)))
    raw = space.from_unit(u)
    for j, domain in enumerate(space.domains):
        assert raw[:, j] == pytest.approx(domain.from_unit(u[:, j]), rel=1e-12)
    for row in raw:
        assert space.encode(space.decode(row)) == pytest.approx(row, nan_ok=True)
    assert space_from_json(space.to_json()) == space
    assert hash(space_from_json(space.to_json())) == hash(space)


def conditional():
    return Space(
        {
            "opt": Categorical(("sgd", "adam")),
            "momentum": Float(0, 1),
            "nesterov": Categorical((False, True)),
        },
        {"momentum": ("opt", ["sgd"]), "nesterov": ("opt", ["sgd"])},
    )


def test_inactive_parameters_are_nan_and_absent():
    space = conditional()
    for row in space.sample(np.random.default_rng(0), 50):
        params = space.decode(row)
        assert ("momentum" in params) == (params["opt"] == "sgd")


def test_a_grid_holds_each_active_point_once():
    space = Space(
        {"opt": Categorical(("sgd", "adam")), "layers": Int(1, 3), "nesterov": Categorical((False, True))},
        {"nesterov": ("opt", ["sgd"])},
    )
    grid = space.grid()
    assert len(grid) == space.n_points == 3 * 2 + 3
    assert len({str(row) for row in grid}) == len(grid)


def test_steps_are_written_as_a_person_would():
    assert Float(0, 1, step=0.1).decode(Float(0, 1, step=0.1).from_unit(np.array(0.35))) == 0.3
    assert Float(0, 1, step=0.3).high == 0.9


def test_a_log_scale_is_even_in_the_exponent():
    u = Float(1e-4, 1e-0, log=True).to_unit(np.array([1e-4, 1e-2, 1.0]))
    assert u == pytest.approx([0, 0.5, 1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Float(1, 0),
        lambda: Float(0, 1, log=True),
        lambda: Float(0, math.inf),
        lambda: Float(math.nan, 1),
        lambda: Float(0, 1, step=0),
        lambda: Float(0.1, 1, log=True, step=0.1),
        lambda: Float("0", 1),
        lambda: Float(-1.7e308, 1.7e308),
        lambda: Int(0, 2**60),
        lambda: Int(0, 1.5),
        lambda: Int(0, 9, log=True),
        lambda: Int(1, 9, step=0),
        lambda: Categorical(()),
        lambda: Categorical((1, 1)),
        lambda: Categorical(([1],)),
        lambda: Categorical((math.nan,)),
        lambda: Space({"": Float(0, 1)}),
        lambda: Space({"x": 3}),
        lambda: Space({"x": Float(0, 1)}, {"x": ("y", [1])}),
        lambda: Space({"a": Int(0, 1), "b": Int(0, 1)}, {"a": ("b", [1]), "b": ("a", [1])}),
        lambda: Space({"x": Float(0, 1)}).grid(),
        lambda: Space({"x": Float(0, 1)}).encode({"x": 2}),
        lambda: Space({"x": Float(0, 1)}).encode({"y": 0.5}),
        lambda: Categorical(("a",)).encode("b"),
        lambda: Float(0, 1).encode("0.5"),
        lambda: Int(0, 3).encode(True),
    ],
)
def test_nonsense_is_refused_in_a_sentence(make):
    with pytest.raises(SpaceError, match=r"\w+ .+ \w+"):
        make()


def test_choices_of_different_types_stay_apart():
    domain = Categorical((1, True, 1.0, "1", None))
    assert [domain.decode(domain.encode(c)) for c in domain.choices] == list(domain.choices)
    assert [type(domain.decode(domain.encode(c))) for c in domain.choices] == [
        int,
        bool,
        float,
        str,
        type(None),
    ]


def test_pinned_points_have_the_pinned_values_and_earlier_points_stay_points():
    space = Space(
        {
            "opt": Categorical(("sgd", "adam")),
            "lr": Float(1e-4, 1, log=True),
            "m": Float(0.0, 1.0),
            "n": Int(1, 3),
        },
        {"m": ("opt", ["sgd"])},
    )
    pinned = space.pinned({"opt": "sgd", "lr": 0.1})
    points = pinned.sample(np.random.default_rng(0), 20)
    assert all(pinned.decode(row) | {"opt": "sgd", "lr": 0.1} == pinned.decode(row) for row in points)
    assert not np.isnan(points).any()
    other = space.encode({"opt": "adam", "lr": 0.5, "n": 2})
    assert pinned.decode(other) == {"opt": "adam", "lr": 0.5, "n": 2}
    assert pinned != space
    assert pinned.pinned({}) == space
    whole = space.pinned({"lr": 0.1, "m": 0.5})
    assert whole.n_points == len(whole.grid()) == 6
    assert pinned.subset(["lr", "n"]).pins == {"lr": 0.1}
    with pytest.raises(SpaceError, match="'lr'"):
        space.pinned({"lr": 3.0})
