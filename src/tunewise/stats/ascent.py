"""Climbing a smooth function in the unit cube from many starts at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tunewise.types import BoolArray, FloatArray

ValueAndGradient = Callable[[FloatArray], tuple[FloatArray, FloatArray]]  # (s, d) -> (s,), (s, d)

_FIRST_STEP = 0.01  # the inverse curvature that is assumed at the start
_LONGEST = 0.3
_BACKTRACKS = 5


def climb(function: ValueAndGradient, X: FloatArray, free: BoolArray, max_steps: int = 20) -> FloatArray:
    """Points (s, d) of [0, 1]^d no lower than the starts X (s, d), of which only ``free`` (s, d) coordinates move.

    Projected BFGS (Nocedal and Wright, "Numerical Optimization", 2006, algorithms 6.1 and 3.1), all starts in step, so
    that one call of ``function`` serves them all. Cost: at most 5 ``max_steps`` calls.
    """
    s, d = X.shape
    curvature = np.tile(_FIRST_STEP * np.eye(d), (s, 1, 1))
    value, gradient = _along(function, X, free)
    for _ in range(max_steps):
        inward = np.where(((X <= 0) & (gradient < 0)) | ((X >= 1) & (gradient > 0)), 0.0, gradient)
        step = _direction(curvature, inward)
        new_X, new_value, new_gradient = _line_search(function, X, value, gradient, inward, step, free)
        moved = new_X - X
        if np.abs(moved).max(initial=0.0) < 1e-6:
            break
        _learn(curvature, moved, gradient - new_gradient)
        X, value, gradient = new_X, new_value, new_gradient
    return X


def _along(function: ValueAndGradient, X: FloatArray, free: BoolArray) -> tuple[FloatArray, FloatArray]:
    value, gradient = function(X)
    return value, np.where(free, gradient, 0.0)


def _direction(curvature: FloatArray, inward: FloatArray) -> FloatArray:
    """The quasi-Newton step of each start, along the gradient where that is not upwards; none longer than 0.3."""
    step = np.where(inward == 0, 0.0, np.einsum("sij,sj->si", curvature, inward))
    step = np.where(((step * inward).sum(axis=1) > 0)[:, None], step, _FIRST_STEP * inward)
    longest = np.abs(step).max(axis=1, initial=1e-300, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST / longest))


def _line_search(
    function: ValueAndGradient, X: FloatArray, value: FloatArray, gradient: FloatArray, inward: FloatArray,
    step: FloatArray, free: BoolArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:  # fmt: skip
    """Backtracking until each start rises by the Armijo rule; those that do not stay where they are."""
    X_out, value_out, gradient_out = X.copy(), value.copy(), gradient.copy()
    waiting, length = np.ones(len(X), dtype=bool), 1.0
    for _ in range(_BACKTRACKS):
        trial = np.clip(X + length * step, 0.0, 1.0)
        trial_value, trial_gradient = _along(function, trial, free)
        rise = 1e-4 * ((trial - X) * inward).sum(axis=1)
        taken = waiting & (trial_value > value + rise)
        X_out[taken], value_out[taken], gradient_out[taken] = (
            trial[taken],
            trial_value[taken],
            trial_gradient[taken],
        )
        waiting &= ~taken
        if not waiting.any():
            break
        length *= 0.3
    return X_out, value_out, gradient_out


def _learn(curvature: FloatArray, moved: FloatArray, change: FloatArray) -> None:
    """The BFGS update of each inverse curvature (of the negated function), in place, where it stays positive."""
    product = (moved * change).sum(axis=1)
    for i in np.flatnonzero(product > 1e-12):
        rho = 1 / product[i]
        left = np.eye(moved.shape[1]) - rho * np.outer(moved[i], change[i])
        curvature[i] = left @ curvature[i] @ left.T + rho * np.outer(moved[i], moved[i])
