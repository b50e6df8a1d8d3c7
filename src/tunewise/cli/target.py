"""A training function on the command line: ``train.py:train``, or ``package.module:train``."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tunewise.errors import MissingExtra, SettingError
from tunewise.types import Choice, Params


def is_target(text: str) -> bool:
    """Whether a text names a function in a file or module, and no storage or study."""
    where, _, name = text.rpartition(":")
    return where not in ("", "dir") and name.isidentifier() and not where.endswith(":") and "/" not in name


def load_target(text: str) -> Callable[..., Any]:
    """The function that a text names; its file is run as a module, not as ``__main__``.

    Raises:
        SettingError: no such file, module or function, or a file that cannot be imported.
    """
    where, _, name = text.rpartition(":")
    if not is_target(text):
        raise SettingError(f"{text!r} names no function; write FILE.py:FUNCTION, such as train.py:train.")
    module = _from_file(Path(where)) if where.endswith(".py") else _from_name(where)
    found = getattr(module, name, None)
    if not callable(found):
        have = [
            n
            for n, v in vars(module).items()
            if callable(v) and getattr(v, "__module__", "") == module.__name__
        ]
        raise SettingError(f"{where} has no function {name!r}; it has {', '.join(have) or 'none'}.")
    function: Callable[..., Any] = found
    return function


def read_params(given: Sequence[str]) -> Params:
    """Parameters from ``NAME=VALUE``: numbers, true, false, null, or else text.

    Raises:
        SettingError: no equals sign.
    """
    params: Params = {}
    for each in given:
        name, separator, value = each.partition("=")
        if not separator or not name:
            raise SettingError(f"{each!r} is no parameter; write NAME=VALUE, such as adamw.lr=1e-3.")
        params[name] = _value(value)
    return params


def probe_of(train: Callable[..., Any], verb: str) -> Callable[..., Any]:
    """The probe of a training made by ``@tunewise.training``.

    Raises:
        SettingError: it is a plain function, which does not know its steps.
    """
    probe = getattr(train, verb, None)
    if probe is None:
        raise SettingError(
            f"{getattr(train, '__name__', train)!r} is a plain function; this needs one that knows its steps: "
            "decorate it with @tunewise.training(max_steps=..., batch_size=...)."
        )
    found: Callable[..., Any] = probe
    return found


def need_torch(purpose: str) -> None:
    """Raises MissingExtra where PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra("PyTorch", "torch", purpose)


def _from_file(path: Path) -> Any:
    if not path.is_file():
        raise SettingError(f"There is no file {path}; write FILE.py:FUNCTION.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # so that pickling for loader workers finds it
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise SettingError(
            f"{path} is imported in order to find the function, and that failed with {type(error).__name__}: {error} "
            'What starts a study belongs under `if __name__ == "__main__":`.'
        ) from error
    return module


def _from_name(name: str) -> Any:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise SettingError(
            f"There is no module {name!r}; write FILE.py:FUNCTION or MODULE:FUNCTION."
        ) from None


def _value(text: str) -> Choice:
    plain: dict[str, Choice] = {"true": True, "false": False, "null": None, "none": None}
    if text.lower() in plain:
        return plain[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
