"""Checkpoints on disk: the best few and the last of each trial, each file whole or absent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


class Keeper:
    """Keeps the ``keep`` best checkpoints of one trial and its last, as ``folder/study/number/step-000120.pt``, and the state
    from which an interrupted trial goes on as ``state.pt``.

    A file is written under another name and then put in place, so that a crash leaves none half-written. The names of
    the files are not trusted: what is there from an earlier attempt at the same trial is ranked by what it holds.
    """

    def __init__(self, folder: str, trial: Any, keep: int) -> None:
        study = getattr(getattr(trial._table, "info", None), "name", "study").replace("/", "_")
        self.folder = Path(folder) / study / f"{trial.number:05d}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keep = keep
        self._losses: dict[Path, float] = {}
        for path in sorted(self.folder.glob("step-*.pt")):
            self._losses[path] = torch.load(path, map_location="meta", weights_only=True)["loss"]

    def best(self) -> dict[str, Any] | None:
        """The best checkpoint on disk; None where there is none."""
        if not self._losses:
            return None
        path = min(self._losses, key=lambda each: (self._losses[each], each))
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return found

    def save_state(self, state: dict[str, Any]) -> None:
        """Write what a later attempt at this trial needs in order to go on; only the last is kept."""
        _write(state, self.folder / "state.pt")

    def saved_state(self) -> dict[str, Any] | None:
        """What `save_state` wrote last; None where there is nothing."""
        path = self.folder / "state.pt"
        if not path.exists():
            return None
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return found

    def offer(self, checkpoint: Any, loss: float) -> None:
        """Write a checkpoint (smaller ``loss`` is better), then remove what is neither among the best nor the last."""
        path = self.folder / f"step-{checkpoint.step:08d}.pt"
        content = {
            "step": checkpoint.step,
            "loss": loss,
            "metrics": dict(checkpoint.metrics),
            "model": dict(checkpoint.state),
            "predictions": checkpoint.predictions,
            "right": checkpoint.right,
        }
        _write(content, path)
        self._losses[path] = loss
        ranked = sorted(self._losses, key=lambda each: (self._losses[each], each))
        for extra in set(ranked[self._keep :]) - {path}:
            extra.unlink(missing_ok=True)
            del self._losses[extra]


def _write(content: dict[str, Any], path: Path) -> None:
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    partial.replace(path)
