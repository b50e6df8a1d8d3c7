"""Which batch size? Throughput and memory by batch size, where it saturates, and whether the input keeps up (P5, P6)."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from tunewise.errors import SettingError
from tunewise.playbook import Finding, Findings, Verdict
from tunewise.stats.throughput import Timing, Waiting, doublings, saturation, timing, waiting
from tunewise.torch.cures import LINES
from tunewise.torch.decorator import Objective
from tunewise.torch.observe import Facts
from tunewise.torch.place import Place, settled, timed
from tunewise.types import Choice, FloatArray

T = TypeVar("T")
_WARM_UP, _TIMED, _ROUNDS = 10, 30, 4
_MATTERS = 0.0005  # seconds a step from which on waiting for input is worth mending


@dataclass(frozen=True)
class BatchScan:
    """Step times by batch size, the smallest size with 95 % of the best throughput, and the size that ran out of memory.

    ``memory`` (bytes, by size) is the device's peak; empty on a CPU.
    """

    times: Mapping[int, Timing]
    saturation: int
    out_of_memory_at: int | None
    memory: Mapping[int, int]
    waiting: Waiting | None
    findings: Findings

    def __str__(self) -> str:
        return str(self.findings)


def batch_size(
    train: Objective,
    config: Mapping[str, Choice] | None = None,
    place: Place | None = None,
    *,
    most: int = 4096,
    least: int = 1,
) -> BatchScan:
    """Time the steps of a training at batch sizes ``least``, twice that, ... up to ``most``, the data set, or memory.

    Each size has 10 steps to warm up and at least 30 that count, repeated until the median is known to 3 %, four times at
    most. At the chosen size one batch is then trained again and again: what that saves is time spent waiting for
    input. Other work on the machine disturbs the times.

    Raises:
        SettingError: no size can be timed: ``least`` is more than memory holds, than the data set has, or than ``most``.
    """
    place = place or Place()
    given, goal = config or {}, place.goal
    known = _if_it_fits(lambda: settled(train.replan(batch_size=least), given, goal))
    if known is None:
        raise _none_fits(least)
    config, said = known
    times: dict[int, Timing] = {}
    memory: dict[int, int] = {}
    full = None
    size = least
    while size <= most:
        ran = _if_it_fits(lambda size=size: _seconds(train, config, place, size))  # type: ignore[misc]
        if ran is None:
            full = size
            break
        seconds, facts, peak = ran
        if facts.train and len(facts.train[0].rows) < size:
            break
        times[size] = timing(seconds)
        if peak:
            memory[size] = peak
        size *= 2
    if full == least:
        raise _none_fits(least)
    if not times:
        raise SettingError(
            f"No batch size from {least} to {most} can be timed: the range is empty, or the data set has fewer examples; "
            "give a smaller `least`, or a larger `most`."
        )
    chosen = saturation(times)
    wait = _waiting(train, config, place, chosen)
    return BatchScan(times, chosen, full, memory, wait, _findings(times, chosen, full, memory, wait, said))


def _seconds(
    train: Objective, config: Mapping[str, Choice], place: Place, size: int, cached: bool = False
) -> tuple[FloatArray, Facts, int]:
    n = _WARM_UP + _TIMED
    plan = train.replan(max_steps=n + 1, batch_size=size, evals=1, cached=cached, checkpoints=None)
    seconds: FloatArray = np.empty(0)
    facts = Facts()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    for _ in range(_ROUNDS):
        facts = timed(plan, config, place.goal, n, cheap=True)
        seconds = np.concatenate([seconds, np.diff(facts.times)[_WARM_UP - 1 :]])
        if timing(seconds).is_sharp:
            break
    return seconds, facts, torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0


def _waiting(train: Objective, config: Mapping[str, Choice], place: Place, size: int) -> Waiting:
    real, cached = (_seconds(train, config, place, size, cached=each)[0] for each in (False, True))
    return waiting(real, cached, np.random.default_rng(0))


def _findings(
    times: Mapping[int, Timing],
    chosen: int,
    full: int | None,
    memory: Mapping[int, int],
    wait: Waiting,
    said: Finding | None,
) -> Findings:
    rate = chosen / times[chosen].seconds
    words = f"throughput saturates at batch size {chosen}: {rate:.3g} examples a second"
    words += f"; {full} does not fit into memory" if full else f"; {max(times)} was the largest tried"
    steps = [f"{d.batch_size} to {2 * d.batch_size}: {d.word} ({d.ratio:.2f})" for d in doublings(times)]
    arrays = {
        "kind": "batch", "size": list(times), "seconds": [t.seconds for t in times.values()],
        "low": [t.low for t in times.values()], "high": [t.high for t in times.values()], "memory": dict(memory),
    }  # fmt: skip
    scan = Finding(
        "P5", "batch size", Verdict.OK, words, effect=rate, arrays=arrays, assumptions=tuple(steps),
        next_action=f"train with batch_size={chosen} or less; larger ones cost time and buy nothing",
    )  # fmt: skip
    waited = times[chosen].seconds * (1 - 1 / wait.ratio)
    bound = wait.low > 1.1 and waited > _MATTERS
    how = f"a step takes {wait.ratio:.2f} times as long as with a cached batch (90 %: {wait.low:.2f} to {wait.high:.2f})"
    how += f", or {1000 * waited:.2g} ms more" if waited > 0 else ""
    cure = (
        "use more loader workers, prefetch, or prepare the data beforehand; then scan again" if bound else ""
    )
    verdict = Verdict.ACT if bound else Verdict.OK
    return Findings(
        [
            scan,
            Finding(
                "P6",
                "input",
                verdict,
                how,
                wait.ratio,
                (wait.low, wait.high),
                threshold=1.1,
                next_action=cure,
                command=LINES["input"] if bound else "",
            ),
            *([said] if said else []),
        ]
    )


def _if_it_fits(work: Callable[[], T]) -> T | None:
    """What ``work`` returns; None where it runs out of memory, of which nothing is held then."""
    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        words = str(error).lower()
        lacking = "out of memory" in words or "can't allocate memory" in words
        if not (isinstance(error, MemoryError) or lacking):
            raise
    gc.collect()  # only now: while an error is handled its frames hold the tensors of the step
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None


def _none_fits(least: int) -> SettingError:
    return SettingError(
        f"The training runs out of memory with batches of {least}, the least to be tried: make the network or the "
        "batches smaller, or train on a device with more memory."
    )
