"""Acquisition functions on arrays of posterior means and standard deviations."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from tunewise.types import FloatArray

_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def log_expected_improvement(mu: FloatArray, sigma: FloatArray, best: float) -> FloatArray:
    """ln E[max(best - y, 0)] for y ~ N(mu, sigma^2), accurate far into the tail (Ament et al. 2023, eq. 9)."""
    return np.log(sigma) + log_h((best - mu) / sigma)


def log_expected_improvement_gradient(
    mu: FloatArray, sigma: FloatArray, best: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Its value, and its derivatives with respect to mu and sigma, all (m,)."""
    z = (best - mu) / sigma
    value = log_h(z)
    ratio = np.exp(log_ndtr(z) - value)  # the derivative of log_h
    return np.log(sigma) + value, -ratio / sigma, (1 - ratio * z) / sigma


def log_h(z: FloatArray) -> FloatArray:
    """ln(phi(z) + z Phi(z)), in three branches; finite for every finite z."""
    z = np.asarray(z, dtype=np.float64)
    out = np.empty_like(z)
    near = z > -1
    out[near] = np.log(np.exp(-0.5 * z[near] ** 2 - _HALF_LOG_2PI) + z[near] * ndtr(z[near]))
    far = z[~near]
    ratio = erfcx(-far / math.sqrt(2)) * np.abs(far) * math.sqrt(math.pi / 2)
    tail = np.where(far < -1e6, -2 * np.log(np.abs(far)), np.log1p(-np.minimum(ratio, 1 - 1e-16)))
    out[~near] = -0.5 * far**2 - _HALF_LOG_2PI + tail
    return out


def log_probability_positive(mu: FloatArray, sigma: FloatArray) -> FloatArray:
    """ln P(label > 0) of a probit link on a latent N(mu, sigma^2)."""
    return np.asarray(log_ndtr(mu / np.sqrt(0.1 + sigma**2)))


def log_probability_positive_gradient(
    mu: FloatArray, sigma: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Its value, and its derivatives with respect to mu and sigma, all (m,)."""
    width = np.sqrt(0.1 + sigma**2)
    t = mu / width
    value = log_ndtr(t)
    ratio = np.exp(-0.5 * t**2 - _HALF_LOG_2PI - value)
    return value, ratio / width, -ratio * mu * sigma / width**3
