"""How good are the trade-offs that are found with several goals, and with constraints?

Run: python benchmarks/fronts.py [--trials 200] [--seeds 5] [--problems zdt1 zdt3 dtlz2 bnh] [--samplers ...]. The share of the
true front's hypervolume that the trials cover (1: the front is reached), median and quartiles over seeds, beside Optuna's
samplers of the same names. zdt1, zdt3: two goals, 10 parameters, a convex and a broken front; dtlz2: three goals, 7
parameters; bnh: two goals, two constraints (Zitzler et al. 2000; Deb et al. 2002; Binh and Korn 1997).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

from common import Cell, show, silence  # one thread: before numpy is imported

# isort: split
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Problem(NamedTuple):
    """Goals (m,) and constraints (c,) of a point (d,), bounds, the corner that volumes are measured to, points of the front."""

    evaluate: Callable[[Array], tuple[Array, Array]]
    high: Array
    corner: Array
    front: Array
    is_constrained: bool = False


def zdt(shape: Callable[[Array, Array], Array], corner: float) -> Problem:
    """Two goals: x1, and g times a shape of (x1, g); g = 1 on the front."""
    t = np.linspace(0.0, 1.0, 2000)

    def evaluate(x: Array) -> tuple[Array, Array]:
        g = 1.0 + 9.0 * x[1:].mean()
        return np.array([x[0], g * float(shape(x[0], g))]), np.empty(0)

    return Problem(evaluate, np.ones(10), np.full(2, corner), np.column_stack([t, shape(t, np.ones_like(t))]))


def dtlz2() -> Problem:
    """Three goals; the front is an eighth of the unit sphere."""

    def evaluate(x: Array) -> tuple[Array, Array]:
        radius = 1.0 + ((x[2:] - 0.5) ** 2).sum()
        a, b = x[:2] * np.pi / 2
        return radius * np.array([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)]), np.empty(0)

    a, b = (grid.ravel() * np.pi / 2 for grid in np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 40)))
    front = np.column_stack([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)])
    return Problem(evaluate, np.ones(7), np.full(3, 1.1), front)


def bnh() -> Problem:
    """Two goals in a plane of which a part is forbidden."""

    def evaluate(x: Array) -> tuple[Array, Array]:
        forbidden = [(x[0] - 5) ** 2 + x[1] ** 2 - 25, 7.7 - (x[0] - 8) ** 2 - (x[1] + 3) ** 2]
        return np.array([4 * (x**2).sum(), ((x - 5) ** 2).sum()]), np.array(forbidden)

    t = np.linspace(0.0, 1.0, 1000)
    x, y = np.minimum(5.0, 6.0 * t), np.minimum(3.0, 6.0 * t)
    front = np.column_stack([4 * (x**2 + y**2), (x - 5) ** 2 + (y - 5) ** 2])
    return Problem(evaluate, np.array([5.0, 3.0]), np.array([140.0, 50.0]), front, True)


PROBLEMS: dict[str, Callable[[], Problem]] = {
    "zdt1": lambda: zdt(lambda f, g: 1 - np.sqrt(f / g), 1.1),
    "zdt3": lambda: zdt(lambda f, g: 1 - np.sqrt(f / g) - f / g * np.sin(10 * np.pi * f), 1.1),
    "dtlz2": dtlz2,
    "bnh": bnh,
}


def ours(name: str, problem: Problem, n: int, seed: int) -> tuple[Array, Array]:
    """Goals (n, m) and whether the constraints are kept (n,) of a tunewise study."""
    import tunewise

    study = tunewise.create_study(directions=["minimize"] * len(problem.corner), sampler=name, seed=seed)
    return _searched(
        study, problem, n, lambda trial, c: trial.set_constraints({str(i): each for i, each in enumerate(c)})
    )


def optunas(name: str, problem: Problem, n: int, seed: int) -> tuple[Array, Array]:
    """The same of an Optuna study."""
    import optuna

    kinds = {
        "nsga2": optuna.samplers.NSGAIISampler,
        "tpe": optuna.samplers.TPESampler,
        "gp": optuna.samplers.GPSampler,
    }
    rule = (lambda trial: trial.user_attrs["c"]) if problem.is_constrained else None
    sampler = kinds[name](seed=seed, constraints_func=rule)
    study = optuna.create_study(directions=["minimize"] * len(problem.corner), sampler=sampler)
    return _searched(study, problem, n, lambda trial, c: trial.set_user_attr("c", c))


def _searched(study: Any, problem: Problem, n: int, constrain: Callable[[Any, list[float]], None]) -> Any:
    goals, kept = [], []
    for _ in range(n):
        trial = study.ask()
        x = np.array([trial.suggest_float(f"x{i}", 0.0, high) for i, high in enumerate(problem.high)])
        values, constraints = problem.evaluate(x)
        if len(constraints):
            constrain(trial, constraints.tolist())
        study.tell(trial, values.tolist())
        goals.append(values)
        kept.append(bool((constraints <= 0).all()))
    return np.array(goals), np.array(kept)


def volume(problem: Problem, goals: Array) -> float:
    """The hypervolume of some points."""
    from tunewise.stats.pareto import hypervolume

    return hypervolume(goals, problem.corner)


def main() -> None:
    """Measure and print."""
    silence()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS))
    names = ["tunewise auto", "tunewise tpe", "tunewise nsga2", "optuna gp", "optuna tpe", "optuna nsga2"]
    parser.add_argument("--samplers", nargs="*", default=names, metavar="'LIBRARY NAME'")
    options = parser.parse_args()
    rows: list[list[Cell]] = []
    for name in options.problems:
        problem = PROBLEMS[name]()
        whole = volume(problem, problem.front)
        for sampler in options.samplers:
            library, kind = sampler.split()
            run = {"tunewise": ours, "optuna": optunas}[library]
            studies = (run(kind, problem, options.trials, seed) for seed in range(options.seeds))
            found = [volume(problem, goals[kept]) / whole for goals, kept in studies]
            low, mid, high = np.quantile(found, (0.25, 0.5, 0.75)).tolist()
            rows.append([name, sampler, mid, low, high])
            print(*rows[-1], flush=True)
    head = ["problem", "sampler", "share of the front's volume", "lower quartile", "upper quartile"]
    show("fronts", head, rows, trials=options.trials, seeds=options.seeds)


if __name__ == "__main__":
    main()
