"""``tunewise ask``"""

from __future__ import annotations

import logging
from typing import Any

import click

from tunewise.cli.help import epilog
from tunewise.cli.place import open_study, split, study_argument
from tunewise.cli.show import print_json
from tunewise.cli.space_text import parse_space
from tunewise.errors import SettingError


@click.command(
    "ask",
    epilog=epilog(
        'tunewise ask runs.db::digits --space \'{"lr": "log 1e-5..1e-1", "act": ["relu", "gelu"]}\'',
        "tunewise tell runs.db::digits 0 --value 0.31",
        codes="0 done; 3 the study cannot be used, or the space is not valid; 4 wrong usage.",
    ),
)
@study_argument
@click.option("--space", metavar="JSON", help="The search space; makes the study where it is not there.")
@click.option(
    "--direction", type=click.Choice(["minimize", "maximize"]), help="Of a new study; by default minimize."
)
@click.option("--sampler", metavar="NAME", help="random, qmc, tpe, gp, ...; by default the study's own.")
@click.option("--seed", type=int, help="Of a new study; by default drawn.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: number and params.")
def command(
    *, study: str, storage: str | None, space: str | None, sampler: str | None, as_json: bool, **new: Any
) -> None:
    """Start a trial and print its number and parameters; `tunewise tell` finishes it.

    In a space, "a..b" is a range (of floats where an end has a point or an exponent), "log a..b" a logarithmic one,
    and a list holds choices. A study keeps the space with which it was made.
    """
    if space is None:
        opened = open_study(study, storage, sampler)
    else:
        opened = _made(study, storage, space, {"sampler": sampler, **new})
    if opened.info.space is None:
        raise SettingError(f"The study {opened.name!r} has no declared space; give it with --space.")
    trial = opened.ask()
    opened.detach()
    if as_json:
        print_json({"number": trial.number, "params": trial.params})
        return
    click.echo(f"Trial {trial.number}")
    for name, value in trial.params.items():
        click.echo(f"  {name}: {value}")


def _made(study: str, storage: str | None, text: str, settings: dict[str, Any]) -> Any:
    """The study, made with this space where it is not there yet."""
    from tunewise.run.log import set_verbosity
    from tunewise.study import create_study

    space = parse_space(text)
    where, name = split(study, storage)
    set_verbosity(logging.WARNING)
    given = {key: value for key, value in settings.items() if value is not None}
    opened = create_study(name, where, space=space, load_if_exists=True, **given)
    if opened.info.space is None:
        opened.set_space(space)
    elif opened.info.space != space:
        raise SettingError(
            f"The study {name!r} has another space already; leave --space out to go on with it."
        )
    return opened
