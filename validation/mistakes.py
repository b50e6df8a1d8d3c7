"""V24: mistakes in the training code. The planted trainings lie with the tests of the doctor, which runs each by itself."""

from __future__ import annotations

import importlib.util
import math
import tempfile
from pathlib import Path
from types import ModuleType

from tunewise.torch.doctor import preflight
from validation.core import Figure, Size, number, row

_TESTS = Path(__file__).resolve().parents[1] / "tests" / "torch" / "test_doctor.py"


@row("V24", "mistakes in the training code")
def mistakes(size: Size) -> list[Figure]:
    """Trainings with one planted mistake each, and clean ones, in four sets of different tasks and styles. The checks have been
    mended with all four in view; what they were worth on unseen ones is on the page [PyTorch](torch.md).
    """
    trainings = _trainings()
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        planted, clean = trainings.planted(Path(folder)), trainings.CLEAN
        for part in dict.fromkeys(part for part, _ in planted):
            faults = [case for (of, _), case in planted.items() if of == part][: size.n(100, 1)]
            sound = [case for (of, _), case in clean.items() if of == part][: size.n(100, 1)]
            found = [
                about in {f.subject for f in preflight(train, goal=goal).acts}
                for train, goal, about in faults
            ]
            alarms = [bool(preflight(train, goal=goal).acts) for train, goal in sound]
            share = sum(found) / len(found)
            figures.append(
                number(f"planted mistakes named, {part} set", share, 11 / 12, math.inf, len(found))
            )
            figures.append(
                number(f"alarms on clean trainings, {part} set", sum(alarms), 0, 0, len(alarms), form="d")
            )
    return figures


def _trainings() -> ModuleType:
    spec = importlib.util.spec_from_file_location("planted_trainings", _TESTS)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
