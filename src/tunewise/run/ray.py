"""Trials on the machines of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from functools import partial
from typing import Any

from tunewise.errors import MissingExtra, SettingError, WorkerLost


class Ray(Executor):
    """An executor for `Study.optimize` that runs every trial as a task of Ray, wherever there is room for it.

    Uses the cluster that ``ray.init`` was called for; else Ray starts or finds one in its usual way. tunewise and the study's
    storage must be within reach of every machine. A trial whose machine or process is lost ends as the study's ``on_lost``
    says; Ray itself runs nothing again. Beside Ray's own, a trial costs what opening the study costs.

    Args:
        cpus: how many cores a trial is given.
        gpus: how many GPUs; parts of one are allowed. Ray sets CUDA_VISIBLE_DEVICES.
        options: other options of ``ray.remote``: ``memory`` in bytes, ``resources={"tpu": 1}``, ``runtime_env``,
            ``scheduling_strategy``; ``max_calls=1`` gives each trial a process of its own.

    Raises:
        SettingError: a negative amount, or ``max_retries``.
        MissingExtra: ray is not installed.
    """

    hears_interrupts = True  # Ray cancels a task by raising KeyboardInterrupt in it

    def __init__(self, cpus: float = 1.0, gpus: float = 0.0, **options: Any) -> None:
        for name, amount in (("cpus", cpus), ("gpus", gpus)):
            if not amount >= 0:
                raise SettingError(f"{name} is {amount!r}; it must be at least 0.")
        if "max_retries" in options:
            raise SettingError(
                'What is lost is run again by the study: leave out max_retries, and use on_lost="retry".'
            )
        try:
            import ray
        except ImportError:
            raise MissingExtra("ray", "ray", "Running trials on a Ray cluster") from None
        self._ray = ray
        self._needs = {"CPU": cpus, "GPU": gpus, **options.get("resources", {})}
        self._task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0, **options)(_call)
        self._running: dict[Future[Any], Any] = {}

    @property
    def n_slots(self) -> int | None:
        """How many trials the cluster has room for now; None where that cannot be said."""
        if not self._ray.is_initialized():
            self._ray.init()
        has = self._ray.cluster_resources()
        slots = [int(has.get(name, 0) // amount) for name, amount in self._needs.items() if amount > 0]
        return min(slots, default=0) or None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call ``fn(*args, **kwargs)`` on the cluster; `WorkerLost` where its process or machine ends early."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        reference = self._task.remote(fn, args, kwargs)
        self._running[future] = reference
        reference.future().add_done_callback(partial(self._hand_over, future))
        return future

    def end_running(self) -> None:
        """Interrupt what is running; each trial is given back by its process."""
        for reference in list(self._running.values()):
            self._ray.cancel(reference, force=False)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for what is running; with ``cancel_futures`` interrupt it. The cluster goes on."""
        if cancel_futures:
            self.end_running()
        if wait and self._running:
            self._ray.wait(list(self._running.values()), num_returns=len(self._running))

    def _hand_over(self, future: Future[Any], done: Future[Any]) -> None:
        self._running.pop(future, None)
        error = done.exception()
        if error is None:
            future.set_result(done.result())
        elif isinstance(
            error, self._ray.exceptions.TaskCancelledError
        ):  # somebody wanted it, so it is no loss
            future.set_exception(CancelledError("The trial's task was cancelled."))
        elif isinstance(error, self._ray.exceptions.RayTaskError):  # the task itself raised
            future.set_exception(error.cause if isinstance(error.cause, Exception) else error)
        elif isinstance(error, self._ray.exceptions.RayError):
            future.set_exception(WorkerLost(f"{type(error).__name__}: {_first_line(error)}"))
        else:
            future.set_exception(error)


def _call(fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    return fn(*args, **kwargs)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")
