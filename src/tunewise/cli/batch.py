"""``tunewise batch``"""

from __future__ import annotations

import click

from tunewise.cli.doctor_train import probe, training_options
from tunewise.cli.help import epilog


@click.command(
    "batch",
    epilog=epilog(
        "tunewise batch train.py:train --set adamw.lr=1e-3 --metric error",
        codes="0 done, nothing to do; 1 something to act on; 2 unsure; 3 it cannot be run; 4 wrong usage.",
    ),
)
@training_options
@click.pass_context
def command(
    ctx: click.Context, *, target: str, given: tuple[str, ...], metric: str, direction: str, as_json: bool
) -> None:
    """Scan batch sizes for throughput and memory, and see whether the input keeps up."""
    ctx.exit(probe("batch_size", target, given, metric, direction, as_json))
