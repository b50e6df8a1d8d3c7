"""``tunewise doctor train.py:train``, and what its sister commands share: options, and how findings are printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from tunewise.cli.check import EXIT
from tunewise.cli.findings import print_findings
from tunewise.cli.show import print_json
from tunewise.cli.target import load_target, need_torch, read_params

F = TypeVar("F", bound=Callable[..., Any])


def training_options(command: F) -> F:
    """TARGET, ``--set``, ``--metric``, ``--direction`` and ``--json``."""
    for add in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option(
            "--direction", type=click.Choice(["minimize", "maximize"]), default="minimize", show_default=True
        ),
        click.option("--metric", default="value", show_default=True, help="The name of the metric."),
        click.option(
            "--set",
            "given",
            multiple=True,
            metavar="NAME=VALUE",
            help="A parameter's value; repeatable. Those left out get a default.",
        ),
        click.argument("target", metavar="FILE.py:FUNCTION"),
    ):
        command = add(command)
    return command


def diagnose(target: str, given: Sequence[str], metric: str, direction: str, as_json: bool) -> int:
    """Check a training function; prints the findings, and returns the exit code."""
    need_torch("Checking a training")
    from tunewise.records import Goal
    from tunewise.torch.doctor import preflight

    findings = preflight(load_target(target), read_params(given), Goal(metric, direction))
    return say(findings, findings, as_json)


def say(found: Any, findings: Any, as_json: bool) -> int:
    """Print what a probe found; the exit code says the verdict."""
    if as_json:
        print_json({"verdict": findings.verdict.value, "findings": findings.to_json()})
    else:
        print_findings(findings)
    return EXIT[findings.verdict]


def probe(
    verb: str, target: str, given: Sequence[str], metric: str, direction: str, as_json: bool, **settings: Any
) -> int:
    """Run one probe of a training made by ``@tunewise.training``; prints, and returns the exit code."""
    need_torch("Probing a training")
    from tunewise.cli.target import probe_of
    from tunewise.records import Goal

    ask = probe_of(load_target(target), verb)
    found = ask(read_params(given), goal=Goal(metric, direction), **settings)
    return say(found, found.findings, as_json)
