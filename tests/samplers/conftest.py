"""Quiet studies, and one with everything that a space can have."""

import pytest

import tunewise as tw


@pytest.fixture(autouse=True)
def _quiet(quiet):
    pass


@pytest.fixture
def mixed():
    """Numbers on three scales, choices, constants and a condition; the best point has loss 0."""
    return tw.Space(
        {
            "rate": tw.Float(1e-4, 1.0, log=True),
            "kind": tw.Categorical(("a", "b", "c")),
            "depth": tw.Int(1, 8),
            "momentum": tw.Float(0.0, 1.0),
            "fixed": tw.Float(3.0, 3.0),
            "only": tw.Categorical(("it",)),
        },
        {"momentum": ("kind", ["a", "b"])},
    )


@pytest.fixture
def loss():
    """A loss on ``mixed`` that is smallest at rate 0.01, kind a, depth 5, momentum 0.9."""
    import math

    def of(params):
        distance = (math.log10(params["rate"]) + 2) ** 2 / 4 + (params["depth"] - 5) ** 2 / 16
        return distance + (params.get("momentum", 0.0) - 0.9) ** 2 + 0.5 * (params["kind"] != "a")

    return of
