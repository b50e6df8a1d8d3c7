"""Trials in TensorBoard, with its HPARAMS page: ``study.optimize(train, callbacks=[TensorBoardCallback("logs")])``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewise.errors import MissingExtra
from tunewise.integrations.tracking import told
from tunewise.records import FrozenTrial

try:
    from torch.utils.tensorboard import SummaryWriter
    from torch.utils.tensorboard.summary import hparams
except ImportError:
    raise MissingExtra("tensorboard", "tensorboard", "Tracking with TensorBoard") from None


class TensorBoardCallback:
    """Writes each finished trial into ``folder/study/number``: its curves, parameters and result."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def __call__(self, study: Any, record: FrozenTrial) -> None:
        """Write one trial."""
        trial = told(study, record)
        with SummaryWriter(str(self._folder / study.name / str(record.number))) as writer:
            for metric, curve in trial.curves.items():
                for step, value in curve:
                    writer.add_scalar(metric, value, step)
            params = {
                n: v if isinstance(v, bool | int | float | str) else str(v) for n, v in trial.params.items()
            }
            final = {f"final/{name}": value for name, value in trial.values.items()}
            for summary in hparams(params, final):  # type: ignore[no-untyped-call]
                writer.file_writer.add_summary(summary)
            for name, value in final.items():
                writer.add_scalar(name, value)
