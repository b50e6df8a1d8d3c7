"""Gaussian-process regression in numpy and scipy: Matern-5/2, one lengthscale a parameter, analytic gradients.

To the Matern covariance a quadratic trend can be added (`quadratic`), whose variance is one more hyperparameter.

Z (n, D) are features; ``group`` (D,) says to which of d parameters each belongs, so that the columns of a one-hot
coded choice share a lengthscale. Cost: O(n^3) a fit step, O(n^2) a predicted point. Equations as in Rasmussen and
Williams, "Gaussian Processes for Machine Learning" (2006), chapters 2 and 5.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize

from tunewise.stats import quadratic
from tunewise.types import FloatArray, IntArray

_ROOT5 = math.sqrt(5.0)
_LOG_LENGTHSCALE_BOUNDS = (-4.0, 6.0)
_LOG_LENGTHSCALE = (-2.0, 0.0)  # prior mean of ln(lengthscale / sqrt(d)) of a number and of a choice; sd 1
_LOG_SIGNAL = (0.0, 1.0)  # prior mean and sd of ln(signal variance), for y of unit variance
_LOG_NOISE = (-4.0, 1.0)  # the same of ln(noise variance)
_LOG_QUADRATIC = (-1.0, 1.0)  # the same of ln(variance of the quadratic trend), where there is one
_JITTER = 1e-8


class Hyper(NamedTuple):
    """Hyperparameters: lengthscales (d,), signal variance, noise variance, variance of the quadratic trend (0: none)."""

    lengthscale: FloatArray
    signal_var: float
    noise_var: float
    quadratic_var: float = 0.0


class Posterior(NamedTuple):
    """A Gaussian process that has seen data: all that `predict` needs."""

    A: FloatArray  # (n, D) features divided by their lengthscales
    scale: FloatArray  # (D,)
    L_inverse: FloatArray  # (n, n) inverse of the lower Cholesky factor
    alpha: FloatArray  # (n,)
    signal_var: float
    quadratic_var: float
    X: FloatArray  # (n, D) coordinates of the quadratic trend
    group: IntArray  # (D,)


def prior_mode(group: IntArray) -> Hyper:
    """Where the search for hyperparameters starts, and to which it is drawn.

    Lengthscales grow with sqrt(d), as Hvarfner et al. (ICML 2024) propose, but are a tenth of theirs for numbers: on the
    public benchmark problems the shorter ones cut the regret of the search to a third (docs/benchmarks.md).
    """
    centre = _prior_centre(group)
    return Hyper(np.exp(centre[:-2]), math.exp(centre[-2]), math.exp(centre[-1]))


def fit(
    Z: FloatArray,
    y: FloatArray,
    group: IntArray,
    extra: FloatArray,
    max_steps: int = 30,
    log_lengthscale: tuple[float, float] = _LOG_LENGTHSCALE,
    with_quadratic: bool = False,
) -> Hyper:
    """The most probable hyperparameters given Z (n, D), y (n,) of about unit variance, extra noise (n,).

    L-BFGS-B from the prior's mode with `negative_log_posterior` and its gradient. ``log_lengthscale``: the prior means of
    ln(lengthscale / sqrt(d)) of a number and of a choice. ``with_quadratic``: whether there is a quadratic trend.
    """
    d = int(group.max()) + 1
    start = _prior_centre(group, log_lengthscale)
    bounds = [_LOG_LENGTHSCALE_BOUNDS] * d + [(-5.0, 5.0), (-13.8, 2.0)]
    if with_quadratic:
        start, bounds = np.append(start, _LOG_QUADRATIC[0]), [*bounds, (-13.8, 5.0)]
    found = minimize(
        negative_log_posterior, start, args=(Z, y, group, extra, log_lengthscale), jac=True, method="L-BFGS-B",
        bounds=bounds, options={"maxiter": max_steps},
    )  # fmt: skip
    theta = found.x if np.isfinite(found.x).all() else start
    return Hyper(np.exp(theta[:d]), *(math.exp(t) for t in theta[d:]))


def negative_log_posterior(
    theta: FloatArray,
    Z: FloatArray,
    y: FloatArray,
    group: IntArray,
    extra: FloatArray,
    log_lengthscale: tuple[float, float] = _LOG_LENGTHSCALE,
) -> tuple[float, FloatArray]:
    """Value and gradient at theta = (ln lengthscales (d,), ln signal variance, ln noise variance [, ln quadratic variance])."""
    d = int(group.max()) + 1
    scale = np.exp(theta[:d])[group]
    signal_var, noise_var = math.exp(theta[d]), math.exp(theta[d + 1])
    A = Z / scale
    K, slope = _matern(_squared_distances(A, A), signal_var)
    C, Q = K.copy(), None
    if len(theta) > d + 2:
        X = quadratic.centred(Z, group)
        Q = math.exp(theta[d + 2]) * quadratic.covariance(X, X)
        C += Q
    C.flat[:: len(y) + 1] += noise_var + extra + _JITTER * signal_var
    L, failed = lapack.dpotrf(C, lower=1)
    if failed:
        return 1e25, np.zeros_like(theta)
    C_inverse, _ = lapack.dpotri(L, lower=1)
    C_inverse = np.tril(C_inverse) + np.tril(C_inverse, -1).T
    alpha = C_inverse @ y
    W = C_inverse - np.outer(alpha, alpha)
    G = W * slope
    per_column = -2 * ((A * A).T @ G.sum(axis=1) - np.einsum("ij,ij->j", A, G @ A))
    gradient = np.empty_like(theta)
    gradient[:d] = np.bincount(group, weights=per_column, minlength=d)
    gradient[d] = 0.5 * float((W * K).sum())
    gradient[d + 1] = 0.5 * noise_var * float(np.trace(W))
    centre = _prior_centre(group, log_lengthscale)
    if Q is not None:
        gradient[d + 2] = 0.5 * float((W * Q).sum())
        centre = np.append(centre, _LOG_QUADRATIC[0])
    value = 0.5 * float(y @ alpha) + float(np.log(np.diag(L)).sum())
    off = theta - centre
    return value + 0.5 * float(off @ off), gradient + off


def condition(Z: FloatArray, y: FloatArray, group: IntArray, extra: FloatArray, hyper: Hyper) -> Posterior:
    """The process given data; ``extra`` (n,) is noise variance on top of the common one."""
    scale = hyper.lengthscale[group]
    A = Z / scale
    K, _ = _matern(_squared_distances(A, A), hyper.signal_var)
    X = quadratic.centred(Z, group)
    if hyper.quadratic_var:
        K = K + hyper.quadratic_var * quadratic.covariance(X, X)
    jitter = _JITTER * hyper.signal_var
    while True:
        C = K.copy()
        C.flat[:: len(y) + 1] += hyper.noise_var + extra + jitter
        L, failed = lapack.dpotrf(C, lower=1, clean=1)
        if not failed:
            break
        jitter *= 10
    L_inverse, _ = lapack.dtrtri(L, lower=1)
    alpha = L_inverse.T @ (L_inverse @ y)
    return Posterior(A, scale, L_inverse, alpha, hyper.signal_var, hyper.quadratic_var, X, group)


def predict(posterior: Posterior, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation (without observation noise) at Z (m, D)."""
    K, _ = _matern(_squared_distances(Z / posterior.scale, posterior.A), posterior.signal_var)
    prior: FloatArray | float = posterior.signal_var
    if posterior.quadratic_var:
        X = quadratic.centred(Z, posterior.group)
        K = K + posterior.quadratic_var * quadratic.covariance(X, posterior.X)
        prior = prior + posterior.quadratic_var * quadratic.variance(X)
    return K @ posterior.alpha, _spread(posterior, prior, K @ posterior.L_inverse.T)


def predict_with_gradient(
    posterior: Posterior, Z: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Mean (m,), standard deviation (m,), and the gradients (m, D) of both with respect to Z (m, D)."""
    B, share = Z / posterior.scale, posterior.quadratic_var
    K, slope = _matern(_squared_distances(B, posterior.A), posterior.signal_var)
    X = quadratic.centred(Z, posterior.group)
    prior: FloatArray | float = posterior.signal_var
    d_prior: FloatArray | float = 0.0
    if share:
        K = K + share * quadratic.covariance(X, posterior.X)
        prior, d_prior = prior + share * quadratic.variance(X), share * quadratic.variance_slope(X)
    V = K @ posterior.L_inverse.T
    sigma = _spread(posterior, prior, V)

    def pulled(weights: FloatArray) -> FloatArray:
        """The gradient of sum_j weights_ij k(z_i, x_j), of which ``slope`` is the derivative in squared distance."""
        G = slope * weights
        pull = 2 * (B * G.sum(axis=1)[:, None] - G @ posterior.A) / posterior.scale
        return np.asarray(pull + share * quadratic.slope(X, posterior.X, weights) if share else pull)

    d_sigma = (0.5 * d_prior - pulled(V @ posterior.L_inverse)) / sigma[:, None]
    return K @ posterior.alpha, sigma, pulled(posterior.alpha), d_sigma


def leave_one_out(posterior: Posterior, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and sd (with noise) of each y (n,) given all others; equations 5.12 of Rasmussen and Williams."""
    precision = np.einsum("ij,ij->j", posterior.L_inverse, posterior.L_inverse)
    return y - posterior.alpha / precision, 1 / np.sqrt(precision)


def _prior_centre(group: IntArray, log_lengthscale: tuple[float, float] = _LOG_LENGTHSCALE) -> FloatArray:
    """(d + 2,): the prior mean of (ln lengthscales, ln signal variance, ln noise variance)."""
    columns = np.bincount(group)
    lengthscale = np.where(columns == 1, *log_lengthscale) + 0.5 * math.log(len(columns))
    return np.append(lengthscale, [_LOG_SIGNAL[0], _LOG_NOISE[0]])


def _squared_distances(A: FloatArray, B: FloatArray) -> FloatArray:
    squared = (A * A).sum(axis=1)[:, None] + (B * B).sum(axis=1)[None, :] - 2 * (A @ B.T)
    return np.asarray(np.maximum(squared, 0.0, out=squared))


def _matern(squared: FloatArray, signal_var: float) -> tuple[FloatArray, FloatArray]:
    """The Matern-5/2 covariance at squared distances, and its derivative with respect to them."""
    r = np.sqrt(squared)
    decay = signal_var * np.exp(-_ROOT5 * r)
    linear = 1 + _ROOT5 * r
    return (linear + (5 / 3) * squared) * decay, (-5 / 6) * linear * decay


def _spread(posterior: Posterior, prior: FloatArray | float, V: FloatArray) -> FloatArray:
    variance = prior - np.einsum("ij,ij->i", V, V)
    return np.asarray(np.sqrt(np.maximum(variance, 1e-12 * posterior.signal_var)))
