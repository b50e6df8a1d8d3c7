"""``tunewise noise``"""

from __future__ import annotations

import click

from tunewise.cli.help import epilog
from tunewise.cli.show import print_json
from tunewise.cli.target import load_target, read_params


@click.command(
    "noise",
    epilog=epilog(
        "tunewise noise train.py:train --set adamw.lr=1e-3 --metric error --seeds 5 --storage runs.db",
        codes="0 done; 3 it cannot be run; 4 wrong usage.",
    ),
)
@click.argument("target", metavar="FILE.py:FUNCTION")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter's value; repeatable. Those left out get a default.",
)
@click.option("--metric", default="value", show_default=True, help="The name of the metric.")
@click.option(
    "--direction", type=click.Choice(["minimize", "maximize"]), default="minimize", show_default=True
)
@click.option(
    "--seeds", type=click.IntRange(2), default=5, show_default=True, help="Fresh seeds to train on."
)
@click.option("--storage", metavar="URL", envvar="TUNEWISE_STORAGE", help="Where to keep the runs.")
@click.option("--project", "name", default="project", show_default=True, help="The project's name there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *,
    target: str,
    given: tuple[str, ...],
    metric: str,
    direction: str,
    seeds: int,
    storage: str | None,
    name: str,
    as_json: bool,
) -> None:
    """Measure how much results vary when nothing but the seed changes."""
    from tunewise.project import Project
    from tunewise.records import Goal

    train, params = load_target(target), read_params(given)
    if hasattr(train, "settled"):
        params, said = train.settled(params, Goal(metric, direction))
        if said is not None:
            click.echo(f"{said.headline}; {said.next_action}", err=True)
    project = Project(name, train, metric, direction, params, storage)
    budget = project.measure_noise(seeds, params)
    if as_json:
        print_json(
            [{"name": c.name, "sd": c.sd, "interval": c.interval, "n": c.n} for c in budget.components]
        )
    else:
        click.echo(str(budget))
