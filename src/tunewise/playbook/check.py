"""All checks of one study, in the playbook's order: each applies what it can and says what it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tunewise.errors import SettingError
from tunewise.playbook.boundaries import boundaries
from tunewise.playbook.clipping import clipping
from tunewise.playbook.conditions import one_name
from tunewise.playbook.curves import curve_checks
from tunewise.playbook.density import density_checks
from tunewise.playbook.evidence import Evidence, gather
from tunewise.playbook.finding import Finding, Findings, Verdict
from tunewise.playbook.gate import OVERRIDE, first_of_all, held_back
from tunewise.playbook.hidden import accidental_regularisers
from tunewise.playbook.infeasible import infeasible_checks
from tunewise.playbook.isolation import isolation_checks
from tunewise.playbook.noise import guessed_noise
from tunewise.playbook.roles import role_checks
from tunewise.playbook.selection import winner
from tunewise.playbook.sensitivity import sensitivity_checks
from tunewise.playbook.steps import regime
from tunewise.space import Space
from tunewise.trials import Trials

_FALSE_DISCOVERIES = 0.10


def check(
    trials: Trials,
    space: Space | None = None,
    *,
    noise_sd: float | None = None,
    min_effect: float = 0.0,
    command: str = "",
    roles: Mapping[str, str] | None = None,
    adaptive: bool | None = None,
    n_validation: int | None = None,
    source: str = "",
    probed: Sequence[Finding] = (),
) -> Findings:
    """Every applicable finding about a study, worst first.

    Args:
        trials: the study's table.
        space: the space that was searched; by default the declared one, else all parameters that were seen.
        noise_sd: SD over seeds of the first goal at a good configuration, where it was measured.
        min_effect: the smallest change of the first goal worth acting on.
        command: the Python expression for the round, with which the lines that the findings print begin.
        roles: {name: "scientific" | "nuisance" | "fixed"} where the study is a round.
        adaptive: whether trials were chosen by looking at results; by default known from their samplers. A study's
            attribute "best_of": n says that only the winners of n trials are in it.
        n_validation: examples in the validation set: a first guess of the noise of an error rate, where it was not measured.
        source: the words that name the study on the command line ("runs.db::digits"), for commands about a plain study.
        probed: what probes of the training found (its stability), to be said along.

    Raises:
        SettingError: several goals; the checks judge one.
    """
    if len(trials.goals) > 1:
        raise SettingError(f"The checks judge one goal; this study has {len(trials.goals)}.")
    if space is None:
        space = trials.info.space or Space(dict(trials.domains))
    noise_source = "measured"
    best = trials.best()
    if noise_sd is None and n_validation and best is not None:
        guess = guessed_noise(float(trials.values[best, 0]), n_validation)
        if guess is not None:
            noise_sd, noise_source = guess.sd, "guessed from the size of the validation set"
    evidence = gather(trials, space, noise_sd, min_effect, command, noise_source=noise_source, roles=roles,
                      adaptive=adaptive, n_validation=n_validation, source=source)  # fmt: skip
    return findings_of(evidence, probed)


def findings_of(evidence: Evidence, probed: Sequence[Finding] = ()) -> Findings:
    """All findings about an evidence, screened and priced; conclusions wait for what has to be done first."""
    found = [
        *role_checks(evidence),
        *one_name(evidence),
        *infeasible_checks(evidence),
        *boundaries(evidence),
        *density_checks(evidence),
        winner(evidence),
        *curve_checks(evidence),
        clipping(evidence),
        *isolation_checks(evidence),
        *sensitivity_checks(evidence),
        *accidental_regularisers(evidence),
    ]
    found.append(regime(Findings(found)))
    n = len(evidence.rows)
    found = [priced(repeated(f, n), evidence.seconds) for f in screened(found)] + list(probed)
    return Findings(held_back(found, first_of_all(found), evidence.trials.user_attrs.get(OVERRIDE)))


def screened(findings: list[Finding]) -> list[Finding]:
    """Take back those ACTs that a p-value alone supports and that would be expected by chance among so many (Benjamini-
    Hochberg, 10 %).
    """
    chances = sorted(f.chance for f in findings if f.chance is not None)
    m = len(chances)
    limit = max((p for i, p in enumerate(chances, 1) if p <= _FALSE_DISCOVERIES * i / m), default=-1.0)

    def judged(f: Finding) -> Finding:
        if f.verdict != Verdict.ACT or f.chance is None or f.chance <= limit:
            return f
        words = f"{f.headline} Among {m} tests that is to be expected by chance."
        action = f"more trials decide whether to {f.next_action}" if f.next_action else ""
        return replace(f, verdict=Verdict.UNSURE, headline=words, next_action=action, command="", change=None)

    return [judged(f) for f in findings]


def repeated(finding: Finding, n: int) -> Finding:
    """What is changed in the training, or on a scale, shows in a study run anew: it costs as many trials again."""
    if finding.verdict != Verdict.ACT or finding.cost_trials is not None:
        return finding
    return replace(finding, cost_trials=n)


def priced(finding: Finding, seconds: float | None) -> Finding:
    """With the time that its trials would take, where the study's trials were timed."""
    if finding.cost_trials is None or seconds is None or finding.cost_seconds is not None:
        return finding
    return replace(finding, cost_seconds=finding.cost_trials * seconds)
