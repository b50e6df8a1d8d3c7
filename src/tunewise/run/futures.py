"""What an executor of any kind returns, as a future of the standard library."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Any


class JobFuture(Future[Any]):
    """The future of a job that can only be waited for, as submitit's: a thread waits for it."""

    def __init__(self, job: Any) -> None:
        super().__init__()
        self._job = job
        self.set_running_or_notify_cancel()
        threading.Thread(target=self._wait, name="tunewise-job", daemon=True).start()

    def cancel(self) -> bool:
        """Ask the job to end, where it can be asked; this future ends with it."""
        with suppress(
            Exception
        ):  # a scheduler that does not answer must not keep the others from being asked
            self._job.cancel()
        return False

    def _wait(self) -> None:
        try:
            result = self._job.result()
        except BaseException as error:
            self.set_exception(error)
        else:
            self.set_result(result)


def as_future(job: Any) -> Future[Any]:
    """``job`` itself where it is a future; else a future that ends when ``job.result()`` returns or raises.

    Raises:
        TypeError: it has no ``result``.
    """
    if isinstance(job, Future):
        return job
    if not callable(getattr(job, "result", None)):
        raise TypeError(f"The executor's submit returned {job!r}, which has no result(); use an Executor.")
    return JobFuture(job)
