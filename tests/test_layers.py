"""The house's one rule, enforced: a room imports only rooms with a lower number (table: docs/architecture.md)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "tunewise"
FILES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))
GROUND = {"errors", "types"}  # every room stands on them, the others of number 0 too
LATE_ONLY = {
    "altair", "cmaes", "fsspec", "matplotlib", "optuna", "pandas", "plotly", "psycopg", "pyarrow", "pymysql", "ray", "redis",
    "sklearn", "sqlalchemy", "starlette", "uvicorn", "vl_convert",
}  # fmt: skip
TORCH_ROOMS = {"torch", "integrations"}


def rooms_of(table: str) -> dict[str, int]:
    """Room names and their numbers, from the rows `| no. | `room`, `room/` | ... |` of a Markdown table."""
    rooms = {}
    for number, names in re.findall(r"^\| (\d+) \| ([^|]*) \|", table, re.MULTILINE):
        rooms.update(
            {name.rstrip("/").removesuffix(".py"): int(number) for name in re.findall(r"`([^`]+)`", names)}
        )
    return rooms


ROOMS = rooms_of((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def late_nodes(tree: ast.Module) -> set[ast.AST]:
    """All nodes inside a function: what is imported there is imported when it is needed."""
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return {inner for function in functions for inner in ast.walk(function)}


def imported(node: ast.AST, package: tuple[str, ...]) -> list[str]:
    """Full names of the modules (or module members) that a node imports; `package` is where its file lives."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = ("tunewise", *package)[: 1 + len(package) - (node.level - 1)] if node.level else ()
        base = ".".join([*above, *([node.module] if node.module else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
        first = node.args[0] if node.args else None
        return [str(first.value)] if isinstance(first, ast.Constant) else []
    return []


def broken_rules(source: str, path: Path, rooms: dict[str, int] = ROOMS) -> Iterator[str]:
    """A sentence for everything in a file of the package that the rule forbids."""
    room = room_of(path)
    if room not in rooms:
        yield f"{room} has no number; add it to the table in docs/architecture.md"
        return
    tree = ast.parse(source)
    late = late_nodes(tree)
    for node in ast.walk(tree):
        if getattr(node, "id", getattr(node, "attr", None)) == "TYPE_CHECKING":
            yield f"line {node.lineno}: TYPE_CHECKING hides an import"
        for name in imported(node, path.parts[:-1]):
            top, _, rest = name.partition(".")
            if top == "tunewise":
                yield from _house(node.lineno, room, rest.partition(".")[0] or "__init__", rooms)
            elif top == "torch" and room not in TORCH_ROOMS:
                yield f"line {node.lineno}: {room} imports torch; only {sorted(TORCH_ROOMS)} may"
            elif top in LATE_ONLY and node not in late and room != "integrations":  # those are that package's
                yield f"line {node.lineno}: {top} is optional; import it inside the function that needs it"


def _house(line: int, room: str, other: str, rooms: dict[str, int]) -> Iterator[str]:
    other = other if other in rooms else "__init__"
    if (room, other) == ("cli", "__init__"):
        return  # the command speaks through the public names
    if other != room and other not in GROUND and rooms[other] >= rooms[room]:
        yield f"line {line}: {room} ({rooms[room]}) imports {other} ({rooms[other]})"


def test_the_table_has_the_rooms():
    assert {"errors", "types", "stats", "space", "trials", "samplers", "study", "cli", "__init__"} <= set(
        ROOMS
    )


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_file_breaks_the_rule(path):
    assert list(broken_rules((SOURCE / path).read_text(encoding="utf-8"), path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "from tunewise.study import Study",
        "import tunewise.study",
        "from tunewise import study",
        "from tunewise import create_study",
        "from ..study import Study",
        "def f():\n    from tunewise.study import Study",
        "def f():\n    import_module('tunewise.study')",
        "from tunewise.pruners import MedianPruner",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tunewise.trials import Trials",
        "import typing\nif typing.TYPE_CHECKING: pass",
        "import torch",
        "def f():\n    import torch",
        "from torch import nn",
        "import pandas as pd",
        "from sqlalchemy.engine import Engine",
    ],
)
def test_each_way_around_the_rule_is_found(source):
    assert list(broken_rules(source, Path("samplers/tpe.py")))


@pytest.mark.parametrize(
    "source",
    [
        "from tunewise.trials import Trials",
        "from tunewise.samplers.base import Sampler",
        "from .base import Sampler",
        "from tunewise import errors",
        "import numpy as np",
        "def f():\n    import pandas as pd",
    ],
)
def test_what_is_allowed_passes(source):
    assert list(broken_rules(source, Path("samplers/tpe.py"))) == []


def test_a_room_without_a_number_is_found():
    assert list(broken_rules("", Path("attic/box.py")))


def test_errors_and_types_stand_on_nothing():
    assert list(broken_rules("from tunewise.stats import kde", Path("errors.py")))


@pytest.mark.parametrize("path", FILES, ids=str)
def test_nobody_draws_from_the_generators_of_the_user(path):
    """`random.random()`, `numpy.random.rand()`: a thread that drew there would change what a seeded training does."""
    calls = [
        n for n in ast.walk(ast.parse((SOURCE / path).read_text(encoding="utf-8"))) if isinstance(n, ast.Call)
    ]
    drawn = [
        name
        for name in (ast.unparse(call.func) for call in calls)
        if re.fullmatch(r"(random|np\.random|numpy\.random)\.[a-z_]+", name)
        and name != "np.random.default_rng"
    ]
    assert not drawn or path == Path("torch/seeds.py"), drawn  # which seeds them for a training
