"""The problems of the quality benchmark, from a folder that holds ``problems.py`` and ``suite/`` (BENCH_DIR, by default
``../shared/bench`` beside the repository), and how the project's own samplers are run on them.

A run is a row: problem, peer, seed, budget, workers, y (what the sampler saw, None = diverged), true (noiseless), and
CPU seconds an ask. Rows of other libraries in the same form can be read beside them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]

FOLDER = Path(os.environ.get("BENCH_DIR", Path(__file__).resolve().parents[2] / "shared" / "bench"))


@cache
def library() -> Any:
    """The module of problems. Ends the program where the folder is not there."""
    if not (FOLDER / "problems.py").exists():
        sys.exit(f"There is no {FOLDER}/problems.py; set BENCH_DIR to the folder that holds the problems.")
    os.environ.setdefault("BENCH_SUITE", str(FOLDER / "suite" / "suite.py"))
    sys.path.insert(0, str(FOLDER))
    import importlib.util

    spec = importlib.util.spec_from_file_location("bench_problems", FOLDER / "problems.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expand(words: str) -> list[str]:
    """Names from a comma-separated list of names and groups: core16, suite, continuous, ..., all."""
    problems = library()
    names: list[str] = []
    for word in words.split(","):
        if word == "core16":
            names += problems.CORE16
        elif word == "all":
            names += problems.list_problems()
        elif word in ("continuous", "mixed", "noisy", "diverge", "real", "suite"):
            names += problems.list_problems(word)
        else:
            names.append(word)
    return list(dict.fromkeys(names))


def group_of(problem: Any) -> str:
    """continuous, mixed, conditional, noisy, divergent or real."""
    if problem.group in ("suite", "real"):
        return "real"
    if problem.group in ("noisy", "diverge"):
        return {"noisy": "noisy", "diverge": "divergent"}[problem.group]
    if any(d.get("cond") for d in problem.space):
        return "conditional"
    return "continuous" if all(d["type"] == "float" for d in problem.space) else "mixed"


def sampler_of(text: str) -> Any:
    """A sampler from its name, with settings after a question mark: ``gp?n_startup=4&x=true``.

    A name with a colon is a class of yours: ``module:Class``.
    """
    from tunewise.samplers import from_settings

    name, _, settings = text.partition("?")
    pairs = (pair.partition("=") for pair in settings.split("&") if pair)
    values = {key: json.loads(value) for key, _, value in pairs}
    module, _, kind = name.partition(":")
    if kind:
        return getattr(import_module(module), kind)(**values)
    return from_settings({"name": name, **values})


def suggest(trial: Any, space: list[dict[str, Any]]) -> dict[str, Any]:
    """Run the define-by-run objective's suggestions."""
    params: dict[str, Any] = {}
    for d in space:
        condition = d.get("cond")
        if condition and params.get(condition["parent"]) not in condition["values"]:
            continue
        name = d["name"]
        if d["type"] == "categorical":
            params[name] = trial.suggest_categorical(name, d["choices"])
        elif d["type"] == "int":
            params[name] = trial.suggest_int(name, d["low"], d["high"], log=bool(d.get("log")))
        else:
            params[name] = trial.suggest_float(name, d["low"], d["high"], log=bool(d.get("log")))
    return params


def run(name: str, sampler: str, seed: int, budget: int, workers: int = 1) -> Row:
    """One study of ``budget`` trials; with several workers, that many trials are pending and end in random order."""
    import tunewise

    tunewise.logging.set_verbosity(50)
    problem = library().get(name)
    rng = np.random.default_rng([seed, 77])
    study = tunewise.create_study(sampler=sampler_of(sampler), seed=seed)
    pending: list[tuple[Any, dict[str, Any]]] = []
    seen: list[float | None] = []
    true: list[float | None] = []
    cpu: list[float] = []
    while len(seen) < budget:
        while len(pending) < workers and len(seen) + len(pending) < budget:
            start = time.process_time()
            trial = study.ask()
            params = suggest(trial, problem.space)
            cpu.append(time.process_time() - start)
            library().check(problem.space, params)
            pending.append((trial, params))
        trial, params = pending.pop(int(rng.integers(len(pending))) if workers > 1 else 0)
        result = problem.evaluate(params, rng)
        study.tell(trial, result["loss"])
        seen.append(_rounded(result["loss"]))
        true.append(_rounded(result["true"]))
    return {
        "problem": name, "peer": f"tunewise-{sampler}", "seed": seed, "budget": budget, "workers": workers,
        "group": group_of(problem), "best_known": problem.best_known, "y": seen, "true": true,
        "ask_cpu_s": [float(f"{x:.3g}") for x in cpu],
    }  # fmt: skip


def _rounded(value: float) -> float | None:
    return float(f"{value:.9g}") if value == value else None
