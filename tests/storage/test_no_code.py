"""A store or a server that belongs to a stranger runs nothing here: not in any text, not in place of any file."""

import ast
import os
import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import tunewise as tw
from tunewise.cli import main
from tunewise.events import (
    NEW,
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
)
from tunewise.records import Goal, TrialState
from tunewise.space import Categorical, Float, Space
from tunewise.storage import open_log, snapshot

SOURCE = Path(tw.__file__).parent
KINDS = ("memory", "sqlite", "directory", "postgresql", "mariadb", "redis", "http")


class Bomb:
    """Makes a folder when it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, ("exploded",))


PICKLE = pickle.dumps(Bomb(), protocol=0).decode()  # which is text
CODE = [
    PICKLE,
    pickle.dumps(Bomb()).decode("latin-1"),
    "__import__('os').mkdir('exploded')",
    '!!python/object/apply:os.mkdir ["exploded"]',
    "${oc.env:HOME}{{ ''.__class__.__mro__[1].__subclasses__() }}{0.__class__}%(x)s",
    "os.mkdir",
]


def facts_with(text):
    """One fact of every kind, with a text wherever there can be one."""
    map_of = {text: text, "class": text, "$f": text, "__reduce__": [text], "py/object": text}
    x = Float(0.0, 1.0)
    return [
        StudyNoted(map_of),
        SpaceSet(Space({text: Categorical((text, None))})),
        TrialQueued(NEW, {text: text}, map_of, 1.0, text),
        TrialStarted(NEW, text, text, 1.0),
        ParamsSet(1, {text: text, "x": 0.5}, {text: Categorical((text, "b")), "x": x}, 3),
        ParamsDropped(1, (text,)),
        Reported(1, 0, {text: 1.0}, 1.0),
        Noted(1, map_of),
        Constrained(1, {text: 0.0}),
        TrialFinished(1, TrialState.COMPLETE, (1.0,), text, 2.0, text),
        TrialReleased(1, text, True, text, 3.0),
        TrialWithdrawn(2, False, text, 3.0),
        ArtifactStored(1, text, text, 3, text, 3.0),
        Unreadable(text),
    ]


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path):
    tw.logging.set_verbosity(60)
    yield
    assert list(tmp_path.rglob("exploded")) == []


def use(study):
    """Look at everything, in every way."""
    rows = list(study.trials)
    repr((study, study.trials, rows, study.info, study.artifacts, study.user_attrs))
    study.trials_dataframe()
    for each in study.artifacts:
        with pytest.raises((ValueError, OSError)):
            study.fetch_artifact(each.name, each.number)
    study.tell(study.ask(), 1.0)
    return rows


@pytest.mark.parametrize("text", CODE, ids=range(len(CODE)))
@pytest.mark.parametrize("kind", KINDS)
def test_no_text_of_a_fact_is_run(kind, text, opener, monkeypatch):
    monkeypatch.setattr(snapshot, "FROM_EVENTS", 1)
    monkeypatch.setenv("TUNEWISE_CACHE", "cache")
    open_it = opener(kind)
    plain = text.replace("\0", "")
    name, log = f"s {plain}"[:60], open_it()
    head = StudyCreated((Goal(text),), 1, 0.0, None, {"name": "random"}, {"name": "never"}, {}, "kept")
    log.append(name, [head], at=0, op="first")
    for fact in facts_with(text):
        log.append(name, [fact])
    log.beat(name, plain[:200], plain[:1000])
    for _ in range(2):  # from the log, and from the snapshot
        assert len(use(tw.load_study(name, open_it(), "random", "never"))) >= 2
    for settings in (
        {"name": text},
        {"name": "random", plain: text},
        {"sampler": {"name": text}},
    ):
        log.append("hostile", [head._replace(sampler=settings, pruner=settings)], at=0)
        with pytest.raises(tw.TunewiseError):
            tw.load_study("hostile", open_it())
        log.delete("hostile")


@pytest.mark.parametrize("text", CODE, ids=range(len(CODE)))
def test_no_command_runs_it_either(text):
    log = open_log("runs.db")
    head = StudyCreated((Goal(text),), 1, 0.0, None, {"name": "random"}, {"name": "never"}, {})
    log.append("s", [head], at=0)
    for fact in facts_with(text):
        log.append("s", [fact])
    for command in (
        ["studies", "runs.db"],
        ["trials", "runs.db::s"],
        ["trials", "runs.db::s", "--json"],
        ["best", "runs.db::s"],
        ["check", "runs.db::s"],
        ["report", "runs.db::s", "out.html"],
        ["export", "runs.db::s", "out.csv"],
        ["export", "runs.db::s", "out.json"],
        ["export", "runs.db::s", "out.sqlite"],
        ["export", "runs.db::s", "out.parquet"],
        ["artifacts", "runs.db::s"],
        ["copy", "runs.db::s", "dir:far"],
        ["doctor", "runs.db"],
    ):
        result = CliRunner().invoke(main, command)
        assert result.exit_code in (0, 1, 2, 3), (command, result.output, result.stderr)
        assert "unforeseen" not in result.stderr, (command, result.stderr)


@pytest.mark.parametrize("content", [pickle.dumps(Bomb()), PICKLE.encode()], ids=["binary", "text"])
def test_a_pickle_in_place_of_a_batch_is_damage(content, tmp_path):
    for place in ("runs.db", "dir:runs"):
        study = tw.create_study("s", place, sampler="random", seed=1)
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3)
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        connection.execute("UPDATE batches SET body = ?, crc = NULL WHERE seq = 2", (content,))
    (file,) = [each for each in Path("runs").rglob("0002") if each.is_file()]
    file.unlink()
    file.write_bytes(content)
    for place in ("runs.db", "dir:runs"):
        study = tw.load_study("s", place)
        assert len(study.trials.unreadable) == 1
        assert CliRunner().invoke(main, ["doctor", place]).exit_code in (0, 1)


def test_a_pickle_in_place_of_a_snapshot_is_passed_over(monkeypatch):
    monkeypatch.setenv("TUNEWISE_CACHE", "cache")
    monkeypatch.setattr(snapshot, "FROM_EVENTS", 1)
    study = tw.create_study("s", "runs.db", sampler="random", seed=1)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 3)
    file = snapshot.file_of(study.storage, "s")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(Bomb()))
    assert len(tw.load_study("s", "runs.db").trials) == 3
    with file.open("wb") as out:
        np.savez(out, head=np.array([Bomb()], dtype=object))
    assert len(tw.load_study("s", "runs.db").trials) == 3


# --- what the source says ----------------------------------------------------------------------------------------------

FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "yaml",
    "code",
    "pty",
}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "input",
    "system",
    "popen",
    "read_pickle",
    "get_object",
}
LATE_BY_NAME = {  # import_module with a name from a table of this package, or from the user's own command line
    "__init__.py", "cli/app.py", "cli/doctor.py", "cli/target.py", "optuna/__init__.py", "pruners/__init__.py",
    "samplers/__init__.py", "storage/sql.py", "torch/decorator.py",
}  # fmt: skip


def what_could_run_code(source, name):
    """A sentence for each place in a file that could make code of data."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            yield from (f"imports {each}" for each in names if each.partition(".")[0] in FORBIDDEN_MODULES)
        if not isinstance(node, ast.Call):
            continue
        call, given = (
            ast.unparse(node.func),
            {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords},
        )
        if isinstance(node.func, ast.Name) and call in FORBIDDEN_CALLS:
            yield f"calls {call}"
        if call.rpartition(".")[2] in ("loads", "load") and call not in ("json.loads", "json.load", "load"):
            safe = {"np.load": ("allow_pickle", "False"), "torch.load": ("weights_only", "True")}.get(call)
            if safe is None and call.partition(".")[0] not in ("snapshot", "self", "OmegaConf"):
                yield f"calls {call}"
            elif safe is not None and given.get(safe[0]) != safe[1]:
                yield f"calls {call} without {'='.join(safe)}"
        if given.get("shell") == "True" or call in ("os.system", "os.popen", "subprocess.getoutput"):
            yield f"calls a shell by {call}"
        if call.endswith("import_module") and name not in LATE_BY_NAME:
            yield "imports what a text names"


FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


@pytest.mark.parametrize("name", FILES)
def test_nothing_in_the_source_makes_code_of_data(name):
    assert list(what_could_run_code((SOURCE / name).read_text("utf-8"), name)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "def f():\n    import yaml",
        "eval(text)",
        "exec(text)",
        "loads(data)",
        "yaml.safe_load(x)\nmarshal.loads(data)",
        "np.load(file)",
        "np.load(file, allow_pickle=True)",
        "torch.load(file)",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
        "import_module(text)",
    ],
)
def test_each_way_to_run_code_is_found(source):
    assert list(what_could_run_code(source, "storage/sqlite.py"))
