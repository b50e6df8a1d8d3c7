"""Low-discrepancy points by index: point i is a function of i, so that any worker can ask for any point.

``sobol`` and ``halton`` make a function of indices that may be randomised by a generator: it keeps its
stratification. A short piece of a sequence in many dimensions can nevertheless lie close to a line in some plane; so
of 32 randomisations the one is taken whose first 30 points have the smallest largest correlation between two
coordinates (up to 50 dimensions, one randomisation above). The choice makes single points lean (the first one towards
the middle) where without it each would be uniform; strips stay filled evenly all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from itertools import count, islice

import numpy as np
from numpy.typing import NDArray

from tunewise.types import FloatArray, IntArray

Points = Callable[[IntArray], FloatArray]
"""Indices (k,), each in 0..2**32 - 1, to points (k, d) in [0, 1)."""

SOBOL_DIMS = 256
_INDEX_BITS = 32
_POINT_BITS = 52
_CANDIDATES = 32
_JUDGED_POINTS = 30
_JUDGED_DIMS = 50

_Bits = NDArray[np.uint64]


def sobol(dims: Sequence[int], rng: np.random.Generator | None = None) -> Points:
    """The Sobol sequence in Gray-code order with the direction numbers of Joe and Kuo (2008).

    With ``rng``: a random linear matrix scramble (Matousek, J. Complexity 14, 1998) and a random digital shift,
    after which each block of 2**k points still has one point in each of 2**k equal strips of every axis.
    A point costs O(d), whatever its index.

    Args:
        dims: which coordinates of the sequence (d,), each below ``SOBOL_DIMS``; usually ``range(d)``.
    """
    n_dims = len(dims)
    directions = _directions(max(dims, default=-1) + 1)[list(dims)]
    if rng is None:
        return _xor_points(directions, np.zeros(n_dims, dtype=np.uint64))

    def scrambled() -> Points:
        shift = rng.integers(0, 2**_POINT_BITS, n_dims, dtype=np.uint64)
        return _xor_points(_matrix_scramble(directions, rng), shift)

    return _least_correlated(scrambled, n_dims)


def halton(dims: Sequence[int], rng: np.random.Generator | None = None) -> Points:
    """The Halton sequence: coordinate j is the radical inverse of the index in the j-th prime base.

    With ``rng`` every digit gets a random permutation of its own (Owen, arXiv:1706.02808).
    A point costs O(52 d), whatever its index.

    Args:
        dims: which coordinates of the sequence (d,), from 0; usually ``range(d)``.
    """
    primes = np.array(list(islice(_primes(), max(dims, default=-1) + 1)), dtype=np.int64)
    bases = primes[list(dims)]
    if rng is None:
        return _digit_points(bases, None)
    return _least_correlated(lambda: _digit_points(bases, rng), len(dims))


def worst_correlation(X: FloatArray) -> float:
    """The largest absolute correlation between two columns of X (n, d); 0 for one column."""
    correlation = np.corrcoef(X, rowvar=False).reshape(X.shape[1], -1)
    return float(np.abs(correlation - np.eye(X.shape[1])).max())


def _least_correlated(draw: Callable[[], Points], n_dims: int) -> Points:
    if not 1 < n_dims <= _JUDGED_DIMS:
        return draw()
    judged = np.arange(_JUDGED_POINTS)
    return min((draw() for _ in range(_CANDIDATES)), key=lambda points: worst_correlation(points(judged)))


def _xor_points(directions: _Bits, shift: _Bits) -> Points:
    """Point i is the exclusive or of the direction numbers at the set bits of i's Gray code, eight at a time."""
    n_dims = len(directions)
    table = np.zeros((_INDEX_BITS // 8, 256, n_dims), dtype=np.uint64)
    for bit in range(_INDEX_BITS):
        byte, half = bit // 8, 1 << bit % 8
        table[byte, half : 2 * half] = table[byte, :half] ^ directions[:, bit]
    table[0] ^= shift
    byte_index = np.arange(_INDEX_BITS // 8)
    places = (8 * byte_index).astype(np.uint64)

    def points(index: IntArray) -> FloatArray:
        index = np.asarray(index, dtype=np.uint64)
        gray = index ^ (index >> np.uint64(1))
        terms = table[byte_index, gray[:, None] >> places & np.uint64(255)]
        return np.asarray(np.bitwise_xor.reduce(terms, axis=1) * 2.0**-_POINT_BITS)

    return points


@lru_cache(maxsize=32)
def _directions(n_dims: int) -> _Bits:
    """Direction numbers (d, 32), the leading of 52 bits being the first binary digit (Joe and Kuo, eq. 1-3)."""
    text = files("tunewise.stats").joinpath("joe_kuo.txt").read_text(encoding="ascii")
    rows = [[int(x) for x in line.split()] for line in text.splitlines() if not line.startswith("#")]
    directions = np.empty((n_dims, _INDEX_BITS), dtype=np.uint64)
    for j, (degree, polynomial, *m) in enumerate([[0, 0], *rows][:n_dims]):
        for k in range(degree, _INDEX_BITS):
            new = m[k - degree] ^ (m[k - degree] << degree) if degree else 1
            for i in range(1, degree):
                if polynomial >> (degree - 1 - i) & 1:
                    new ^= m[k - i] << i
            m.append(new)
        directions[j] = [m[k] << (_POINT_BITS - 1 - k) for k in range(_INDEX_BITS)]
    return directions


def _matrix_scramble(directions: _Bits, rng: np.random.Generator) -> _Bits:
    """Multiply the binary digits by a random lower triangular matrix with unit diagonal, one a dimension."""
    places = np.arange(_POINT_BITS - 1, -1, -1, dtype=np.uint64)
    digits = (directions[..., None] >> places & np.uint64(1)).astype(np.float32)
    below = np.tril(rng.integers(0, 2, (len(directions), _POINT_BITS, _POINT_BITS)), -1)
    matrices = (below + np.eye(_POINT_BITS)).astype(np.float32)
    mixed = (digits @ matrices.transpose(0, 2, 1)).astype(np.uint64) & np.uint64(1)
    return np.asarray((mixed << places).sum(axis=-1, dtype=np.uint64))


def _digit_points(bases: IntArray, rng: np.random.Generator | None) -> Points:
    """Radical inverses with each digit permuted; digits below 2**-52 are left out."""
    n_digits = [int(np.ceil(_POINT_BITS / np.log2(base))) for base in bases]
    base = np.repeat(bases, n_digits)
    place = np.concatenate([np.arange(n) for n in n_digits])
    divisor = np.minimum(base.astype(np.float64) ** place, 2.0**62).astype(np.int64)
    weight = base.astype(np.float64) ** -(place + 1.0)
    table = np.concatenate([np.arange(b) if rng is None else rng.permutation(b) for b in base])
    offset = np.cumsum(base) - base
    starts = np.flatnonzero(place == 0)

    def points(index: IntArray) -> FloatArray:
        digit = np.asarray(index, dtype=np.int64)[:, None] // divisor % base
        inverse = np.add.reduceat(table[offset + digit] * weight, starts, axis=1)
        return np.minimum(inverse, 1.0 - 2.0**-53)

    return points


def _primes() -> Iterator[int]:
    known: list[int] = []
    for number in count(2):
        if all(number % prime for prime in known):
            known.append(number)
            yield number
