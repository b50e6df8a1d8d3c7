"""What a GPU can be asked in some minutes: many trials as one, the article's study, and the probes.

    python benchmarks/gpu --data CIFAR10 --out results                      # about seven minutes on an H100
    python benchmarks/gpu --data CIFAR10 --out results --stages equal,speed
    python benchmarks/gpu --data CIFAR10 --out results --small              # a rehearsal, on a CPU too

The stages run one after another, in order of their worth, each in a process of its own and with a limit of time: one that fails
or takes too long does not stop the others. Whatever a stage finds is a line of ``results.jsonl`` as soon as it is known.
The training set (whatever part of it is there) trains, the 10,000 test images validate: so does the article.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = (
    "1"  # a pool of threads would not survive the fork
)
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))
sys.path.insert(2, str(Path(__file__).resolve().parents[2] / "examples"))

import others
import probes
import speed
import study
import torch
from image_data import cifar10

import tunewise as tw

STAGES: dict[str, tuple[Callable[[Env], None], int]] = {  # in order of worth, with limits in seconds
    "equal": (speed.equal, 60),
    "speed": (speed.speed, 70),
    "script": (study.script, 80),
    "hundred": (study.hundred, 50),
    "search": (study.search, 170),
    "best": (study.best, 30),
    "overhead": (probes.overhead, 25),
    "scan": (probes.scan, 40),
    "spikes": (probes.spiked, 25),
    "stable": (probes.stable, 25),
    "decisions": (others.decisions, 110),
    "tests": (others.tests, 60),
    "slots": (probes.slots, 30),
    "steps": (probes.steps, 60),
}


@dataclass
class Env:
    """What a stage gets: the data on the host, where to compute, and how to tell what it found."""

    train: Any
    val: Any
    small: bool
    out: Path
    args: argparse.Namespace
    end: float
    until: float = 0.0
    stage: str = ""

    @property
    def device(self) -> str:
        """The GPU where there is one; to be asked for in a stage, never before the fork."""
        return "cuda" if torch.cuda.is_available() else "cpu"

    @property
    def left(self) -> float:
        """Seconds left of the stage."""
        return self.until - time.monotonic()

    def say(self, **found: Any) -> None:
        """Write down, and print, what was found."""
        line = json.dumps({"stage": self.stage, **found})
        with (self.out / "results.jsonl").open("a") as file:
            file.write(line + "\n")
        print(line[:800], flush=True)

    def said(self, stage: str) -> list[dict[str, Any]]:
        """What an earlier stage found."""
        lines = (self.out / "results.jsonl").read_text().splitlines()
        return [found for found in map(json.loads, lines) if found["stage"] == stage]


def run(env: Env, name: str) -> None:
    """One stage in a process of its own; it is ended where it takes too long."""
    work, limit = STAGES[name]
    env.stage, start = name, time.monotonic()
    limit = min(limit, int(env.end - start) - 6)
    if limit < 10:
        env.say(ended="not begun, for want of time")
        return
    env.until = start + limit
    process = multiprocessing.get_context("fork").Process(target=_in_process, args=(work, env))
    process.start()
    process.join(limit + 5)
    late = process.is_alive()
    if late:
        _end(process)
    how = "over its time" if late else "ok" if process.exitcode == 0 else f"failed ({process.exitcode})"
    env.say(ended=how, seconds=round(time.monotonic() - start, 1))


def _in_process(work: Callable[[Env], None], env: Env) -> None:
    os.setsid()  # what it starts itself ends with it
    torch.set_num_threads(min(4, os.cpu_count() or 1))
    faulthandler.dump_traceback_later(env.left)  # where it hangs
    try:
        work(env)
    except BaseException:
        print(traceback.format_exc()[-1500:], flush=True)
        sys.stderr.flush()
        raise SystemExit(1) from None


def _end(process: Any) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.join()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with CIFAR-10")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--script", type=Path, help="the article, or its script: to be timed as it is")
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=420, help="limit of the whole")
    parser.add_argument("--small", action="store_true", help="tiny sizes")
    args = parser.parse_args()
    end = time.monotonic() + args.seconds
    torch.set_num_threads(1)
    tw.logging.set_verbosity(tw.logging.WARNING)
    args.out.mkdir(parents=True, exist_ok=True)
    train, val = cifar10(args.data)
    env = Env(train, val, args.small, args.out.resolve(), args, end)
    if args.small:
        env.train, env.val = (
            torch.utils.data.TensorDataset(*(t[:640] for t in d.tensors)) for d in (train, val)
        )
    env.stage = "machine"
    env.say(
        torch=torch.__version__,
        cores=os.cpu_count(),
        train=len(env.train),
        val=len(env.val),
        small=args.small,
    )
    for name in args.stages.split(","):
        run(env, name)


if __name__ == "__main__":
    main()
