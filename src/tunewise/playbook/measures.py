"""P2, P13, P63: is the number that is optimised the number that matters, and does it stand for anything?"""

from __future__ import annotations

import math

import numpy as np

from tunewise.playbook.finding import Finding, Verdict
from tunewise.stats.ranks import kendall, promotion_regret
from tunewise.types import FloatArray


def representative(
    proxy: FloatArray, target: FloatArray, unit: float | None = None, sd: float | None = None
) -> Finding:
    """P2: does the tuned metric order trials as the deployment metric does? Losses (n,), (n,) of both, NaN where not measured.

    ``unit`` and ``sd`` are in the target's units. UNSURE where the agreement among the better quarter may be nil; ACT where
    choosing by the proxy costs more than the unit.
    """
    known = np.isfinite(proxy) & np.isfinite(target)
    x, y = proxy[known], target[known]
    arrays = {"kind": "representative", "proxy": proxy, "target": target}
    if len(x) < 8:
        return Finding(
            "P2",
            "metric",
            Verdict.NA,
            f"{len(x)} trials have both metrics; 8 are needed.",
            needs="both metrics in 8 trials",
            arrays=arrays,
        )
    everywhere = kendall(x, y)
    top = np.argsort(x, kind="stable")[: max(5, len(x) // 4)]
    best = kendall(x[top], y[top])
    regret = promotion_regret(x, y)
    scale = unit or sd
    dear = unit is not None and regret.low > unit
    verdict = Verdict.ACT if dear else Verdict.UNSURE if best.low < 0 and everywhere.low < 0.5 else Verdict.OK
    words = (
        f"The two metrics agree by tau = {everywhere.tau:.2f} over {len(x)} trials, {best.tau:.2f} in "
        f"the best quarter (90 % interval "
        f"{best.low:.2f} to {best.high:.2f}); choosing by the tuned one costs {regret.regret:.3g}"
        + (f" = {regret.regret / scale:.1f} units." if scale else ".")
    )
    return Finding(
        "P2",
        "metric",
        verdict,
        words,
        effect=regret.regret,
        interval=(regret.low, regret.high),
        threshold=unit,
        data_used=f"{len(x)} trials with both metrics",
        arrays=arrays,
        next_action="choose by the deployment metric; a non-adaptive study can be re-ranked without reruns"
        if dear
        else "",
        command="tunewise check STUDY --metric DEPLOYED" if dear else "",
    )


def drop_to_test(validation: FloatArray, test: FloatArray, optimism: float, optimism_sd: float) -> Finding:
    """P63: is the step from validation to test what selection explains? Losses of fresh seeds on each, (n,), n >= 2, and (m,).

    ``optimism``: by how much the choice (of steps, of configurations) is expected to flatter the validation number.
    """
    spread = float(validation.std(ddof=1))
    apart = float(test.std(ddof=1)) if len(test) > 1 else spread
    error = math.hypot(spread / math.sqrt(len(validation)), apart / math.sqrt(len(test)))
    total = math.hypot(error, optimism_sd)
    mean = float(test.mean() - validation.mean())
    unexplained = total > 0 and mean - optimism > 2 * total
    words = f"From validation to test the loss rises by {mean:.3g}; choosing explains {optimism:.3g} (+- {total:.2g})."
    return Finding(
        "P63",
        "test",
        Verdict.UNSURE if unexplained else Verdict.OK,
        words,
        effect=mean,
        threshold=optimism + 2 * total,
        threshold_source="the optimism of selection, two standard errors",
        data_used=f"{len(validation)} runs on validation data, {len(test)} on test data",
        next_action="look for a difference between validation and test data" if unexplained else "",
    )


def reasonable(
    values: FloatArray, chance_level: float, sign: float = 1.0, n_validation: int | None = None
) -> Finding:
    """P13: does the first configuration beat a trivial predictor? Losses of its runs (n,), and the trivial predictor's loss.

    ACT unless the worst run is better by three standard errors: of an error rate on ``n_validation`` examples where that is
    known, else of the runs.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Finding("P13", "first configuration", Verdict.ACT, "Every run of the first configuration diverged.",
                       next_action="lower the learning rate, and start simpler",
                       command="project.stability(warmup=True)")  # fmt: skip
    share = abs(chance_level)
    if n_validation and 0 < share < 1:
        error = math.sqrt(share * (1 - share) / n_validation)
    else:
        error = float(finite.std(ddof=1)) if len(finite) > 1 else 0.0
    ahead = chance_level - float(finite.max())
    good = ahead > 3 * error
    words = (
        f"The first configuration reaches {sign * finite.max():.4g} in its worst run; a trivial "
        f"predictor has {sign * chance_level:.4g}."
    )
    return Finding(
        "P13",
        "first configuration",
        Verdict.OK if good else Verdict.ACT,
        words,
        effect=ahead,
        threshold=3 * error,
        threshold_source="three standard errors",
        data_used=f"{len(finite)} runs",
        next_action=""
        if good
        else "find a configuration that learns before tuning: a constant rate, fewer features",
        command="" if good else "project.preflight()",
    )
