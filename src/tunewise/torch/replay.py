"""Work of many small kernels, launched as one: a CUDA graph, where the work allows it and gives the same numbers."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import Tensor

from tunewise.errors import GraphError
from tunewise.torch.snapshot import Snapshot

_logger = logging.getLogger("tunewise")
_PLAIN_CALLS = 1  # what lays memory out anew does so in the first call
_failed: list[Any] = []  # the allocator goes on asking a graph whose capture failed: it must not be freed


class Graphs:
    """Whether CUDA graphs are wanted. All work that shares this is launched kernel by kernel after a first failure."""

    def __init__(self, wanted: bool = True) -> None:
        self.wanted = wanted

    def give_up(self, why: str) -> None:
        """Want none any more, and warn, once."""
        self.wanted = False
        _logger.warning(
            "The training step cannot be captured as a CUDA graph, so it is launched kernel by kernel: %s",
            why.strip().splitlines()[0] if why.strip() else "no reason given",
        )


class Replay:
    """Calls ``work`` again and again; on a CUDA device from the third call on as a replayed graph.

    ``work`` takes nothing and returns nothing: it reads and writes the same tensors in place at every call, and reads
    nothing back to the host. It must run on a stream other than the default one. ``state`` gives all tensors that it
    changes, members of a stack along their first dimension.

    The second call captures. Before and after the capture the work is done from the same state, which costs about four
    calls and two copies of the state, once; then the state is what the work alone made of it. A graph is kept only if it
    gives the numbers of the work. Where it cannot be captured, or gives others, the work goes on being called, after a
    warning.

    Raises:
        GraphError: after a failed capture the work itself gives other numbers than before.
    """

    def __init__(
        self,
        work: Callable[[], None],
        state: Callable[[], Sequence[Tensor]],
        device: torch.device,
        graphs: Graphs,
    ) -> None:
        self._work, self._state, self._device, self._graphs = work, state, device, graphs
        self._plain = 0
        self._graph: Any = None

    def __call__(self) -> None:
        """Do the work once."""
        if self._graph is not None:
            self._graph.replay()
        elif self._plain < _PLAIN_CALLS or self._device.type != "cuda" or not self._graphs.wanted:
            self._plain += 1
            self._work()
        else:
            self._work_and_capture()

    def _work_and_capture(self) -> None:
        """Do the work once, and try to have a graph of it from then on."""
        before = Snapshot(self._state(), self._device)
        self._work()
        after = Snapshot(self._state(), self._device)
        before.put_back()
        self._work()  # on the very stream that captures: handles, workspaces and kernels are there now
        before.put_back()
        graph, why = _captured(self._work, self._device)
        before.put_back()
        (self._work if graph is None else graph.replay)()
        same = after.is_like_now()
        after.put_back()
        if graph is None and not same:
            raise GraphError(
                f"A CUDA graph could not be captured ({why}), and the training step gives other numbers since; nothing"
                " computed after it can be trusted. Start the process anew with recipe(..., graphs=False)."
            )
        if graph is not None and same:
            self._graph = graph
        else:
            self._graphs.give_up(why or "the graph gives other numbers than its kernels one by one")


def _captured(work: Callable[[], None], device: torch.device) -> tuple[Any, str]:
    """The graph of one call, which capturing does not carry out; or None, and why it cannot be captured."""
    torch.cuda.synchronize(device)
    graph = torch.cuda.CUDAGraph()
    try:
        with _no_collection():
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                work()
            except BaseException:
                with suppress(RuntimeError):  # what it would say is a consequence
                    graph.capture_end()
                raise
            graph.capture_end()
    except Exception as error:  # the same work, done from the same state, has just succeeded
        _failed.append(graph)
        torch.cuda.synchronize(device)
        return None, str(error) or type(error).__name__
    return graph, ""


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage is collected inside: what is found in a cycle may be a graph, and freeing one ends a capture."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
