"""``tunewise ask``"""

from __future__ import annotations

from typing import Any

import click

from tunewise.cli.place import open_study, split, study_argument
from tunewise.cli.show import print_json
from tunewise.cli.space_text import parse_space
from tunewise.errors import SettingError


@click.command("ask")
@study_argument
@click.option("--space", metavar="JSON", help="The search space; makes the study if it is not there.")
@click.option(
    "--direction", type=click.Choice(["minimize", "maximize"]), help="Of a new study; by default minimize."
)
@click.option("--sampler", metavar="NAME", help="random, qmc, tpe, gp, ...; by default chosen for the study.")
@click.option("--seed", type=int, help="Of a new study; by default drawn.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: number and params.")
def command(study: str, storage: str | None, space: str | None, as_json: bool, **new: Any) -> None:
    r"""Start a trial and print its number and parameters; `tunewise tell` finishes it.

    In a space, "a..b" is a range (of floats where an end has a point or an exponent), "log a..b" a logarithmic
    one, and a list holds choices. A study keeps the space with which it was made.

    \b
    Example:  tunewise ask runs.db::digits --space '{"lr": "log 1e-5..1e-1", "layers": "1..5", "act": ["relu", "gelu"]}'
              tunewise tell runs.db::digits 0 --value 0.31
    Exit codes: 0 done; 3 the study cannot be used, or the space is not valid; 4 wrong usage.
    """
    opened = open_study(study, storage) if space is None else _made(study, storage, space, new)
    if opened.info.space is None:
        raise SettingError(f"The study {opened.name!r} has no declared space; give it with --space.")
    trial = opened.ask()
    if as_json:
        print_json({"number": trial.number, "params": trial.params})
        return
    click.echo(f"Trial {trial.number}")
    for name, value in trial.params.items():
        click.echo(f"  {name}: {value}")


def _made(study: str, storage: str | None, text: str, new: dict[str, Any]) -> Any:
    """The study, made with this space where it is not there yet."""
    from tunewise.run.log import set_verbosity
    from tunewise.study import create_study

    space = parse_space(text)
    where, name = split(study, storage)
    set_verbosity(30)
    settings = {key: value for key, value in new.items() if value is not None}
    opened = create_study(name, where, space=space, load_if_exists=True, **settings)
    if opened.info.space is None:
        opened.set_space(space)
    elif opened.info.space != space:
        raise SettingError(
            f"The study {name!r} has another space already: {opened.info.space}. Leave --space out."
        )
    return opened
