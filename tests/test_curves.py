"""Curves: sorting forgets the order of arrival, and the first report of a step counts."""

from hypothesis import given
from hypothesis import strategies as st

from tunewise.curves import CurveColumns

reports = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.floats(allow_nan=False)), max_size=150)


@given(reports)
def test_columns_and_single_curves_agree_with_a_dict(rows):
    columns = CurveColumns()
    expected: dict[int, dict[int, float]] = {}
    for trial, step, value in rows:
        columns.append(trial, step, value)
        expected.setdefault(trial, {}).setdefault(step, value)
    curves = columns.sorted()
    for trial in range(6):
        steps, values = curves.of(trial)
        assert dict(zip(steps.tolist(), values.tolist(), strict=True)) == expected.get(trial, {})
        assert steps.tolist() == sorted(expected.get(trial, {}))
        assert columns.of(trial) == expected.get(trial, {})
    numbers, last_steps, last_values = curves.last()
    assert numbers.tolist() == sorted(expected)
    for trial, step, value in zip(numbers, last_steps, last_values, strict=True):
        assert step == max(expected[trial])
        assert value == expected[trial][step]
