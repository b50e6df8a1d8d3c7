from tunewise.pruners import Never


def test_it_never_prunes(table):
    assert not Never()(table([{0: 0.0}] * 9, [{0: 1e9}]), 9)
