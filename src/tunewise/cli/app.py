"""The command ``tunewise``. A sub-command's module is imported when it is run, so that ``--help`` stays fast.

Exit codes, for all commands:
  0    done (``check``, ``doctor`` and probes: nothing to do)
  1    ``check``, ``doctor`` and probes: there is something to act on
  2    ``check``, ``doctor`` and probes: the evidence does not decide
  3    the study, the storage or a file cannot be used
  4    the command line was not understood
  130  interrupted
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import click

from tunewise.cli.help import epilog
from tunewise.errors import TunewiseError

_COMMANDS = {
    "demo": "Train, tune, check and report a small network, from beginning to end.",
    "check": "Say what the Tuning Playbook's checks find in a study.",
    "doctor": "Look for mistakes in a training function, or for damage in a storage.",
    "steps": "Find how many steps a training needs.",
    "batch": "Find the batch size at which throughput saturates.",
    "stability": "Look for instability around a learning rate.",
    "noise": "Measure how much results vary with the seed.",
    "report": "Write a study's report as one HTML file.",
    "studies": "List the studies of a storage.",
    "trials": "List the trials of a study.",
    "best": "Show the best trial of a study.",
    "ask": "Start a trial and print its parameters.",
    "tell": "Finish a trial with its result.",
    "edit": "Annotate, invalidate or delete a trial.",
    "export": "Write all trials to a CSV, JSON, Parquet or SQLite file.",
    "copy": "Copy a study to another storage or name.",
    "artifacts": "List the files kept with a study, or fetch one.",
    "serve": "Serve a storage over HTTP to workers on other machines.",
}
_EXIT_ERROR, _EXIT_USAGE, _EXIT_INTERRUPTED, _EXIT_PIPE = 3, 4, 130, 141
_CODES = (
    "0 done; 1 and 2 from `check` only (act, unsure); 3 a study, storage or file cannot be used; 4 the command line "
    "was not understood; 130 interrupted."
)


class LazyCommands(click.Group):
    """A group that knows its commands by name, and turns every error into a sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command; None for an unknown name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"tunewise.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in ``--help``, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line and leave with an exit code. TUNEWISE_DEBUG=1 lets unforeseen errors through."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a terminal without Unicode shows "?", and goes on
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
            sys.stdout.flush()
        except click.UsageError as error:
            error.show()
            code = _EXIT_USAGE
        except (click.Abort, KeyboardInterrupt):
            code = _complain("interrupted", _EXIT_INTERRUPTED)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = _EXIT_PIPE
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            code = _complain(f"{where}{error.strerror or error}", _EXIT_ERROR)
        except (TunewiseError, click.ClickException) as error:
            code = _complain(str(error), _EXIT_ERROR)
        except Exception as error:
            if os.environ.get("TUNEWISE_DEBUG"):
                raise
            what = f"unforeseen {type(error).__name__}: {error}"
            code = _complain(f"{what}. Set TUNEWISE_DEBUG=1 to see where, and please report it.", _EXIT_ERROR)
        sys.exit(code if isinstance(code, int) else 0)


def _complain(sentence: str, code: int) -> int:
    click.echo(f"tunewise: {sentence}", err=True)
    return code


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from tunewise import __version__

        click.echo(f"tunewise {__version__}")
        ctx.exit()


@click.group(
    cls=LazyCommands,
    epilog=epilog("tunewise demo", "tunewise check runs.db::digits --report report.html", codes=_CODES),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
def main() -> None:
    """Tune deep-learning models properly.

    STUDY is written STORAGE::NAME, such as runs.db::digits, or NAME alone where --storage or the variable
    TUNEWISE_STORAGE says where.
    """
