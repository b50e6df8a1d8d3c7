"""What a training really does, seen from outside: forward passes, losses, steps, data, schedules, loaded states.

While `observing`, PyTorch's own hooks record facts about a run of any function; the function is not changed. The facts
are plain values, so that the checks of `preflight` are functions of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.nn.modules.loss import _Loss
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook
from torch.overrides import TorchFunctionMode
from torch.utils.data import DataLoader

from tunewise.torch.residual import post_norms

_LOSSES = {
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss",
    "smooth_l1_loss", "huber_loss", "kl_div",
}  # fmt: skip


_READS = {"item", "tolist", "cpu", "numpy", "__float__", "__int__", "__bool__"}


class Enough(BaseException):
    """Ends a run that was watched long enough; no ``except Exception`` of the function stops it."""


@dataclass
class Pass:
    """One call of a model: a batch in training or in evaluation.

    ``rows`` has a number for each example, and is empty where examples cannot be told apart; ``size`` is how many there
    are. ``caller`` is the line of code, with those that called it; ``source`` the walk through a DataLoader that gave the batch,
    None where none did. ``carried``: the model was given its own earlier output; ``partial``: the loss covers fewer examples;
    ``reported``: an evaluation that a report followed at the same step, so not a teacher's, which sees every training batch.
    """

    rows: list[int]
    size: int
    grad: bool
    weights: float
    model: int
    at_step: int
    caller: int = 0
    source: int | None = None
    carried: bool = False
    partial: bool = False
    reported: bool = False
    dropout: bool = False
    batch_norm: bool = False
    loss: float | None = None
    labels: tuple[Any, ...] = ()
    hits: tuple[bool, ...] | None = None

    @property
    def n_correct(self) -> int | None:
        """Right predictions; None where none was seen."""
        return None if self.hits is None else sum(self.hits)


@dataclass(frozen=True)
class Backward:
    """One backward pass: who called it, the models that ran since the last one, its loss over the plain loss, and the passes
    behind it.
    """

    caller: int
    models: frozenset[int]
    ratio: float | None
    passes: tuple[Pass, ...] = ()
    value: float = float("nan")


@dataclass
class Stepping:
    """A schedule, where it began, and how many steps its optimiser had taken then."""

    schedule: LRScheduler
    began: int
    made_at: int


@dataclass
class Facts:
    """Everything that was seen in one run, in the order in which it happened.

    ``pending``: passes of which is not known yet whether they train. ``backwards`` has a list for each step, ``rates`` the
    learning rates of each optimiser. ``waits``, of a cheap look, are seconds from one step to the next call of a model and to the
    next step, without the steps that an evaluation preceded. ``post_norms``, of a look at losses, are the layers of the first
    network that normalise x + f(x). ``reported_at``: steps taken before each report.
    """

    train: list[Pass] = field(default_factory=list)
    pending: list[Pass] = field(default_factory=list)
    evals: list[Pass] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    backwards: list[list[Backward]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    rates: dict[int, list[float]] = field(default_factory=dict)
    optimizers: dict[str, dict[str, Any]] = field(default_factory=dict)
    schedules: list[Stepping] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    reported_at: list[int] = field(default_factory=list)
    n_reads: int = 0
    post_norms: list[str] = field(default_factory=list)
    devices: set[str] = field(default_factory=set)
    loaded_itself: bool = False
    curves: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    error: BaseException | None = None
    value: Any = None

    @property
    def n_steps(self) -> int:
        """Optimiser steps taken."""
        return len(self.times)

    @property
    def evaluations(self) -> list[Pass]:
        """The passes that a report followed; all that did not train where none did."""
        return [p for p in self.evals if p.reported] or self.evals

    def report(self) -> None:
        """Note that metrics are reported now."""
        self.reported_at.append(self.n_steps)
        self.returns()

    def returns(self) -> None:
        """Note that the passes since the last step are what a report, or the returned value, is about."""
        for each in [*self.evals, *self.pending]:
            each.reported |= each.at_step == self.n_steps

    def passes(self) -> Iterator[list[Pass]]:
        """The evaluations: runs of consecutive eval batches at the same step by the same model."""
        group: list[Pass] = []
        for each in self.evaluations:
            if group and (each.at_step, each.model) != (group[0].at_step, group[0].model):
                yield group
                group = []
            group.append(each)
        if group:
            yield group


@contextmanager
def observing(
    facts: Facts,
    max_steps: int | None = None,
    seconds: float | None = None,
    *,
    cheap: bool = False,
    losses_only: bool = False,
) -> Iterator[None]:
    """Record what is trained inside into ``facts``; raises `Enough` after ``max_steps`` steps or so many seconds.

    ``cheap`` looks at the first batch alone, so that steps take as long as they do when nobody watches;
    ``losses_only`` looks at that and at every loss.
    """
    watcher = _Watcher(facts, max_steps, seconds, cheap or losses_only)
    handles = [
        register_module_forward_pre_hook(watcher.enter),
        register_module_forward_hook(watcher.leave, always_call=True),
        register_optimizer_step_post_hook(watcher.stepped),
    ]
    scheduler_init, load, scale = LRScheduler.__init__, nn.Module.load_state_dict, GradScaler.scale
    walk = DataLoader.__iter__

    def init(self: LRScheduler, *args: Any, **kwargs: Any) -> None:
        scheduler_init(self, *args, **kwargs)
        if not isinstance(self, ReduceLROnPlateau):
            made_at = len(facts.rates.get(id(self.optimizer), ()))
            facts.schedules.append(Stepping(self, self.last_epoch, made_at))

    def scaled(self: GradScaler, outputs: Any) -> Any:
        out = scale(self, outputs)
        watcher.loss_scale = self.get_scale()
        return out

    def walked(self: DataLoader[Any]) -> Iterator[Any]:
        return watcher.walk(walk(self))

    def load_state_dict(self: nn.Module, state: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        own = {t.data_ptr() for t in self.state_dict().values()}
        facts.loaded_itself |= bool(own) and own == {
            t.data_ptr() for t in state.values() if isinstance(t, Tensor)
        }
        return load(self, state, *args, **kwargs)

    LRScheduler.__init__, nn.Module.load_state_dict = init, load_state_dict  # type: ignore[method-assign,assignment]
    GradScaler.scale, DataLoader.__iter__ = scaled, walked  # type: ignore[method-assign,assignment]
    try:
        with nullcontext() if cheap else _Mode(watcher):
            yield
    finally:
        LRScheduler.__init__, nn.Module.load_state_dict = scheduler_init, load  # type: ignore[method-assign]
        GradScaler.scale, DataLoader.__iter__ = scale, walk  # type: ignore[method-assign]
        for handle in handles:
            handle.remove()
        if losses_only and watcher.first is not None:
            facts.post_norms = post_norms(watcher.first)
        watcher.settle(facts.pending, trained=False)


class _Watcher:
    """Turns hook calls into facts."""

    def __init__(self, facts: Facts, max_steps: int | None, seconds: float | None, cheap: bool) -> None:
        self.facts = facts
        self._cheap = cheap
        self._max_steps = max_steps
        self._until = None if seconds is None else time.monotonic() + seconds
        self._inside: nn.Module | None = None
        self.first: nn.Module | None = None
        self.current: Pass | None = None
        self.loss_scale = 1.0
        self.is_going_back = False
        self._made: dict[int, list[Any]] = {}  # the ends of the graphs of pending passes
        self._backwards: list[Backward] = []
        self._ran: set[int] = set()
        self._inner: set[int] = set()
        self._given: dict[int, list[Tensor]] = {}  # outputs, kept so that their memory is not used again
        self._last_loss: float | None = None
        self._called: float | None = None
        self._evaluated = False
        self._n_walks = 0
        self._fresh: int | None = None  # the walk that gave a batch which no model has seen yet

    def walk(self, batches: Iterator[Any]) -> Iterator[Any]:
        """The same batches; each is known to come from this walk."""
        self._n_walks += 1
        mine = self._n_walks
        for batch in batches:
            self._fresh = mine
            yield batch

    def enter(self, module: nn.Module, args: tuple[Any, ...]) -> None:
        self._called = self._called or time.perf_counter()
        self._evaluated |= not torch.is_grad_enabled()
        if (
            self._inside is not None
            or self.is_going_back
            or isinstance(module, _Loss)
            or (self._cheap and self.facts.train)
        ):
            return
        if next(module.parameters(), None) is None:
            return
        self._inside = module
        tensors = list(_tensors(args))
        self.facts.devices.update(t.device.type for t in tensors)
        if tensors and tensors[0].grad_fn is not None:
            self._inner.add(id(module))  # fed by another model, so what it gets are no examples
        rows = _rows(tensors[0]) if tensors else []
        grad = torch.is_grad_enabled()
        if self._cheap:
            self.first = module
            self.facts.train.append(Pass(rows, len(rows), grad, 0.0, id(module), 0))
            return
        given = {t.data_ptr() for t in self._given.get(id(module), ())}
        carried = any(t.data_ptr() in given for t in tensors)
        self.current = Pass(
            [] if id(module) in self._inner else rows,
            len(rows),
            grad,
            _weights(module),
            id(module),
            self.facts.n_steps,
            _caller(),
            self._fresh,
            carried=carried,
        )
        self._fresh = None
        self._ran.add(id(module))
        (self.facts.pending if grad else self.facts.evals).append(self.current)

    def leave(self, module: nn.Module, _: Any, output: Any) -> None:
        if module is not self._inside:
            return
        self._inside = None
        if self._cheap or self.current is None:
            return
        outputs = list(_tensors(output))
        self._given[id(module)] = [t.detach() for t in outputs]
        self._made[id(self.current)] = [t.grad_fn for t in outputs if t.grad_fn is not None]
        n = next((len(t) for t in outputs if t.dim()), 0)
        if n and (
            not self.current.size or n % self.current.size
        ):  # such as words in one row, and where each text begins
            self.current.size, self.current.rows = n, []

    def settle(self, passes: list[Pass], trained: bool) -> None:
        """Pending passes were training, or they were evaluations."""
        for each in list(passes):
            self.facts.pending.remove(each)
            self._made.pop(id(each), None)
            (self.facts.train if trained else self.facts.evals).append(each)

    def loss(self, value: Tensor, target: Any, reduction: str) -> None:
        if value.dim() == 0 and reduction == "mean":
            self._last_loss = float(value.detach())
            if self.current is not None:
                self.current.loss = self._last_loss
        if self.current is not None and isinstance(target, Tensor) and target.dim():
            self.current.partial |= len(target) < self.current.size
            if target.dim() == 1:
                self.current.labels = tuple(target.detach().cpu().tolist())

    def correct(self, hits: Tensor, labels: Any) -> None:
        if self.current is None or hits.dim() != 1 or len(hits) != self.current.size:
            return
        self.current.hits = tuple(hits.detach().cpu().tolist())
        if isinstance(labels, Tensor) and labels.shape == hits.shape:
            self.current.labels = tuple(labels.detach().cpu().tolist())

    def backward(self, loss: Tensor) -> None:
        behind = self._behind(loss)
        self.settle(behind, trained=True)
        value = float(loss.detach()) / self.loss_scale if loss.dim() == 0 else float("nan")
        self.facts.losses.append(value)
        ratio = value / self._last_loss if self._last_loss else None
        self._backwards.append(Backward(_caller(), frozenset(self._ran), ratio, tuple(behind), value))
        self._ran = set()
        self._last_loss = None

    def _behind(self, loss: Tensor) -> list[Pass]:
        """The pending passes that a loss was computed from; where outputs are no tensors, the last."""
        reached = _ancestors(loss.grad_fn)
        pending = self.facts.pending
        found = [p for p in pending if any(node in reached for node in self._made.get(id(p), ()))]
        return found or [p for p in pending[-1:] if not self._made.get(id(p))]

    def plain(self, value: Tensor) -> None:
        """A mean that may be a loss written by hand."""
        if self._last_loss is None:
            self._last_loss = float(value.detach())

    def stepped(self, optimizer: Optimizer, *_: Any) -> None:
        facts = self.facts
        if self._cheap and torch.cuda.is_available():
            torch.cuda.synchronize()
        now_or_before = [p for p in facts.pending if p.at_step >= facts.n_steps]
        if not self._backwards and now_or_before:  # gradients came by a way that is not watched
            self.settle(now_or_before, trained=True)
        self.settle([p for p in facts.pending if p.at_step < facts.n_steps - 1], trained=False)
        facts.backwards.append(self._backwards)
        self._backwards = []
        now = time.perf_counter()
        if self._called is not None and facts.times and not self._evaluated:
            facts.waits.append((self._called - facts.times[-1], now - facts.times[-1]))
        self._called, self._evaluated = None, False
        facts.times.append(now)
        facts.rates.setdefault(id(optimizer), []).append(float(optimizer.param_groups[0]["lr"]))
        facts.optimizers[type(optimizer).__name__] = dict(optimizer.defaults)
        late = self._until is not None and time.monotonic() > self._until
        if late or (self._max_steps is not None and facts.n_steps >= self._max_steps):
            raise Enough


class _Mode(TorchFunctionMode):
    """Sees calls of functionals and of tensor methods."""

    def __init__(self, watcher: _Watcher) -> None:
        super().__init__()
        self._watcher = watcher

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        watcher = self._watcher
        if name in _READS and not _is_a_librarys(sys._getframe(1)):
            watcher.facts.n_reads += 1
        if name == "backward" and args and isinstance(args[0], Tensor):
            watcher.backward(args[0])
        elif watcher.current is not None and name == "dropout":
            p = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
            on = kwargs.get("training", args[2] if len(args) > 2 else True)
            watcher.current.dropout |= bool(p and on)
        elif (
            watcher.current is not None and name == "batch_norm" and func.__module__ == "torch.nn.functional"
        ):
            watcher.current.batch_norm |= bool(kwargs.get("training", args[5] if len(args) > 5 else False))
        watcher.is_going_back = name == "backward"
        try:
            out = func(*args, **kwargs)
        finally:
            watcher.is_going_back = False
        second = args[1] if len(args) > 1 else None
        if name in _LOSSES and isinstance(out, Tensor):
            watcher.loss(out, kwargs.get("target", second), kwargs.get("reduction", "mean"))
        elif name == "mean" and isinstance(out, Tensor) and out.dim() == 0 and out.requires_grad:
            watcher.plain(out)
        elif name in ("eq", "__eq__") and isinstance(out, Tensor):
            watcher.correct(out, second)
        elif name in ("ne", "__ne__") and isinstance(out, Tensor):
            watcher.correct(~out, second)
        return out


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in a value: itself, or in tuples, lists and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, Mapping):
        yield from _tensors(tuple(value.values()))
    elif hasattr(value, "__dict__") and not isinstance(value, nn.Module):
        yield from (each for each in vars(value).values() if isinstance(each, Tensor))


def _ancestors(node: Any) -> set[Any]:
    """All nodes of the graph that a gradient flows through from ``node`` on."""
    seen: set[Any] = set()
    left = [node]
    while left:
        each = left.pop()
        if each is not None and each not in seen:
            seen.add(each)
            left.extend(following for following, _ in each.next_functions)
    return seen


def _is_a_librarys(frame: FrameType) -> bool:
    """Whether the code is PyTorch's or this package's: such reads are not the training function's."""
    return str(frame.f_globals.get("__name__", "")).split(".", 1)[0] in ("torch", "tunewise")


def _caller() -> int:
    """A number for the lines of code that are being executed, outermost to innermost."""
    frame: FrameType | None = sys._getframe(1)
    lines = []
    while frame is not None:
        lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return hash(tuple(lines))


def _rows(batch: Tensor) -> list[int]:
    """A number for each example of a batch; equal examples have equal numbers."""
    if batch.dim() == 0 or batch.is_meta:
        return []
    array = batch.detach().cpu().contiguous()
    if array.dtype == torch.bfloat16:
        array = array.float()
    return [hash(row.tobytes()) for row in array.numpy()]


def _weights(module: nn.Module) -> float:
    """A number that changes when the parameters do."""
    with torch.no_grad():
        return float(sum((p.double() * (1 + i)).sum() for i, p in enumerate(module.parameters())))
