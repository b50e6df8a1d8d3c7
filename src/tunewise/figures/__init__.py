"""Figures: one file a picture, arrays first, then one Altair (Vega-Lite) chart.

Every ``*_rows`` function returns plain records, which are what tests look at; every ``*_chart`` draws them.
"""

from tunewise.figures.adoption import adoption_chart, adoption_rows
from tunewise.figures.axis import axis_chart, axis_rows
from tunewise.figures.curves import curves_chart, curves_rows
from tunewise.figures.history import history_chart, history_rows
from tunewise.figures.importance import importance_chart, importance_rows
from tunewise.figures.variance import variance_chart, variance_rows

__all__ = [
    "adoption_chart",
    "adoption_rows",
    "axis_chart",
    "axis_rows",
    "curves_chart",
    "curves_rows",
    "history_chart",
    "history_rows",
    "importance_chart",
    "importance_rows",
    "variance_chart",
    "variance_rows",
]
