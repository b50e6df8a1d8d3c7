"""Importing tunewise is light: it loads little, and costs little more than NumPy."""

import json
import subprocess
import sys
import textwrap

HEAVY = {"altair", "matplotlib", "pandas", "scipy.optimize", "scipy.stats", "sklearn", "sqlalchemy", "torch"}
FORBIDDEN = {*HEAVY, "click", "rich"}
SAY = "import json, sys, time; before = set(sys.modules); start = time.perf_counter()"
LOADED = "print(json.dumps([time.perf_counter() - start, sorted(set(sys.modules) - before)]))"


def fresh(*lines):
    """Run lines in a new interpreter: (seconds, names of the modules that they loaded)."""
    code = "\n".join([SAY, *(textwrap.dedent(line) for line in lines), LOADED])
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    seconds, modules = json.loads(done.stdout.splitlines()[-1])
    return seconds, set(modules)


def test_import_loads_nothing_heavy_and_little_at_all():
    _, modules = fresh("import tunewise")
    assert not modules & FORBIDDEN
    assert len(modules) < 60


def test_a_study_in_memory_loads_nothing_heavy():
    _, modules = fresh(
        "import tunewise",
        "study = tunewise.create_study(sampler='random', seed=1)",
        "study.optimize(lambda trial: trial.suggest_float('x', 0, 1), n_trials=3)",
    )
    assert not modules & HEAVY


def test_a_study_in_sqlite_loads_nothing_heavy(tmp_path):
    _, modules = fresh(
        "import tunewise",
        f"study = tunewise.create_study(storage={str(tmp_path / 'a.db')!r}, sampler='random', seed=1)",
        "study.tell(study.ask(), 1.0)",
    )
    assert "sqlite3" in modules
    assert not modules & FORBIDDEN


def test_import_takes_little_longer_than_numpy():
    ours = min(fresh("import tunewise")[0] for _ in range(3))
    numpys = min(fresh("import numpy")[0] for _ in range(3))
    assert ours < 3 * numpys + 0.1


def test_every_public_name_exists():
    import tunewise

    missing = [name for name in tunewise.__all__ if not hasattr(tunewise, name)]
    assert missing == []
