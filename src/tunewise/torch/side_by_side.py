"""The training of one stack: batches, steps, evaluations, and members that leave early."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tunewise.errors import TrialInfeasible, TrialPruned
from tunewise.torch.data import Batch
from tunewise.torch.replay import Graphs, Replay
from tunewise.torch.schedule import Schedule
from tunewise.torch.seeds import order_generator
from tunewise.torch.stack import Loss, Stack
from tunewise.torch.stacked_optimizer import StackedOptimizer
from tunewise.torch.trial import LiveTrial, Plan, TorchTrial

Tell = Callable[[LiveTrial, Any], None]
_TURN = 16  # steps that a stack takes before others take theirs
_EVAL_ROWS = 2**14  # examples evaluated at once, over all members


@dataclass(frozen=True, eq=False)
class Member:
    """A trial about to be trained, and what it asked for."""

    live: LiveTrial
    trial: TorchTrial
    model: nn.Module
    family: str
    settings: dict[str, float]
    schedule: Schedule


@dataclass(frozen=True)
class Setup:
    """What all members of a stack have in common. ``train`` and ``val`` lie on the device."""

    plan: Plan
    train: Batch
    val: Batch
    loss: Loss
    graphs: Graphs


def train_stacks(groups: Sequence[tuple[Setup, list[Member]]], tell: Tell) -> None:
    """Train several stacks in turns, on a CUDA device each on a stream of its own.

    ``tell`` gets each trial with its goals, or with the error that ended it.
    """
    running = [(_Training(setup, members).run(tell), _stream(members[0])) for setup, members in groups]
    while running:
        running = [(turns, stream) for turns, stream in running if _go_on(turns, stream)]
    _free_graphs(groups[0][1][0].trial.device if groups else None)


class _Training:
    def __init__(self, setup: Setup, members: list[Member]) -> None:
        self._setup = setup
        self._members = dict(enumerate(members))  # by row of the stack; those that ended are missing
        self._all = members

    def run(self, tell: Tell) -> Iterator[None]:
        """Train to the end; yields whenever others may take a turn."""
        self._begin()
        try:
            yield from self._turns(tell)
        finally:
            del (
                self._step,
                self._evaluate,
            )  # they refer to self: graphs are freed now, not when garbage is collected

    def _turns(self, tell: Tell) -> Iterator[None]:
        plan = self._setup.plan
        step = 0
        while step < plan.max_steps:
            step += self._steps(step)
            if _due(plan, step):
                self._evaluate()
                yield  # others begin their evaluations before anybody waits for one
                self._log(step, tell)
                if not self._members:
                    return
                self._close_ranks()
            yield

    def _begin(self) -> None:
        setup, members = self._setup, self._all
        plan, device = setup.plan, members[0].trial.device
        self._stack = Stack([m.model for m in members], setup.loss)
        factors = [[m.schedule.factor(i) for m in members] for i in range(plan.max_steps)]
        self._optimizer = StackedOptimizer(
            members[0].family, [m.settings for m in members], factors, self._stack.flat
        )
        self._orders = _Orders(members, len(setup.train[0]), plan.batch_size, device)
        self._sums = torch.zeros(3, len(members), dtype=torch.float64, device=device)
        self._plan_work()

    def _plan_work(self) -> None:
        device, graphs = self._all[0].trial.device, self._setup.graphs
        self._step = Replay(self._train_once, self._state, device, graphs)
        self._evaluate = Replay(self._measure, self._state, device, graphs)

    def _state(self) -> list[Tensor]:
        """All that steps and evaluations change; a member's part along the first dimension, if it has one."""
        return [*self._stack.state(), *self._optimizer.state(), *self._orders.state(), self._sums.T]

    def _steps(self, done: int) -> int:
        """Some steps: up to the next evaluation, the end of the epoch, or the end of the turn."""
        left, n = self._orders.left(), 0
        for n in range(1, min(_TURN, left) + 1):
            self._step()
            if _due(self._setup.plan, done + n):
                break
        self._orders.took(n)
        return n

    def _train_once(self) -> None:
        rows = self._orders.rows()
        inputs, labels = (part[rows] for part in self._setup.train)
        losses, grad = self._stack.gradient(inputs, labels)
        self._sums[0].copy_(losses)
        self._optimizer.step(self._stack.flat, grad)

    def _measure(self) -> None:
        """Summed loss and right answers of each member over the validation set."""
        inputs, labels = self._setup.val
        self._sums[1:].zero_()
        n = max(256, _EVAL_ROWS // self._sums.shape[1])
        for start in range(0, len(inputs), n):
            right = labels[start : start + n]
            logits = self._stack.outputs(inputs[start : start + n])
            flat = F.cross_entropy(logits.flatten(0, 1), right.repeat(len(logits)), reduction="none")
            self._sums[1].add_(flat.view(len(logits), -1).double().sum(1))
            self._sums[2].add_((logits.argmax(2) == right).sum(1))

    def _log(self, step: int, tell: Tell) -> None:
        """Log every member, and tell of those that end here."""
        n, last = len(self._setup.val[0]), step == self._setup.plan.max_steps
        for row, (train_loss, loss, right) in enumerate(self._sums.T.tolist()):
            member = self._members.get(row)
            if member is None:
                continue
            trial = member.trial
            trial.step = step
            values = {"error": 1.0 - right / n, "loss": loss / n, "accuracy": right / n}
            try:
                trial.log(_Slice(self._stack, row), train_loss=train_loss, **values)  # type: ignore[arg-type]
                if not last and trial.should_prune():
                    raise TrialPruned(f"pruned at step {step} of {trial.max_steps}")
            except (TrialInfeasible, TrialPruned) as error:
                del self._members[row]
                tell(member.live, error)
                continue
            if last:
                trial.adopt_model(member.model)
                tell(member.live, trial.outcome())

    def _close_ranks(self) -> None:
        """Drop the rows of those that ended: at once on a CPU; a graph would have to be captured again, so later there."""
        left, n = list(self._members), self._sums.shape[1]
        if len(left) == n or (self._sums.is_cuda and 2 * len(left) > n):
            return
        rows = torch.tensor(left, device=self._sums.device)
        self._stack.keep(rows)
        self._optimizer.keep(rows)
        self._orders.keep(left)
        self._sums = self._sums[:, rows]
        self._members = dict(enumerate(self._members.values()))
        self._plan_work()


class _Orders:
    """The rows of every member's next batch: the same as `TorchTrial.batches` gives its seed.

    The order of an epoch lies on the device, and so does the place in it: `rows` moves it on, `took` says by how much.
    """

    def __init__(self, members: list[Member], n: int, batch_size: int, device: torch.device) -> None:
        self._generators = [order_generator(member.trial.seed) for member in members]
        self._n, size = n, min(batch_size, n)
        self._order = torch.zeros((len(members), n // size, size), dtype=torch.int64, device=device)
        self._at = torch.zeros(1, dtype=torch.int64, device=device)
        self._left = 0

    def left(self) -> int:
        """Batches left of this epoch; a new one begins where none is."""
        if self._left == 0:
            _, self._left, size = self._order.shape
            orders = torch.stack([torch.randperm(self._n, generator=each) for each in self._generators])
            orders = orders[:, : self._left * size].reshape(self._order.shape)
            self._order.copy_(orders.pin_memory() if self._order.is_cuda else orders, non_blocking=True)
            self._at.zero_()
        return self._left

    def rows(self) -> Tensor:
        """The next batch's rows (K, b)."""
        rows = self._order.index_select(1, self._at)[:, 0]
        self._at.add_(1)
        return rows

    def took(self, n: int) -> None:
        self._left -= n

    def state(self) -> list[Tensor]:
        """What `rows` changes."""
        return [self._at]

    def keep(self, left: list[int]) -> None:
        self._generators = [self._generators[k] for k in left]
        self._order = self._order[left]


class _Slice:
    """One member of a stack, as far as `TorchTrial.log` needs a model."""

    def __init__(self, stack: Stack, row: int) -> None:
        self._stack, self._row = stack, row

    def state_dict(self) -> dict[str, Tensor]:
        return self._stack.member(self._row)


def _due(plan: Plan, step: int) -> bool:
    return step * plan.evals // plan.max_steps > (step - 1) * plan.evals // plan.max_steps


def _stream(member: Member) -> Any:
    device = member.trial.device
    return torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]


def _free_graphs(device: torch.device | None) -> None:
    """The memory of graphs that are gone is kept by the allocator, apart from all other; give it back when it is much."""
    if device is not None and device.type == "cuda":
        _, total = torch.cuda.mem_get_info(device)
        if torch.cuda.memory_reserved(device) > total / 2:
            torch.cuda.empty_cache()


def _go_on(turns: Iterator[None], stream: Any) -> bool:
    """One turn on the stack's stream; what comes after the last one on the caller's stream waits for it."""
    if stream is None:
        return next(turns, "end") is None
    with torch.cuda.device(stream.device):
        current = torch.cuda.current_stream()
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            more = next(turns, "end") is None
        if not more:
            current.wait_stream(stream)
    return more
