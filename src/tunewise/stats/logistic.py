"""Logistic regression with Firth's penalty (1993): finite and nearly unbiased even where one threshold separates all."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_expit

from tunewise.types import BoolArray, FloatArray


class Logistic(NamedTuple):
    """Coefficients (p,), their covariance (p, p), and the penalised log-likelihood."""

    coefficient: FloatArray
    covariance: FloatArray
    log_likelihood: float


def firth(X: FloatArray, positive: BoolArray, steps: int = 100) -> Logistic:
    """Maximise the likelihood times Jeffreys' prior, by Newton steps on the modified score. X (n, p) with an intercept; O(n
    p^2).
    """
    y = positive.astype(np.float64)
    beta = np.zeros(X.shape[1])
    value, covariance = _penalised(X, y, beta)
    for _ in range(steps):
        pi = expit(X @ beta)
        weight = pi * (1 - pi)
        leverage = weight * np.einsum("ij,jk,ik->i", X, covariance, X)
        step = covariance @ (X.T @ (y - pi + leverage * (0.5 - pi)))
        size = 1.0
        while size > 1e-4:
            trial = beta + size * np.clip(step, -5, 5)
            new, new_covariance = _penalised(X, y, trial)
            if new >= value - 1e-12:
                break
            size /= 2
        done = new - value < 1e-9
        if new >= value:
            beta, value, covariance = trial, new, new_covariance
        if done:
            break
    return Logistic(beta, covariance, value)


def _penalised(X: FloatArray, y: FloatArray, beta: FloatArray) -> tuple[float, FloatArray]:
    eta = X @ beta
    pi = expit(eta)
    information = (X * (pi * (1 - pi))[:, None]).T @ X + 1e-10 * np.eye(X.shape[1])
    value = float((y * log_expit(eta) + (1 - y) * log_expit(-eta)).sum())
    return value + 0.5 * float(np.linalg.slogdet(information)[1]), np.linalg.inv(information)


class Threshold(NamedTuple):
    """Where half of the trials are positive: the place, its 90 % interval (which may be infinite), and the slope there."""

    at: float
    low: float
    high: float
    slope: float


def threshold(x: FloatArray, positive: BoolArray) -> Threshold:
    """The x (n,) at which a logistic curve passes 1/2, with Fieller's interval; slope > 0 means positive above. O(n)."""
    centre, scale = float(x.mean()), float(x.std()) or 1.0
    fit = firth(np.column_stack([np.ones(len(x)), (x - centre) / scale]), positive)
    a, b = fit.coefficient
    if b == 0:
        return Threshold(math.nan, -math.inf, math.inf, 0.0)
    low, high = _fieller(-a, b, fit.covariance)
    return Threshold(centre - scale * a / b, centre + scale * low, centre + scale * high, b / scale)


def _fieller(top: float, bottom: float, covariance: FloatArray) -> tuple[float, float]:
    """The 90 % interval of top / bottom where top = -a: unbounded where the slope itself may be 0."""
    z2 = 1.645**2
    vaa, vab, vbb = covariance[0, 0], -covariance[0, 1], covariance[1, 1]
    A, B, C = bottom**2 - z2 * vbb, top * bottom - z2 * vab, top**2 - z2 * vaa
    root = B * B - A * C
    if A <= 0 or root < 0:
        return -math.inf, math.inf
    return (B - math.sqrt(root)) / A, (B + math.sqrt(root)) / A
