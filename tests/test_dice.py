"""Streams by address: order of asking does not matter, and neighbours differ."""

import numpy as np

from tunewise.dice import Dice, code_of


def test_a_stream_is_a_function_of_its_address():
    forward = [Dice(7).stream(n, 3).random(4).tolist() for n in range(20)]
    dice = Dice(7)
    backward = [dice.stream(n, 3).random(4).tolist() for n in reversed(range(20))]
    assert forward == backward[::-1]


def test_it_is_philox_with_the_counter_at_the_address():
    there = np.random.Generator(np.random.Philox(key=7, counter=(3 << 192) | (5 << 128))).random(6)
    assert Dice(7).stream(5, 3).random(6).tolist() == there.tolist()


def test_addresses_and_keys_differ():
    draws = {tuple(Dice(k).stream(n, c).random(2)) for k in range(3) for n in range(5) for c in range(3)}
    assert len(draws) == 45


def test_a_code_knows_no_order():
    assert code_of(["a", "b"]) == code_of(["b", "a"]) != code_of(["ab"])
