"""How many trials the samplers need: runs of the project's samplers on synthetic and real problems.

    python benchmarks/quality.py run --samplers auto,gp --problems core16 --seeds 10 --budget 200 --out auto.jsonl
    python benchmarks/quality.py report auto.jsonl '../shared/bench/results/*.jsonl' --against optuna-tpe

``run`` skips what --out already holds, so it can be stopped and resumed. ``report`` prints mean ranks, the regret relative to
random search, and log-efficiencies (the share of trials needed to reach the same quality), overall and by group,
with 95 % bootstrap intervals over problems and seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import common  # noqa: F401 (one thread each)
from judge import print_report
from problems import Row, expand, run


def read(patterns: list[str]) -> list[Row]:
    """The rows of some files; of repeated runs the last."""
    rows = {}
    for pattern in patterns:
        for file in sorted(Path(pattern).parent.glob(Path(pattern).name)):
            for line in file.read_text().splitlines():
                row = json.loads(line)
                if "problem" in row and row.get("y") and not row.get("error"):
                    rows[_key(row)] = row
    return list(rows.values())


def _key(row: Row) -> tuple[str, str, int, int, int]:
    return row["problem"], row["peer"], row["seed"], row["budget"], row.get("workers", 1)


def run_all(options: argparse.Namespace) -> None:
    """Run what is missing, ``--jobs`` at a time."""
    out = Path(options.out)
    done = {_key(row) for row in read([options.out])} if out.exists() else set()
    first, last = options.seeds.split(":") if ":" in options.seeds else (0, options.seeds)
    todo = [
        (name, sampler, seed, options.budget, options.workers)
        for seed in range(int(first), int(last))
        for name in expand(options.problems)
        for sampler in options.samplers.split(",")
        if (name, f"tunewise-{sampler}", seed, options.budget, options.workers) not in done
    ]
    print(f"{len(todo)} runs to do, {len(done)} done", flush=True)
    with ProcessPoolExecutor(options.jobs) as pool, out.open("a") as file:
        futures = [pool.submit(run, *job) for job in todo]
        for i, future in enumerate(as_completed(futures)):
            row = future.result()
            file.write(json.dumps(row) + "\n")
            file.flush()
            if options.verbose or i % 50 == 49:
                cpu = sum(row["ask_cpu_s"])
                print(
                    f"{i + 1}/{len(todo)} {row['problem']} {row['peer']} s{row['seed']} {cpu:.1f} s",
                    flush=True,
                )


def main() -> None:
    """Run or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    runner = commands.add_parser("run")
    runner.add_argument("--samplers", default="auto")
    runner.add_argument("--problems", default="core16")
    runner.add_argument("--seeds", default="3", help="a number, or FIRST:END")
    runner.add_argument("--budget", type=int, default=100)
    runner.add_argument("--workers", type=int, default=1)
    runner.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    runner.add_argument("--out", required=True)
    runner.add_argument("--verbose", action="store_true")
    runner.set_defaults(call=run_all)
    reporter = commands.add_parser("report")
    reporter.add_argument("files", nargs="+")
    reporter.add_argument(
        "--ours", help="the peer whose efficiency is asked for; by default the first tunewise-..."
    )
    reporter.add_argument("--peers", help="only these")
    reporter.add_argument("--problems", help="only these")
    reporter.add_argument("--budgets", default="25,50,100,200")
    reporter.add_argument("--table", action="store_true", help="the regrets of every problem as well")
    reporter.set_defaults(call=lambda o: print_report(
        read(o.files), ours=o.ours, peers=o.peers.split(",") if o.peers else None,
        problems=expand(o.problems) if o.problems else None, budgets=[int(b) for b in o.budgets.split(",")], table=o.table,
    ))  # fmt: skip
    options = parser.parse_args()
    options.call(options)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
