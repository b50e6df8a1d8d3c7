"""Trials as the data frame that Optuna's users know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tunewise.errors import MissingExtra
from tunewise.optuna.trial import FrozenTrial

ATTRS = (
    "number",
    "value",
    "datetime_start",
    "datetime_complete",
    "duration",
    "params",
    "user_attrs",
    "state",
)
_MAPPINGS = ("params", "user_attrs", "constraints", "intermediate_values", "distributions")


def data_frame(trials: Iterable[FrozenTrial], n_goals: int, attrs: Sequence[str], multi_index: bool) -> Any:
    """One row a trial; ``params`` and other mappings get a column for each key, named ``params_lr``.

    With ``multi_index`` the columns are pairs such as ("params", "lr"). With several goals ``value`` gives
    ``values_0``, ``values_1``, ...

    Raises:
        MissingExtra: pandas is not installed.
        AttributeError: a trial has no such attribute.
    """
    try:
        import pandas as pd
    except ImportError:
        raise MissingExtra("pandas", "data", "A data frame") from None
    rows = [dict(cell for attr in attrs for cell in _cells(trial, attr, n_goals)) for trial in trials]
    keys = dict.fromkeys(key for row in rows for key in row)
    columns = sorted(keys, key=lambda key: (_place(key, attrs), key[1] if key[0] in _MAPPINGS else ""))
    frame = pd.DataFrame([[row.get(key) for key in columns] for row in rows])
    if multi_index:
        frame.columns = pd.MultiIndex.from_tuples(columns)
    else:
        frame.columns = pd.Index([attr if key == "" else f"{attr}_{key}" for attr, key in columns])
    return frame


def _cells(trial: FrozenTrial, attr: str, n_goals: int) -> list[tuple[tuple[str, Any], Any]]:
    if attr == "value" and n_goals > 1:
        values = dict(enumerate(trial.values or ()))
        return [(("values", goal), values.get(goal)) for goal in range(n_goals)]
    value = getattr(trial, attr)
    if attr in _MAPPINGS:
        return [((attr, str(key)), item) for key, item in value.items()]
    return [((attr, ""), value.name if attr == "state" else value)]


def _place(key: tuple[str, Any], attrs: Sequence[str]) -> int:
    return list(attrs).index("value" if key[0] == "values" and "values" not in attrs else key[0])
