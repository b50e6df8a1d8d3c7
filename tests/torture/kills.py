"""Workers on one study, one of which is killed (SIGKILL) at a random moment again and again and replaced.

``python tests/torture/kills.py sqlite 1000`` prints what happened as JSON.
"""

import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

import tunewise as tw
from tunewise.events import TrialReleased
from tunewise.storage import open_log
from tunewise.storage.log import pages
from tunewise.storage.salvage import quick_check

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parent))
from stores import store

LEASE = 6.0


class Report(NamedTuple):
    """What happened. All but the counts and times must be zero."""

    kind: str
    kills: int
    seconds: float
    trials: int
    complete: int
    failed: int
    acknowledged: int
    lost: int  # acknowledged results that are not in the study
    repeated: int  # numbers that two workers got (without a trial being queued again)
    missing: int  # numbers below the largest that are not in the table, or were never claimed
    unreadable: int
    left_running: int
    longest_stall: float  # seconds without a result of any worker
    slowest_resolved: float  # seconds from a kill until the trial was resolved

    @property
    def faults(self):
        return self.lost + self.repeated + self.missing + self.unreadable + self.left_running


def work(url, diary, seed):
    """One worker: trials of about 10 ms, each noted when it was taken and when `tell` returned."""
    tw.logging.set_verbosity(60)
    out = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    dice = random.Random(seed)
    study = tw.load_study("s", url)
    while True:
        trial = study.ask()
        os.write(out, f"{json.dumps(['took', trial.number, os.getpid(), time.time()])}\n".encode())
        trial.suggest_float("x", 0, 1)
        for step in range(3):
            trial.report(dice.random(), step)
            time.sleep(dice.random() * 0.006)
        value = dice.random()
        study.tell(trial, value)
        os.write(out, f"{json.dumps(['told', trial.number, value, time.time()])}\n".encode())


def torture(kind, url, folder, kills, n_workers=4, seed=0):
    """Kill ``kills`` workers; a `Report`."""
    dice, context = random.Random(seed), multiprocessing.get_context("fork")
    diary = folder / "diary"
    tw.create_study("s", url, sampler="random", seed=seed, lease=LEASE)
    start, killed = time.time(), {}

    def hire(i):
        process = context.Process(target=work, args=(url, diary, seed * 10**6 + i))
        process.start()
        return process

    workers = [hire(i) for i in range(n_workers)]
    for i in range(kills):
        time.sleep(dice.uniform(0.1, 0.4))
        victim = dice.randrange(n_workers)
        workers[victim].kill()
        killed[workers[victim].pid] = time.time()
        workers[victim].join()
        workers[victim] = hire(n_workers + i)
    end = time.time()
    for worker in workers:
        worker.kill()
        killed[worker.pid] = time.time()
        worker.join()
    survivor = tw.load_study("s", url)
    survivor.tell(survivor.ask(), 0.0)  # who asks looks around
    survivor.detach()
    return judge(kind, url, diary, start, end, killed, kills)


def judge(kind, url, diary, start, end, killed, kills):
    """Hold the store against the workers' diary."""
    trials = tw.load_study("s", url).trials
    log = open_log(url)
    batches = list(chain.from_iterable(pages(log, "s")))
    log.close()
    entries = [json.loads(line) for line in diary.read_text().splitlines()]
    told = [entry for entry in entries if entry[0] == "told"]
    took = [entry[1] for entry in entries if entry[0] == "took"]
    rows = {row.number: row for row in trials}
    times = sorted(entry[3] for entry in told if entry[3] <= end)
    released = [e for batch in batches for e in batch if type(e) is TrialReleased]
    waits = [e.at - killed[pid] for e in released if (pid := int(e.worker.rsplit("-", 2)[1])) in killed]
    unreadable = len(trials.unreadable)
    if url.startswith("sqlite"):
        unreadable += len(quick_check(Path(url.removeprefix("sqlite:///"))))
    states = [row.state.name for row in rows.values()]
    return Report(
        kind,
        kills,
        round(end - start, 1),
        len(trials),
        states.count("COMPLETE"),
        states.count("FAILED"),
        len(told),
        sum(rows[number].values != (value,) for _, number, value, _ in told),
        len(took) - len(set(took)),
        len(set(range(max(rows) + 1)) - set(rows)) + sum(not row.worker for row in rows.values()),
        unreadable,
        states.count("RUNNING"),
        round(max((b - a for a, b in pairwise(times)), default=0.0), 3),
        round(max(waits, default=0.0), 3),
    )


def main():
    kind, kills = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder, store(kind, folder) as url:
        print(json.dumps(torture(kind, url, Path(folder), kills)._asdict()))


if __name__ == "__main__":
    main()
