"""Domination, crowding and volume agree with their definitions, written out by hand."""

from itertools import pairwise, product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tunewise.stats import pareto


def whole_losses(max_n=12, max_m=4, least_n=0):
    """Small whole numbers, so that ties are common."""
    shape = st.tuples(st.integers(least_n, max_n), st.integers(1, max_m))
    return shape.flatmap(lambda s: arrays(np.float64, s, elements=st.integers(0, 4)))


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and any(x < y for x, y in zip(a, b, strict=True))


def ranks_by_hand(Y, violation):
    rank, front = np.full(len(Y), -1), 0
    left = [i for i in range(len(Y)) if not violation[i] > 0]
    while left:
        best = [i for i in left if not any(dominates(Y[j], Y[i]) for j in left)]
        rank[best] = front
        left = [i for i in left if i not in best]
        front += 1
    for size in sorted({v for v in violation if v > 0}):
        rank[violation == size] = front
        front += 1
    return rank


with_violation = whole_losses().flatmap(
    lambda Y: st.tuples(st.just(Y), arrays(np.float64, len(Y), elements=st.sampled_from([0, 0, 0.5, np.inf])))
)


@given(with_violation)
def test_ranks_are_those_of_the_definition(drawn):
    Y, violation = drawn
    assert (pareto.ranks(Y, violation) == ranks_by_hand(Y, violation)).all()
    assert (pareto.ranks(Y) == ranks_by_hand(Y, np.zeros(len(Y)))).all()
    assert (pareto.nondominated(Y) == (pareto.ranks(Y) == 0)).all()


@given(whole_losses(), st.integers(0, 12))
def test_ranks_stop_where_enough_are_ranked(Y, enough):
    full, some = pareto.ranks(Y), pareto.ranks(Y, enough=enough)
    last = some.max(initial=0)
    assert (some == np.minimum(full, last)).all()
    assert (full < last).sum() >= min(enough, len(Y)) or (some == full).all()


@given(whole_losses(), st.randoms(use_true_random=False))
def test_only_the_order_of_each_loss_counts(Y, random):
    rank = pareto.ranks(Y)
    bent = np.expm1(Y) * 3 - 7
    columns, rows = list(range(Y.shape[1])), list(range(len(Y)))
    random.shuffle(columns)
    random.shuffle(rows)
    assert (pareto.ranks(bent[:, columns]) == rank).all()
    assert (pareto.ranks(Y[rows]) == rank[rows]).all()
    assert (pareto.ranks(np.column_stack([Y, np.full(len(Y), 3.0), Y[:, 0]])) == rank).all()


def crowding_by_hand(Y):
    distance = np.zeros(len(Y))
    for y in Y.T:
        order = sorted(range(len(Y)), key=lambda i: y[i])
        if not len(Y) or y.max() == y.min():
            continue
        distance[[order[0], order[-1]]] = np.inf
        for before, i, after in zip(order, order[1:], order[2:], strict=False):
            distance[i] += (y[after] - y[before]) / (y.max() - y.min())
    return distance


@given(whole_losses())
def test_crowding_is_that_of_the_paper(Y):
    assert pareto.crowding(Y) == pytest.approx(crowding_by_hand(Y))
    assert pareto.crowding(4 * Y - 8) == pytest.approx(pareto.crowding(Y))
    assert pareto.crowding(np.column_stack([Y, np.ones(len(Y))])) == pytest.approx(pareto.crowding(Y))


@given(with_violation, st.integers(0, 12))
def test_the_best_come_first(drawn, enough):
    Y, violation = drawn
    order, rank = pareto.best_first(Y, violation), ranks_by_hand(Y, violation)
    assert sorted(order) == list(range(len(Y)))
    assert (np.diff(rank[order]) >= 0).all()
    for front in set(rank.tolist()):
        rows = np.flatnonzero(rank == front)
        distance = dict(zip(rows.tolist(), crowding_by_hand(Y[rows]).tolist(), strict=True))
        ordered = [distance[row] for row in order.tolist() if row in distance]
        assert all(x >= y - 1e-12 for x, y in pairwise(ordered))
    some = pareto.best_first(Y, violation, enough)[:enough]
    assert sorted(rank[some]) == sorted(rank[order[:enough]])


@given(whole_losses(least_n=1), st.integers(1, 12))
def test_the_largest_volume_goes_by_rank_and_knows_no_units(Y, enough):
    order, rank = pareto.volume_first(Y, enough), pareto.ranks(Y)
    assert sorted(order) == list(range(len(Y)))
    assert (np.diff(rank[order[:enough]]) >= 0).all()
    assert rank[order].tolist()[:enough] == sorted(rank)[:enough]
    assert (pareto.volume_first(4 * Y - 8, enough) == order).all()


@pytest.mark.parametrize("m", [2, 3, 4])
def test_the_first_points_dominate_nearly_as_much_as_those_chosen_by_the_exact_volume(m):
    points = np.random.default_rng(m).random((30, m)) ** 2
    front = points / np.linalg.norm(points, axis=1, keepdims=True)
    front = (front - front.min(axis=0)) / np.ptp(front, axis=0)
    corner, exact = np.full(m, 1.1), []
    for _ in range(6):
        left = [i for i in range(30) if i not in exact]
        exact.append(max(left, key=lambda i: pareto.hypervolume(front[[*exact, i]], corner)))
    chosen = pareto.volume_first(front, 6)[:6]
    volume, best = (pareto.hypervolume(front[rows], corner) for rows in (chosen, exact))
    assert 0.97 * best < volume
    assert pareto.hypervolume(front[:6], corner) < 0.9 * best


@pytest.mark.parametrize("order", [pareto.crowding, pareto.best_first, lambda Y: pareto.volume_first(Y, 3)])
def test_losses_as_large_as_floats_get_keep_their_order(order):
    Y = np.array([[-1.0, 1.0], [0.0, 0.5], [0.75, 0.0], [1.0, -1.0]])
    assert (order(1.5e308 * Y) == order(1e200 * Y)).all()


def test_losses_without_bound_are_crowded_by_their_places():
    Y = np.array([[0.0, np.inf], [1.0, 5.0], [2.0, 3.0], [np.inf, 0.0]])
    assert pareto.crowding(Y) == pytest.approx([np.inf, 4 / 3, 4 / 3, np.inf])


@pytest.mark.parametrize("m", [1, 2, 3, 5])
@pytest.mark.parametrize("most", [1, 5, 20, 100])
def test_reference_directions_fill_the_simplex_evenly(m, most):
    directions = pareto.reference_directions(m, most)
    assert directions.sum(axis=1) == pytest.approx(1)
    assert (directions >= 0).all()
    assert len(np.unique(directions, axis=0)) == len(directions)
    assert len(directions) <= max(most, m)
    n_parts = 1 if m == 1 else round(1 / np.diff(np.unique(directions[:, 0])).min())
    assert len(directions) == comb(n_parts + m - 1, m - 1)
    if m > 1:
        assert comb(n_parts + m, m - 1) > most
    assert {tuple(row) for row in np.eye(m)} <= {tuple(row) for row in directions.tolist()}


@given(whole_losses(max_n=7), st.data())
def test_the_volume_is_the_number_of_dominated_cells(Y, data):
    m = Y.shape[1]
    reference = np.array(data.draw(st.lists(st.integers(0, 4), min_size=m, max_size=m)))
    cells = np.array(list(product(range(4), repeat=m)))
    dominated = ((cells[:, None] >= Y) & (cells[:, None] < reference)).all(axis=2).any(axis=1)
    assert pareto.hypervolume(Y, reference) == dominated.sum()


@given(whole_losses(least_n=1, max_m=3))
def test_the_volume_grows_with_what_is_not_dominated_alone(Y):
    reference = np.full(Y.shape[1], 5)
    whole, rest = pareto.hypervolume(Y, reference), pareto.hypervolume(Y[1:], reference)
    is_new = not any((y <= Y[0]).all() for y in Y[1:])
    assert (whole > rest) == is_new
    assert pareto.hypervolume(Y[::-1], reference) == whole
    assert pareto.hypervolume(2 * Y, 2 * reference) == whole * 2 ** Y.shape[1]
