"""What all checks need to know about a study: which trials count, how they were chosen, and the unit of effects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from tunewise.curves import Curves
from tunewise.records import TrialState
from tunewise.space import Categorical, Domain, Space
from tunewise.stats.surrogate import Surrogate, fit_surrogate, grid_of, profile
from tunewise.trials import Trials
from tunewise.types import BoolArray, FloatArray, IntArray

NON_ADAPTIVE = ("qmc", "random", "grid", "brute_force")
MATCHED = (
    "matched"  # noted by trials whose points were drawn beforehand, the same ones for each scientific value
)
_ENOUGH_PLAIN = 20  # trials chosen without looking at results, to do without the others
_ENOUGH_COMPLETE = 15  # complete trials, to do without the pruned ones
MOST_DIMS = 40  # a surrogate of more parameters would learn nothing from the trials a person can pay for


@dataclass(frozen=True)
class Evidence:
    """The finished trials of one study, k of them, and the scale on which effects are judged.

    Attributes:
        rows: (k,) complete, pruned or infeasible trials, chosen without looking at results unless ``adaptive``.
        X: (k, d) unit cube, NaN where inactive.
        loss: (k,) NaN where infeasible; a pruned trial counts as its last report, and as no better than the upper quartile.
        infeasible, pruned: (k,).
        adaptive: whether the trials were chosen by looking at results.
        noise_sd: SD over seeds at a fixed good configuration, None where it was not measured; ``noise_source`` says how.
        min_effect: the smallest change worth acting on.
        roles: {name: "scientific" | "nuisance" | "fixed"}; empty where nothing was said.
        best_of: how many trials the search had of which only the winners are here; 0 for a whole study.
        n_validation: examples in the validation set, None where unknown.
        command: the Python expression for the round, with which commands begin.
        source: the words for this study on the command line; empty where it was not named there.
    """

    trials: Trials
    space: Space
    rows: IntArray
    X: FloatArray
    loss: FloatArray
    infeasible: BoolArray
    pruned: BoolArray
    adaptive: bool
    noise_sd: float | None = None
    noise_source: str = "not measured"
    min_effect: float = 0.0
    roles: Mapping[str, str] = field(default_factory=dict)
    best_of: int = 0
    n_validation: int | None = None
    command: str = ""
    source: str = ""

    def call(self, verb: str) -> str:
        """The line that does something about a finding, ``project.round("...").repair()``; empty for a plain study."""
        return f"{self.command}.{verb}" if self.command else ""

    @property
    def sign(self) -> float:
        """+1 where smaller values are better, -1 where larger ones are: a loss times this is the user's value."""
        return self.trials.goals[0].sign

    @property
    def unit(self) -> float | None:
        """The larger of the smallest effect of interest and the noise; None where neither is known."""
        known = [x for x in (self.noise_sd, self.min_effect) if x]
        return max(known) if known else None

    @property
    def unit_source(self) -> str:
        """Where the unit comes from, in words."""
        if self.unit is None:
            return "not measured"
        if self.noise_sd and self.noise_sd >= self.min_effect:
            return f"noise over seeds ({self.noise_source})"
        return "the smallest effect of interest"

    @property
    def feasible(self) -> BoolArray:
        """(k,) trials that have a loss."""
        return ~np.isnan(self.loss)

    @property
    def n_feasible(self) -> int:
        """How many trials have a loss."""
        return int(self.feasible.sum())

    @property
    def is_flat(self) -> bool:
        """Whether all losses are the same, so that no trial is better than another."""
        known = self.loss[self.feasible]
        return not len(known) or not float(np.ptp(known)) > 0

    @cached_property
    def with_worst(self) -> FloatArray:
        """(k,) losses in which a diverged trial is as bad as the worst; all 0 where every trial diverged."""
        known = self.loss[self.feasible]
        return np.where(self.feasible, self.loss, known.max() if len(known) else 0.0)

    def best_rows(self, k: int) -> IntArray:
        """Numbers of the k best complete trials, best first."""
        complete = self.feasible & ~self.pruned
        order = np.argsort(np.where(complete, self.loss, np.inf), kind="stable")
        return self.rows[order[: min(k, int(complete.sum()))]]

    @cached_property
    def n_choices(self) -> tuple[int, ...]:
        """(d,) the number of choices of each unordered parameter, 0 for ordered ones."""
        return tuple(0 if is_ordered(d) else int(d.n_values or 0) for d in self.space.domains)

    @cached_property
    def surrogate(self) -> Surrogate | None:
        """A Gaussian process of the feasible trials; None where there are too few, too many parameters, or no spread.

        What a pruned trial would have reached is a guess, so the trials that were pruned take part only where left-out trials
        are predicted better with them than without.
        """
        if self.space.n_dims > MOST_DIMS:
            return None
        sets = [self.feasible]
        if self.pruned.any() and (self.feasible & ~self.pruned).sum() >= _ENOUGH_COMPLETE:
            sets.append(self.feasible & ~self.pruned)
        fits = [fit_surrogate(self.X[k], self.loss[k], self.n_choices, self.noise_sd) for k in sets]
        return max((f for f in fits if f is not None), key=lambda f: f.agreement, default=None)

    @property
    def trusted(self) -> Surrogate | None:
        """The surrogate, where it predicts left-out trials: rank correlation of 0.3, of 2 / sqrt(n) with fewer than 44 trials.

        Its settings were fitted to the left-out trials too, so with few trials pure noise seems predictable. Most trials of
        an adaptive sampler differ by noise only, which no rank can predict: there a correlation of 0.5 (3 / sqrt(n)) is enough.
        """
        s = self.surrogate
        if s is None:
            return None
        root = math.sqrt(len(s.z))
        predicts = s.agreement >= max(0.3, 2 / root)
        return s if predicts or (self.adaptive and s.correlation >= max(0.5, 3 / root)) else None

    @cached_property
    def _profiles(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        return {}

    def profile(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Grid (g,) and draws (200, g) of a parameter's profile, in warped units. Needs the surrogate; made once a name."""
        if name not in self._profiles:
            assert self.surrogate is not None
            j = self.space.names.index(name)
            grid = grid_of(self.n_choices[j], self.space[name].n_values)
            self._profiles[name] = (grid, profile(self.surrogate, j, grid, self.rng(name)))
        return self._profiles[name]

    @cached_property
    def seconds(self) -> float | None:
        """Median seconds of a trial; None where times were not recorded."""
        spent = (self.trials.finished_at - self.trials.started_at)[self.rows]
        spent = spent[np.isfinite(spent) & (spent > 0)]
        return float(np.median(spent)) if len(spent) else None

    @cached_property
    def curves(self) -> Curves:
        """The curves of the goal."""
        return self.trials.curves()

    def curve(self, number: int, metric: str | None = None) -> tuple[IntArray, FloatArray]:
        """Steps and losses (minimise-oriented) of one trial; another metric is taken as it is. O(log r)."""
        if metric is None:
            step, value = self.curves.of(number)
            return step, self.sign * value
        return self.trials.curves(metric).of(number)

    @cached_property
    def train_metric(self) -> str | None:
        """The metric that is the training loss, by its name; None where none was reported."""
        names = [m for m in self.trials.metrics if "train" in m.lower() and "loss" in m.lower()]
        return min(names, key=len) if names else None

    def column(self, name: str) -> FloatArray:
        """(k,) one parameter in the unit cube."""
        return self.X[:, self.space.names.index(name)]

    def where(self, chosen: BoolArray) -> Evidence:
        """The same study with only some of its trials: chosen (k,)."""
        parts = {name: getattr(self, name)[chosen] for name in ("rows", "X", "loss", "infeasible", "pruned")}
        return replace(self, **parts)

    def rng(self, code: str) -> np.random.Generator:
        """Randomness for one check: the same for the same study, so that a check repeated says the same."""
        return np.random.default_rng([len(self.rows), *code.encode()])


def gather(
    trials: Trials,
    space: Space,
    noise_sd: float | None = None,
    min_effect: float = 0.0,
    command: str = "",
    *,
    noise_source: str = "given",
    roles: Mapping[str, str] | None = None,
    adaptive: bool | None = None,
    n_validation: int | None = None,
    source: str = "",
) -> Evidence:
    """The evidence in a table. O(n d).

    Where a study has at least 20 trials chosen without looking at results (or only such) only those count; fewer, such as
    the first points of a model-based search, would not be enough to judge by. How they were chosen is read from the samplers
    that started them, from the study's attribute "adaptive", or said by ``adaptive``; trials whose sampler is unknown count
    as adaptive.
    """
    X, rows = _unit(trials, space)
    state = trials.state[rows]
    finished = np.isin(state, (TrialState.COMPLETE, TrialState.INFEASIBLE, TrialState.PRUNED))
    said = trials.user_attrs.get("adaptive") if adaptive is None else adaptive
    if isinstance(said, bool):
        is_adaptive, keep = said, finished
    else:
        plain = np.isin(rows, np.concatenate([trials.started_by(name) for name in NON_ADAPTIVE]))
        plain |= np.array([trials.attrs(int(n)).get("design") == MATCHED for n in rows], dtype=bool)
        n_plain = int((finished & plain).sum())
        is_adaptive = n_plain < min(_ENOUGH_PLAIN, int(finished.sum()))
        keep = finished if is_adaptive else finished & plain
    rows, X, state = rows[keep], X[keep], state[keep]
    pruned = state == TrialState.PRUNED
    loss = trials.loss[rows, 0].copy()
    _fill_pruned(trials, rows, pruned, loss)
    best_of = trials.user_attrs.get("best_of", 0)
    return Evidence(
        trials, space, rows, X, loss, state == TrialState.INFEASIBLE, pruned, is_adaptive, noise_sd,
        noise_source if noise_sd else "not measured", min_effect, dict(roles or {}),
        int(best_of) if isinstance(best_of, int) else 0, n_validation, command, source,
    )  # fmt: skip


def _unit(trials: Trials, space: Space) -> tuple[FloatArray, IntArray]:
    """X (k, d) and rows (k,) of the trials all of whose values lie in the space; NaN where a trial has no such parameter.

    Spaces that were found by running need not say when a parameter is active, so what a trial was not given counts as inactive.
    """
    raw = trials.raw(space)
    given = trials.suggested(space.names)
    rows = (
        np.flatnonzero(given.any(axis=1) & ~(given & np.isnan(raw)).any(axis=1))
        if space.n_dims
        else np.arange(len(trials))
    )
    return space.to_unit(raw[rows]), rows


def _fill_pruned(trials: Trials, rows: IntArray, pruned: BoolArray, loss: FloatArray) -> None:
    """Give pruned trials a loss in place: a lower bound that is true enough for ranks, so that they are not missing."""
    if not pruned.any():
        return
    complete = loss[np.isfinite(loss)]
    floor = float(np.quantile(complete, 0.75)) if len(complete) else -np.inf
    numbers, _, last = trials.curves().last()
    reported = dict(zip(numbers.tolist(), (trials.goals[0].sign * last).tolist(), strict=True))
    for i in np.flatnonzero(pruned):
        value = max(reported.get(int(rows[i]), np.nan), floor)
        loss[i] = value if np.isfinite(value) else (complete.max() if len(complete) else np.nan)


def is_ordered(domain: Domain) -> bool:
    """Whether the values of a domain have an order: numbers, ordered choices, and choices that are numbers of one kind.

    A list such as [32, 64, 128, 256] is recognised; its values must increase or decrease, and there must be at least three.
    """
    if not isinstance(domain, Categorical) or domain.ordered:
        return domain.is_numeric
    numbers = [c for c in domain.choices if isinstance(c, int | float) and not isinstance(c, bool)]
    if len(numbers) != len(domain.choices) or len(numbers) < 3:
        return False
    steps = np.diff(np.array(numbers, dtype=np.float64))
    return bool((steps > 0).all() or (steps < 0).all())
