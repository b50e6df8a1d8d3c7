"""Is training unstable, and does it hurt? Rates around the best one, watched step by step (P71 to P77)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tunewise.playbook import Finding, Findings, Verdict
from tunewise.playbook.clipping import over_clipping
from tunewise.stats.stability import (
    ClipThreshold,
    clip_threshold,
    clipped_share,
    early_blow_up,
    loss_rise,
    lr_sensitivity,
    shortest_stable,
    spikes,
)
from tunewise.torch.decorator import Objective
from tunewise.torch.place import Place, rate_name, settled, watched
from tunewise.types import Choice

_FACTORS = (0.1, 10**-0.5, 1.0, 1.5, 2.0, 10**0.5, 5.0, 10.0)
_BLOW_UP = 0.5
_WARM_UP = "train = train.replan(warmup=0.1)"


@dataclass(frozen=True)
class Stability:
    """``lr_unstable``: the least rate tried from which on training is unstable; ``warmup``: steps that cure it."""

    lr: float
    lr_unstable: float | None
    blow_up: float
    n_spikes: int
    clip: ClipThreshold | None
    sensitivity: float
    warmup: int | None
    findings: Findings

    def __str__(self) -> str:
        return str(self.findings)


def stability(
    train: Objective,
    config: Mapping[str, Choice] | None = None,
    place: Place | None = None,
    *,
    lr: str | None = None,
    steps: int = 500,
    warmup: bool = False,
) -> Stability:
    """Train at 0.1 to 10 times the configuration's learning rate, and look for rises, blow-ups and spikes.

    A run is unstable when its loss rises by more than a fifth of what it had gained for 1 % of the steps, or is not
    finite. With ``warmup`` and an unstable rate found, the least warm-up that makes ten times that rate stable is
    searched (10, 100, ... steps, up to a tenth of the run, two seeds each).

    Raises:
        SettingError: the learning rate is not known.
    """
    place = place or Place()
    config, said = settled(train, config or {}, place.goal)
    name = rate_name(config, lr)
    centre = float(config[name])  # type: ignore[arg-type]
    n = min(steps, train.plan.max_steps)
    runs = {
        factor: watched(
            train.replan(max_steps=n, evals=1, all_norms=True, checkpoints=None),
            {**config, name: factor * centre},
            place.goal,
        )
        for factor in _FACTORS
    }
    unstable = [factor for factor, run in runs.items() if loss_rise(run.losses).harmful]
    edge = next((f for f in _FACTORS if all(g in unstable for g in _FACTORS if g >= f)), None)
    norms = runs[1.0].norms
    clip = clip_threshold(norms) if len(norms) >= 10 else None
    final = np.array(
        [float(np.mean(run.losses[-10:])) if len(run.losses) else math.nan for run in runs.values()]
    )
    sensitivity = lr_sensitivity(np.array(_FACTORS), final, float(runs[1.0].losses[0]))
    blow_up = early_blow_up(runs[2.0].losses)
    lr_unstable = None if edge is None else edge * centre
    shortest = (
        _warmup(train, config, place, name, lr_unstable, n) if warmup and lr_unstable is not None else None
    )
    n_spikes = len(spikes(norms))
    findings = [_rise(edge, unstable, sensitivity, centre, name, clip), _early(blow_up)]
    if clip is not None:
        findings += [_spiky(n_spikes, len(norms), clip), _clip(clip)]
    if train.plan.clip is not None and len(norms):
        found = clipped_share(norms, train.plan.clip)
        findings.append(
            over_clipping(found, f"the run at {name} = {centre:.3g}", clip.value if clip else None)
        )
    if warmup and lr_unstable is not None:
        findings.append(_warm(shortest, lr_unstable, n))
    if any(finding.verdict == Verdict.ACT for finding in findings):
        findings.append(_remedies(runs[1.0].post_norms))
    findings += [said] if said else []
    return Stability(centre, lr_unstable, blow_up, n_spikes, clip, sensitivity, shortest, Findings(findings))


def _warmup(
    train: Objective, config: Mapping[str, Choice], place: Place, name: str, lr_unstable: float, n: int
) -> int | None:
    tried, stable = [], []
    for length in (10**k for k in range(1, 8) if 10**k <= max(10, n // 10)):
        total = n + 2 * length
        for seed in (0, 1):
            plan = train.replan(
                max_steps=total, evals=1, warmup=length / total, schedule="constant", checkpoints=None
            )
            losses = watched(plan, {**config, name: 10 * lr_unstable}, place.goal, seed).losses
            tried.append(length)
            stable.append(not loss_rise(losses).harmful)
    return shortest_stable(np.array(tried), np.array(stable))


def _rise(
    edge: float | None,
    unstable: list[float],
    sensitivity: float,
    lr: float,
    name: str,
    clip: ClipThreshold | None,
) -> Finding:
    said = f"mean excess loss a decade around the rate: {sensitivity:.3g}"
    if 1.0 in unstable:
        words = f"training is unstable at {name} = {lr:.3g} itself; {said}"
        return Finding(
            "P71",
            name,
            Verdict.ACT,
            words,
            sensitivity,
            next_action="add warm-up, then clip gradients",
            command=f"train = train.replan(warmup=0.1{f', clip={clip.value:.2g}' if clip else ''})",
        )
    if edge is not None and edge <= 2.0:
        words = f"training becomes unstable at {edge:g} times the rate in use: the edge may hide a better rate; {said}"
        return Finding(
            "P71",
            name,
            Verdict.ACT,
            words,
            sensitivity,
            next_action="add warm-up, and tune the rate again",
            command=_WARM_UP,
        )
    where = "up to 10 times the rate" if edge is None else f"below {edge:.3g} times the rate"
    return Finding("P71", name, Verdict.OK, f"training is stable {where}; {said}", sensitivity)


def _early(blow_up: float) -> Finding:
    words = f"at twice the rate the loss of the first 100 steps rises by {blow_up:.0%} above its start"
    if blow_up > _BLOW_UP:
        return Finding(
            "P72",
            "first steps",
            Verdict.ACT,
            words,
            blow_up,
            threshold=_BLOW_UP,
            next_action="add warm-up",
            command=_WARM_UP,
        )
    return Finding("P72", "first steps", Verdict.OK, words, blow_up, threshold=_BLOW_UP)


def _spiky(n: int, steps: int, clip: ClipThreshold) -> Finding:
    words = f"{n} of {steps} gradient norms are spikes (5 robust SDs above their neighbours)"
    if n > max(2, steps // 200):
        return Finding("P75", "gradient norm", Verdict.ACT, words, float(n), next_action="clip gradients",
                       command=f"train = train.replan(clip={clip.value:.2g})")  # fmt: skip
    return Finding("P75", "gradient norm", Verdict.OK, words, float(n))


def _clip(clip: ClipThreshold) -> Finding:
    words = (
        f"the 90th percentile of gradient norms is {clip.value:.3g} (90 %: {clip.low:.3g} to {clip.high:.3g}; "
        f"{clip.last_half:.3g} in the last half)"
    )
    return Finding("P76", "clip", Verdict.OK, words, clip.value, (clip.low, clip.high),
                   next_action=f"where clipping is needed, begin with clip={clip.value:.2g}")  # fmt: skip


def _remedies(post_norms: list[str]) -> Finding:
    """The playbook's order; where the network can be traced, whether its residual connections are at fault is seen."""
    order = "warm-up, gradient clipping, another optimiser"
    last = "zero weights where residual branches end; a lower rate last"
    if not post_norms:
        words = f"remedies, in this order: {order}, {last}"
        return Finding("P73", "remedies", Verdict.OK, words)
    named = ", ".join(post_norms[:3]) + (", ..." if len(post_norms) > 3 else "")
    many = "s normalise" if len(post_norms) > 1 else " normalises"
    words = f"{len(post_norms)} layer{many} x + f(x) ({named}); remedies, in this order: {order}, x + f(norm(x)), {last}"
    return Finding("P73", "remedies", Verdict.ACT, words, float(len(post_norms)),
                   next_action="if warm-up and clipping do not help, write x + f(norm(x))",
                   command="x = x + f(norm(x))")  # fmt: skip


def _warm(length: int | None, lr_unstable: float, n: int) -> Finding:
    if length is None:
        words = f"no warm-up up to {max(10, n // 10)} steps makes {10 * lr_unstable:.3g} stable"
        return Finding(
            "P74", "warm-up", Verdict.UNSURE, words, next_action="clip gradients, or lower the rate"
        )
    words = f"{length} steps of warm-up make {10 * lr_unstable:.3g} stable"
    more = " and train longer: it is above 5 % of the run" if length > n / 20 else ""
    return Finding(
        "P74", "warm-up", Verdict.OK, words, float(length), next_action=f"add {length} steps of warm-up{more}"
    )
