"""``tunewise demo``"""

from __future__ import annotations

from pathlib import Path

import click

from tunewise.cli.help import epilog
from tunewise.errors import MissingExtra


@click.command(
    "demo",
    epilog=epilog(
        "tunewise demo my-first-study --quick",
        codes="0 done; 3 PyTorch is missing, or the folder cannot be written; 4 wrong usage.",
    ),
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default="tunewise-demo")
@click.option("--quick", is_flag=True, help="Fewer and shorter trainings, to see how it goes.")
def command(*, folder: Path, quick: bool) -> None:
    """Train, tune, check and report a small network, from beginning to end; results go to FOLDER.

    Needs PyTorch: pip install "tunewise[torch]".
    """
    try:
        from tunewise.torch.demo import run_demo
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra("PyTorch", "torch", "The demo") from None
    run_demo(folder, quick)
