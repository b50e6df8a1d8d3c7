"""P77: is gradient clipping a cut of the learning rate in disguise?

Clipping is for the rare large gradient. Where it touches more than half of the steps, it divides nearly every step by its norm:
the rate that was tuned is not the rate that trains.
"""

from __future__ import annotations

import numpy as np

from tunewise.playbook.evidence import Evidence
from tunewise.playbook.finding import Finding, Verdict
from tunewise.stats.intervals import jeffreys
from tunewise.stats.stability import Clipped

CLIPPED = "clipped"  # the metric: the share of steps that were clipped since the last evaluation
_TOO_OFTEN = 0.5
_SUBJECT = "clipping"


def clipping(evidence: Evidence) -> Finding:
    """P77 for the best trial that reported which share of its steps was clipped. O(its reports)."""
    for number in evidence.best_rows(10).tolist():
        _, shares = evidence.curve(number, CLIPPED)
        shares = shares[np.isfinite(shares)]
        if len(shares):
            return over_clipping(
                _counted(evidence, number, shares), f"trial {number}", _usual(evidence, number)
            )
    words = f"No good trial reported {CLIPPED!r}, the share of steps whose gradient was clipped."
    return Finding("P77", _SUBJECT, Verdict.NA, words, needs=f'trial.report({{"{CLIPPED}": share}}, step)')


def over_clipping(found: Clipped, who: str, usual: float | None = None) -> Finding:
    """ACT where surely (95 %) more than half of the steps of ``who`` were clipped, UNSURE where perhaps.

    ``usual`` is the 90th percentile of the norms before clipping, the threshold that clips one step of ten.
    """
    words = (
        f"Gradients were clipped in {found.share:.0%} of the steps of {who} "
        f"(90 % interval {found.low:.0%} to {found.high:.0%})."
    )
    verdict = Verdict.OK
    if found.high > _TOO_OFTEN:
        verdict = Verdict.ACT if found.low > _TOO_OFTEN else Verdict.UNSURE
        words += " That is a lower learning rate in disguise"
        words += f", by {found.lr_factor:.2g} on average." if np.isfinite(found.lr_factor) else "."
    rate = f"to {found.lr_factor:.2g} of it" if np.isfinite(found.lr_factor) else "instead"
    where = (
        f"at {usual:.2g}, the 90th percentile of the norms"
        if usual
        else "at the 90th percentile of the norms"
    )
    return Finding(
        "P77", _SUBJECT, verdict, words, effect=found.share, interval=(found.low, found.high), threshold=_TOO_OFTEN,
        threshold_source="the playbook's half of the steps", data_used=f"the gradient norms of {who}",
        next_action=f"lower the learning rate {rate}, and clip {where}" if verdict != Verdict.OK else "",
        command=_reclip(usual) if verdict == Verdict.ACT else "",
    )  # fmt: skip


def _reclip(usual: float | None) -> str:
    if usual:
        return f"train = train.replan(clip={usual:.2g})"
    return "max_norm = numpy.quantile(norms, 0.9)  # norms: what torch.nn.utils.clip_grad_norm_ returned at each step"


def _counted(evidence: Evidence, number: int, shares: np.ndarray) -> Clipped:
    """The share over all steps where they were counted, else the mean of the shares that were reported."""
    noted = evidence.trials.attrs(number).get("gradients", {})
    share, n = float(noted.get("clipped", shares.mean())), int(noted.get("n", len(shares)))
    low, high = jeffreys(round(share * n), n)
    return Clipped(share, low, high, float(noted.get("lr_factor", np.nan)))


def _usual(evidence: Evidence, number: int) -> float | None:
    noted = evidence.trials.attrs(number).get("gradients", {})
    return float(noted["p90"]) if "p90" in noted else None
