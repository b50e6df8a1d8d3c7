"""Facts survive their JSON, and a reader skips what it does not know."""

import math

import pytest

from tunewise.errors import SettingError
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
    Unreadable,
    decode,
    encode,
    to_plain,
)
from tunewise.records import Goal, TrialState
from tunewise.space import Categorical, Float, Int, Space

SPACE = Space({"o": Categorical(("a", 1, None)), "x": Float(1e-5, 1, log=True)}, {"x": ("o", ["a"])})
FACTS = [
    StudyCreated((Goal("e", "maximize"), Goal("t")), 2**63, 1.5, SPACE, {"name": "tpe"}, {"name": "never"}),
    StudyNoted({"a": [1, {"b": None}]}),
    SpaceSet(SPACE),
    TrialQueued(0, {"x": 0.5, "o": None}, {"seed": 3}, 2.5),
    TrialStarted(0, "tpe", "host-1", 3.5),
    ParamsSet(0, {"x": 0.1, "n": 3}, {"n": Int(1, 5)}, 7),
    ParamsSet(0, {"x": 0.1}, {}, 7, True),
    ParamsDropped(0, ("x", "n")),
    Reported(0, 3, {"loss": 0.25}, 4.5),
    Noted(0, {"text": "é\n\x00😀"}),
    Constrained(0, {"c": -1.0}),
    TrialFinished(0, TrialState.COMPLETE, (0.5, 1e-300), None, 5.5),
    TrialFinished(0, TrialState.INFEASIBLE, None, "nan", 5.5),
    TrialFinished(0, TrialState.PRUNED, None, None, 5.5, "host-1-ab", 3.5),
    TrialQueued(NEW, {}, {}, 2.5, "host-1-ab"),
    TrialStarted(NEXT, "tpe", "host-1-ab", 3.5),
    TrialReleased(0, "host-1-ab", True, "lost", 4.0),
    TrialWithdrawn(0, False, "wrong data", 6.0),
    ArtifactStored(None, "plot.png", "s/ab/plot.png", 12, "00ff", 7.0),
]


def test_every_fact_survives_json():
    again = [fact for batch in decode([encode([fact]) for fact in FACTS]) for fact in batch]
    assert [tuple(f)[:2] for f in again] == [tuple(f)[:2] for f in FACTS]
    assert again[0] == FACTS[0]
    for fact, read in zip(FACTS, again, strict=True):
        assert type(read) is type(fact)
        assert encode([read]) == encode([fact])


def test_nan_and_infinities_survive_as_strict_json():
    body = encode([Reported(0, 1, {"a": math.nan, "b": math.inf, "c": -math.inf}, 0.0)])
    assert "NaN" not in body
    assert "Infinity" not in body
    metrics = decode([body])[0][0].metrics
    assert math.isnan(metrics["a"])
    assert (metrics["b"], metrics["c"]) == (math.inf, -math.inf)


def test_unknown_facts_and_fields_of_a_newer_program_are_skipped():
    assert decode(['[["hologram",1,2],["note",3,{"a":1},"new field"]]']) == [[Noted(3, {"a": 1})]]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[1",
        "[],[]",
        '[["note"]] [["note"]]',
        "{}",
        "[[]]",
        "[" * 100_000,
        '[["finish",0,99,null,null,0.0]]',
    ],
)
def test_what_is_no_batch_is_named_and_harms_no_other(body):
    sound = [Noted(3, {"a": 1})]
    before, damaged, after = decode([encode(sound), body, encode(sound)])
    assert before == after == sound
    assert [type(fact) for fact in damaged] == [Unreadable]
    assert len(damaged[0].reason) <= 200


def test_attributes_become_plain():
    import numpy as np

    assert to_plain({"a": np.float64(1.5), "b": np.arange(2), 3: (1, {2})}) == {
        "a": 1.5,
        "b": [0, 1],
        "3": [1, [2]],
    }
    with pytest.raises(SettingError, match="cannot be stored"):
        to_plain({"f": test_attributes_become_plain})
