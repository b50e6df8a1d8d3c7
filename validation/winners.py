"""V31: the best trial of a study without its luck."""

from __future__ import annotations

import numpy as np

from tunewise import sim
from tunewise.playbook.evidence import gather
from tunewise.playbook.selection import winner
from validation.core import Figure, Size, at_least, number, row, shown


@row("V31", "the best value without its luck")
def winners(size: Size) -> list[Figure]:
    """Random problems of 2 to 5 parameters, noise of 2, 5 and 15 % of the spread, known or not, 40 and 100 trials; in SDs of the
    noise, negative where the figure is better than the setting.
    """
    figures = []
    for sampler in ("qmc", "tpe"):
        raw, mended, held = [], [], []
        for run in range(size.n(240, 24)):
            rng = np.random.default_rng([run, 31])
            noise, n = (0.02, 0.05, 0.15)[run % 3], (40, 100)[run // 3 % 2]
            problem = sim.random_problem(rng, d=int(rng.integers(2, 6)), noise=noise)
            trials = problem.study(n, run, sampler).trials
            best = trials.best()
            assert best is not None
            off = float(trials.loss[best, 0]) - problem.mean(trials.row(best).params)
            for noise_sd in (problem.noise_sd, None):
                found = winner(gather(trials, problem.space, noise_sd))
                if found.effect is not None and found.interval is not None:
                    raw.append(off / problem.noise_sd)
                    mended.append((off + found.effect) / problem.noise_sd)
                    held.append(off + found.interval[0] <= 0 <= off + found.interval[1])
        error = float(np.std(mended) / np.sqrt(len(mended)))
        figures.append(
            shown(f"best value as seen, minus the truth ({sampler})", f"{np.mean(raw):.2f}", len(raw))
        )
        figures.append(
            number(
                f"without luck, minus the truth ({sampler})",
                float(np.mean(mended)),
                -0.6,
                0.6,
                len(mended),
                error,
            )
        )
        figures.append(at_least(f"its 90 % interval holds the truth ({sampler})", held, 0.90))
    return figures
