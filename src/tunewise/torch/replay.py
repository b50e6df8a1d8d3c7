"""Work of many small kernels, launched as one: a CUDA graph, where the work allows it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch

_logger = logging.getLogger("tunewise")
_PLAIN_CALLS = 1  # libraries make their handles and workspaces in the first call


class Replay:
    """Calls ``work`` again and again; on a CUDA device from the second call on as a replayed graph.

    ``work`` takes nothing and returns nothing: it reads and writes the same tensors in place at every call, and reads
    nothing back to the host. It must run on a stream other than the default one. Work that cannot be captured goes on
    being called, after a warning.
    """

    def __init__(self, work: Callable[[], None], device: torch.device, graphs: bool = True) -> None:
        self._work = work
        self._plain = _PLAIN_CALLS if graphs and device.type == "cuda" else -1  # -1: for ever
        self._graph: Any = None

    def __call__(self) -> None:
        """Do the work once."""
        if self._plain == 0 and self._graph is None:
            self._graph = _captured(self._work)
            self._plain = -1
        if self._graph is not None:
            self._graph.replay()
            return
        self._plain -= self._plain > 0
        self._work()


def _captured(work: Callable[[], None]) -> Any:
    """The graph of one call, which capturing does not carry out; None where it cannot be captured."""
    graph = torch.cuda.CUDAGraph()
    try:
        graph.capture_begin(capture_error_mode="thread_local")
        try:
            work()
        except BaseException:
            with suppress(RuntimeError):  # what it would say is a consequence
                graph.capture_end()
            raise
        graph.capture_end()
    except RuntimeError as error:
        _logger.warning(
            "The training step cannot be captured as a CUDA graph, so it is launched kernel by kernel: %s",
            str(error).splitlines()[0],
        )
        return None
    return graph
