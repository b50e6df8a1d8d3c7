"""Figures: one file a picture, arrays first, then one Altair (Vega-Lite) chart.

Every ``*_rows`` function returns plain records, which are what tests look at; every ``*_chart`` draws them. `picture_of`
draws what a finding carries, `dossier` what a decision does. `terminal` draws the same records in characters.
"""

from tunewise.figures.adoption import (
    adoption_chart,
    adoption_rows,
    look_chart,
    look_rows,
    posterior_chart,
    posterior_rows,
)
from tunewise.figures.axis import axis_chart, axis_rows, profile_rows
from tunewise.figures.curves import (
    best_step_chart,
    best_step_rows,
    curve_chart,
    curve_rows,
    curves_chart,
    curves_rows,
    label_chart,
    label_rows,
)
from tunewise.figures.draw import Picture, dossier, picture_of
from tunewise.figures.history import history_chart, history_rows
from tunewise.figures.importance import importance_chart, importance_rows
from tunewise.figures.infeasible import infeasible_chart, infeasible_rows, map_chart, map_rows
from tunewise.figures.isolation import isolation_chart, isolation_rows
from tunewise.figures.launches import launch_chart, launch_rows
from tunewise.figures.sensitivity import (
    interaction_chart,
    interaction_rows,
    sensitivity_chart,
    sensitivity_rows,
    shift_chart,
    shift_rows,
)
from tunewise.figures.tuning import tuning_chart, tuning_rows
from tunewise.figures.variance import variance_chart, variance_rows

__all__ = [
    "Picture",
    "adoption_chart",
    "adoption_rows",
    "axis_chart",
    "axis_rows",
    "best_step_chart",
    "best_step_rows",
    "curve_chart",
    "curve_rows",
    "curves_chart",
    "curves_rows",
    "dossier",
    "history_chart",
    "history_rows",
    "importance_chart",
    "importance_rows",
    "infeasible_chart",
    "infeasible_rows",
    "interaction_chart",
    "interaction_rows",
    "isolation_chart",
    "isolation_rows",
    "label_chart",
    "label_rows",
    "launch_chart",
    "launch_rows",
    "look_chart",
    "look_rows",
    "map_chart",
    "map_rows",
    "picture_of",
    "posterior_chart",
    "posterior_rows",
    "profile_rows",
    "sensitivity_chart",
    "sensitivity_rows",
    "shift_chart",
    "shift_rows",
    "tuning_chart",
    "tuning_rows",
    "variance_chart",
    "variance_rows",
]
