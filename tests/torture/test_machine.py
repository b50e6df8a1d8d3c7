"""Two workers on every kind of store in lock-step: after any sequence of operations all of them tell the same."""

import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from stores import IS_FULL, store

import tunewise as tw
from tunewise.errors import TunewiseError
from tunewise.storage import MemoryLog

VALUES = st.sampled_from([0.0, 1.0, -2.5, float("nan"), "no number", None])


class Machine(RuleBasedStateMachine):
    """The stores, two handles on each, and the running trials as each of them sees them."""

    def __init__(self, *servers):
        super().__init__()
        self.folder = tempfile.mkdtemp()
        memory = MemoryLog()
        self.places = [
            memory,
            f"sqlite:///{self.folder}/s.db?durability=normal",
            f"dir:{self.folder}/runs?durability=normal",
            *servers,
        ]
        self.servers, self.opened = servers, []
        for place in self.places:
            tw.create_study("s", place, sampler="random", seed=1, lease=None, on_lost="retry")
        self.handles = [[self.open(place), self.open(place)] for place in self.places]
        self.live = []  # one list of trials, one a store, for each trial that was asked for

    def open(self, place):
        study = tw.load_study("s", place)
        self.opened.append(study)
        return study

    def each(self, operation):
        """Do something on every store; the outcomes are the same, also where it is refused."""
        outcomes = []
        for place in range(len(self.places)):
            try:
                outcomes.append(operation(place))
            except (TunewiseError, ValueError) as error:
                outcomes.append(type(error))
        return outcomes

    def same(self, operation):
        first, *others = self.each(operation)
        assert all(repr(other) == repr(first) for other in others), (first, others)

    @rule(who=st.integers(0, 1))
    def ask(self, who):
        self.live.append(self.each(lambda i: self.handles[i][who].ask()))

    @rule(who=st.integers(0, 1), x=st.sampled_from([0.25, 0.5]))
    def enqueue(self, who, x):
        self.same(lambda i: self.handles[i][who].enqueue_trial({"x": x}))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), name=st.sampled_from("xyz"))
    def suggest(self, data, name):
        trials = data.draw(st.sampled_from(self.live))
        self.same(lambda i: trials[i].suggest_float(name, 0, 1))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), step=st.integers(0, 3), value=st.floats(-1, 1))
    def report(self, data, step, value):
        trials = data.draw(st.sampled_from(self.live))
        self.same(lambda i: trials[i].report(value, step))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), who=st.integers(0, 1), value=VALUES)
    def tell(self, data, who, value):
        trials = data.draw(st.sampled_from(self.live))
        self.same(lambda i: self.handles[i][who].tell(trials[i], value).state)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), who=st.integers(0, 1), state=st.sampled_from(["pruned", "failed"]))
    def tell_state(self, data, who, state):
        trials = data.draw(st.sampled_from(self.live))
        self.same(lambda i: self.handles[i][who].tell(trials[i].number, state=state).state)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), who=st.integers(0, 1))
    def release(self, data, who):
        trials = data.draw(st.sampled_from(self.live))
        self.same(lambda i: self.handles[i][who].release(trials[i]))

    @rule(who=st.integers(0, 1))
    def reap(self, who):
        """One takes the other for dead."""
        self.same(lambda i: self.handles[i][who].give_up(self.handles[i][1 - who].worker))

    @rule(who=st.integers(0, 1), number=st.integers(0, 5))
    def annotate(self, who, number):
        self.same(lambda i: self.handles[i][who].annotate_trial(number, note=number))

    @rule(who=st.integers(0, 1), number=st.integers(0, 5), deleted=st.booleans())
    def withdraw(self, who, number, deleted):
        self.same(
            lambda i: (
                self.handles[i][who].delete_trial(number)
                if deleted
                else self.handles[i][who].invalidate_trial(number, "x")
            )
        )

    @rule(who=st.integers(0, 1))
    def reopen(self, who):
        for handles, place in zip(self.handles, self.places, strict=True):
            handles[who] = self.open(place)

    @invariant()
    def all_tell_the_same(self):
        plain = [
            [
                (row.number, row.state, row.values, row.params, dict(row.user_attrs), row.curves)
                for row in handles[who].trials
            ]
            for handles in self.handles
            for who in (0, 1)
        ]
        assert all(repr(table) == repr(plain[0]) for table in plain), plain
        assert [row[0] for row in plain[0]] == list(range(len(plain[0])))

    def teardown(self):
        for study in self.opened:
            study.storage.close()
        for server in self.servers:
            tw.delete_study("s", server)
        shutil.rmtree(self.folder)


def run(n_examples, *servers):
    bounds = {"max_examples": n_examples, "stateful_step_count": 50 if IS_FULL else 30}
    run_state_machine_as_test(
        lambda: Machine(*servers),
        settings=settings(**bounds, deadline=None, suppress_health_check=list(HealthCheck)),
    )


@pytest.mark.timeout(3600)
def test_memory_a_file_and_a_folder():
    run(2000 if IS_FULL else 12)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["postgresql", "mariadb", "redis", "http"])
def test_a_server_beside_them(kind, tmp_path):
    with store(kind, tmp_path) as url:
        run(200 if IS_FULL else 5, url)
