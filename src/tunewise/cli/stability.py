"""``tunewise stability``"""

from __future__ import annotations

import click

from tunewise.cli.doctor_train import probe, training_options
from tunewise.cli.help import epilog


@click.command(
    "stability",
    epilog=epilog(
        "tunewise stability train.py:train --set adamw.lr=1e-3 --metric error",
        codes="0 done, nothing to do; 1 something to act on; 2 unsure; 3 it cannot be run; 4 wrong usage.",
    ),
)
@training_options
@click.option(
    "--warmup", is_flag=True, help="Search the least warm-up that makes ten times the unstable rate stable."
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    target: str,
    given: tuple[str, ...],
    metric: str,
    direction: str,
    as_json: bool,
    warmup: bool,
) -> None:
    """Train around the learning rate, and look for instability, early blow-ups and a clip threshold."""
    ctx.exit(probe("stability", target, given, metric, direction, as_json, warmup=warmup))
