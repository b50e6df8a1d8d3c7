"""``tunewise doctor``: what is wrong with a training function, or with a storage."""

from __future__ import annotations

from importlib import import_module

import click

from tunewise.cli.doctor_train import diagnose
from tunewise.cli.help import epilog
from tunewise.cli.target import is_target


@click.command(
    "doctor",
    epilog=epilog(
        "tunewise doctor train.py:train --metric accuracy --direction maximize",
        "tunewise doctor sqlite:///runs.db",
        "tunewise doctor runs.db --repair",
        codes="0 done, nothing to do; 1 something to mend; 2 unsure; 3 it cannot be looked at; 4 wrong usage.",
    ),
)
@click.argument("target", metavar="FILE.py:FUNCTION|STORAGE")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A parameter's value; repeatable.")
@click.option("--metric", default="value", show_default=True, help="The name of the metric.")
@click.option(
    "--direction", type=click.Choice(["minimize", "maximize"]), default="minimize", show_default=True
)
@click.option("--repair", is_flag=True, help="Of a storage: mend what can be mended without loss.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    target: str,
    given: tuple[str, ...],
    metric: str,
    direction: str,
    repair: bool,
    as_json: bool,
) -> None:
    """Look for mistakes in a training function (FILE.py:FUNCTION), or for damage in a storage.

    A training is run three times for a few steps and watched: seeds, order, evaluation, leaks, schedules, checkpoints.
    Of a storage, every batch is read: damage, gaps, dead workers, snapshots, results that wait; --repair never overwrites.
    """
    if is_target(target):
        ctx.exit(diagnose(target, given, metric, direction, as_json))
    ctx.exit(import_module("tunewise.cli.doctor_storage").diagnose(target, as_json, repair))
