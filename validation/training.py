"""V8, V9, V10, V22, V25: training curves, step noise, forecasts, crossings, spikes and clipping."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from tunewise import sim
from tunewise.playbook import Verdict, check
from tunewise.playbook.curves import rising, saturation
from tunewise.playbook.evidence import gather
from tunewise.stats.ranks import auc
from tunewise.stats.stability import clip_threshold, clipped_share, loss_rise, spikes
from tunewise.stats.trend import first_reaching, forecast, settled, step_sd
from validation.core import Figure, Size, at_least, at_most, number, row, shown


@row("V8", "overfitting detector")
def overfitting(size: Size) -> list[Figure]:
    """A plateau reached early, first-order autoregressive noise of SD 1, a linear rise over the second half."""
    figures = []
    runs = size.n(1000, 60)
    for evals in (20, 50, 100):
        for rho in (0.0, 0.5, 0.8):
            rng = np.random.default_rng([evals, int(10 * rho)])
            base = 10 * np.exp(-10 * np.arange(evals) / evals)
            ramp = np.maximum(np.arange(evals) - evals // 2, 0) / (evals - 1 - evals // 2)
            noise = [sim.correlated(rng, evals, rho) for _ in range(runs)]
            alarms = [rising(base + e)[0] < 0.05 for e in noise]
            bound = 0.05 if rho <= 0.5 else 0.08
            figures.append(at_most(f"false alarm, {evals} evaluations, lag-1 {rho}", alarms, bound))
            for rise in (4, 8):
                seen = [rising(base + e + rise * ramp)[0] < 0.05 for e in noise]
                what = f"seen, rise of {rise} SD, {evals} evaluations, lag-1 {rho}"
                wanted = evals >= 50 or rise == 8
                figures.append(
                    at_least(what, seen, 0.80) if wanted else shown(what, f"{np.mean(seen):.3f}", runs)
                )
    return figures


@row("V9", "step noise")
def step_noise(size: Size) -> list[Figure]:
    """White noise on an exponential curve."""
    figures = []
    for evals in (10, 25, 50):
        rng = np.random.default_rng(evals)
        shape = np.exp(-np.arange(evals) / (evals / 5))
        found = (
            np.array([step_sd(shape + 0.1 * rng.standard_normal(evals)) for _ in range(size.n(4000))]) / 0.1
        )
        figures.append(number(f"mean estimate / truth, {evals} evaluations", float(found.mean()), 0.9, 1.1, len(found),
                              float(found.std() / math.sqrt(len(found)))))  # fmt: skip
    return figures


@row("V10", "still improving, saturated, best step")
def improving(size: Size) -> list[Figure]:
    """Power laws and exponentials; a plateau from a planted step; decaying schedules."""
    rng = np.random.default_rng(0)
    close, covered = [], []
    runs = size.n(1000, 120)
    for _ in range(runs):
        evals, noise = int(rng.choice([20, 50, 100])), float(rng.choice([0.002, 0.005, 0.01]))
        curve, gain = _descent(rng, evals)
        found = forecast(curve + noise * sim.correlated(rng, evals, float(rng.choice([0.0, 0.5]))))
        covered.append(found.quantile(0.05) <= gain <= found.quantile(0.95))
        if gain > 2 * noise:
            close.append(abs(found.quantile(0.5) / gain - 1) < 0.5)
    scores, labels, places = [], [], []
    for i in range(size.n(600, 80)):
        evals, flat_from = 50, float(rng.uniform(0.2, 0.6))
        t = np.arange(1, evals + 1) / evals
        saturates = i % 2 == 0
        y = np.maximum(1 - t / flat_from, 0.0) if saturates else 1.2 - t ** float(rng.uniform(0.5, 1.2))
        y = y + 0.01 * rng.standard_normal(evals)
        scores.append(forecast(y).quantile(0.05))
        labels.append(not saturates)
        if saturates:
            places.append((settled(y, 2 * step_sd(y) / math.sqrt(5)) + 1) / evals - flat_from)
    decayed = []
    for seed in range(size.n(200, 8)):
        problem = sim.Problem(
            (0.5, 0.5), (1, 1), curve=sim.Curve(n_evals=30, noise_sd=0.002, schedule="cosine")
        )
        findings = check(problem.study(16, seed).trials, noise_sd=0.001)
        decayed.append(any(f.verdict == Verdict.ACT for f in findings if f.code in ("P39", "P41")))
    return [
        at_least(
            "forecast of a quarter more training within 50 % (gains above twice the noise)", close, 0.80
        ),
        at_least("90 % interval of the forecast holds the truth", covered, 0.85),
        number(
            "still improving against saturated: area under the curve",
            auc(np.array(scores), np.array(labels)),
            0.95,
            1.0,
            len(scores),
        ),
        number(
            "place of the plateau: median error, share of the run",
            float(np.median(places)),
            -0.1,
            0.1,
            len(places),
        ),
        at_most('"train longer" under a decaying schedule', decayed, 0.0),
        *_shorter(size.n(300, 20)),
    ]


def _shorter(runs: int) -> list[Figure]:
    """How often P40 asks for shorter training: where half of the run is not enough, and where a third of it is."""
    figures = []
    for step_noise in (0.0, 1.0, 2.0):
        early, late = [], []
        for run in range(runs):
            rng = np.random.default_rng([run, int(step_noise)])
            late.append(_called_saturated(rng, 0.5, rng.uniform(3, 8), step_noise))
            early.append(_called_saturated(rng, 0.35, rng.uniform(0, 0.3), step_noise))
        words = f"step noise of {step_noise:g} units"
        figures.append(
            at_most(f"shorter training asked for, 3 to 8 units to come at half, {words}", late, 0.05)
        )
        figures.append(
            at_least(f"shorter training asked for, a third of a unit to come at 35 %, {words}", early, 0.80)
        )
    return figures


def _called_saturated(rng: np.random.Generator, at: float, units: float, step_noise: float) -> bool:
    """P40 on 40 trials of 10 to 50 evaluations whose loss at a share ``at`` of the run is some ``units`` above its end."""
    unit = 0.01
    rate = brentq(lambda r: math.exp(-r * at) - math.exp(-r) - max(units, 1e-3) * unit, 2, 60)
    curve = sim.Curve(
        int(rng.choice([10, 20, 50])), rate, noise_sd=step_noise * unit, rho=float(rng.choice([0.0, 0.5]))
    )
    problem = sim.Problem((0.5, 0.5), (0.5, 0.5), noise_sd=unit, curve=curve)
    study = problem.study(40, int(rng.integers(1 << 30)))
    return saturation(gather(study.trials, problem.space, noise_sd=unit)).verdict == Verdict.ACT


def _descent(rng: np.random.Generator, evals: int) -> tuple[np.ndarray, float]:
    t = np.arange(1, evals + 1) / evals
    c = float(rng.uniform(0.2, 1.5) if rng.random() < 0.5 else -rng.uniform(1, 6))

    def f(x: np.ndarray) -> np.ndarray:
        return (20 * x) ** -c if c > 0 else np.exp(c * x)

    scale = float(np.ptp(f(t)))
    return f(t) / scale, float((f(np.array(1.0)) - f(np.array(1.25))) / scale)


@row("V22", "first crossing of a target")
def crossing(size: Size) -> list[Figure]:
    """Exponential descents with white noise; the step at which the noiseless curve crosses is known."""
    figures = []
    for evals in (50, 100):
        for noise in (0.005, 0.02, 0.03):
            rng = np.random.default_rng([evals, int(1000 * noise)])
            ratio, single = [], []
            for _ in range(size.n(1000)):
                tau, at = rng.uniform(0.15, 0.5) * evals, rng.uniform(0.3, 0.7) * evals
                step = np.arange(evals, dtype=float)
                y = np.exp(-step / tau) + noise * rng.standard_normal(evals)
                target = math.exp(-at / tau)
                ratio.append(first_reaching(step, y, target) / at)
                below = np.flatnonzero(y <= target)
                single.append(below[0] / at if len(below) else math.nan)
            figures.append(
                number(
                    f"mean estimate / truth, {evals} evaluations, noise {noise}",
                    float(np.nanmean(ratio)),
                    0.97,
                    1.03,
                    len(ratio),
                    float(np.nanstd(ratio) / math.sqrt(len(ratio))),
                )
            )
            figures.append(
                shown(
                    "first single evaluation below, for comparison", f"{np.nanmean(single):.3f}", len(single)
                )
            )
    return figures


@row("V25", "spikes, lasting rises, clipping")
def stability(size: Size) -> list[Figure]:
    """Lognormal gradient norms with drift and tenfold spikes; losses with and without a blow-up."""
    rng = np.random.default_rng(0)
    runs = size.n(400, 40)
    alarms, recall, quantile, inside = [], [], [], []
    for _ in range(runs):
        norms = np.exp(
            -np.linspace(0, rng.uniform(0, 3), 2000) + rng.uniform(0.1, 0.4) * rng.standard_normal(2000)
        )
        alarms.append(len(spikes(norms)) > 0)
        spiked = norms.copy()
        at = rng.choice(2000, 5, replace=False)
        spiked[at] *= 10
        recall += np.isin(at, spikes(spiked)).tolist()
        steady = np.exp(0.4 * rng.standard_normal(2000))
        clip = clip_threshold(steady)
        quantile.append(_lognormal_share(clip.value) - 0.9)
        inside.append(clip.low <= math.exp(0.4 * 1.2815516) <= clip.high)
    calm, blown, early = [], [], []
    for _ in range(runs):
        t = np.arange(1000)
        loss = 2.3 * np.exp(-t / rng.uniform(100, 400)) + 0.3 + 0.1 * rng.standard_normal(1000)
        calm.append(loss_rise(loss).harmful)
        k = int(rng.integers(100, 900))
        late = loss.copy()
        late[k:] += rng.uniform(0.8, 2) * np.exp(-np.arange(1000 - k) / rng.uniform(50, 200))
        blown.append(loss_rise(late).harmful)
        first = loss.copy()
        first[10:] += 3 * np.exp(-np.arange(990) / rng.uniform(30, 100))
        early.append(loss_rise(first).harmful)
    exact = all(clipped_share(np.arange(1.0, 101.0), float(k)).share == (100 - k) / 100 for k in range(101))
    return [
        at_most("runs of 2,000 steps with a false spike", alarms, 0.01),
        at_least("tenfold spikes found (noise SD 0.1 to 0.4 of the log)", recall, 0.95),
        number(
            "clip threshold: largest error in percentile points",
            100 * float(np.abs(quantile).max()),
            0,
            3,
            runs,
        ),
        at_least("its 90 % interval holds the truth", inside, 0.85),
        at_most("calm losses called unstable", calm, 0.01),
        at_least("blow-ups in mid-training found", blown, 0.95),
        at_least("early blow-ups found", early, 0.95),
        number("share of clipped steps exact for every count", float(exact), 1, 1, 101, form=".0f"),
    ]


def _lognormal_share(x: float) -> float:
    return 0.5 * (1 + math.erf(math.log(x) / 0.4 / math.sqrt(2)))
