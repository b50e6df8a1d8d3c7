import io

from tunewise.cli.rows import flat_rows, one_kind_a_column, write_csv
from tunewise.records import FrozenTrial, Goal, TrialState

GOALS = (Goal("error"), Goal("seconds"))
RECORDS = [
    FrozenTrial(
        0,
        TrialState.COMPLETE,
        {"lr": 0.1},
        (0.5, 3.0),
        user_attrs={"a": [1]},
        started_at=0.0,
        finished_at=2.0,
    ),
    FrozenTrial(
        1, TrialState.FAILED, {"act": "relu, gelu"}, constraints={"memory": -1.0}, reason='said "no"'
    ),
]


def test_columns_come_in_kinds():
    columns, rows = flat_rows(RECORDS, GOALS)
    assert columns[:8] == [
        "number",
        "state",
        "error",
        "seconds",
        "started_at",
        "finished_at",
        "duration",
        "reason",
    ]
    assert columns[8:] == ["params_lr", "params_act", "user_attrs_a", "constraints_memory"]
    assert rows[0]["finished_at"] == "1970-01-01T00:00:02.000+00:00"
    assert rows[1]["error"] is None


def test_csv_quotes_what_needs_it():
    out = io.StringIO()
    write_csv(RECORDS, GOALS, out)
    assert out.getvalue().splitlines()[1] == (
        "0,complete,0.5,3.0,1970-01-01T00:00:00.000+00:00,1970-01-01T00:00:02.000+00:00,2.0,,0.1,,[1],"
    )
    assert out.getvalue().splitlines()[2] == '1,failed,,,,,,"said ""no""",,"relu, gelu",,-1.0'


def test_only_columns_of_mixed_kinds_become_text():
    rows = [{"a": 1, "b": 1, "c": None}, {"a": "x", "b": 0.5, "c": True}, {"a": None, "d": "y"}]
    assert one_kind_a_column(rows) == [
        {"a": "1", "b": 1, "c": None},
        {"a": "x", "b": 0.5, "c": True},
        {"a": None, "d": "y"},
    ]


def test_no_trials_are_an_empty_table():
    assert flat_rows([], GOALS) == ([], [])
