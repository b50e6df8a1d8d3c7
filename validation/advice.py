"""V28: which parameters matter, and which must be tuned again when another changes."""

from __future__ import annotations

import numpy as np

from tunewise import sim
from tunewise.playbook.evidence import gather
from tunewise.playbook.sensitivity import sensitivity_checks, shift
from validation.core import Figure, Size, at_least, row, shown


@row("V28", "interactions and insensitive parameters")
def advice(size: Size) -> list[Figure]:
    """The best x0 moves with x1 by a planted slope; x2 does not matter; min_effect 0.01; n = 40 and 80, noise 2 % of the
    spread.
    """
    figures = []
    right, called = [], []
    for n in (40, 80):
        for slope in (0.0, 0.25, 0.5):
            held = []
            for seed in range(size.n(200, 6)):
                rng = np.random.default_rng([n, seed])
                # (u0 - a)^2 + c (u0 - a)(u1 - b) is least at u0 = a - c/2 (u1 - b)
                problem = sim.Problem((float(rng.uniform(0.4, 0.6)), 0.5, 0.5), (1.0, 0.3, 0.0),
                                      interaction={(0, 1): -2 * slope}, noise_sd=0.002)  # fmt: skip
                evidence = gather(problem.study(n, seed).trials, problem.space, 0.002, min_effect=0.01)
                found = shift(evidence, "x0", by="x1")
                if found.interval is None:
                    continue
                places = found.arrays["places"]
                truth = slope * float(places[found.arrays["largest"]] - places[0])
                held.append(found.interval[0] <= truth <= found.interval[1])
                for f in sensitivity_checks(evidence):
                    if f.subject == "sensitivity":
                        idle = (
                            f.next_action.removeprefix("fix ").removesuffix(" in the next round").split(", ")
                        )
                        right += [name == "x2" for name in idle if name]
                        called.append("x2" in idle)
            figures.append(
                at_least(f"90 % interval of the shift holds the truth, slope {slope}, n = {n}", held, 0.90)
            )
    figures.append(at_least('parameters called insensitive that are ("fix")', right, 0.95))
    figures.append(shown("insensitive parameter called so", f"{np.mean(called):.3f}", len(called)))
    return figures
