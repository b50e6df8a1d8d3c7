"""The line of a training function, or of a shell, that does what the doctor's findings ask for."""

from __future__ import annotations

from tunewise.playbook import Finding, Verdict

_SPLIT = (
    "train_set, val_set = torch.utils.data.random_split(data, [0.9, 0.1], torch.Generator().manual_seed(0))"
)
_COPY = "state = {name: tensor.clone() for name, tensor in model.state_dict().items()}"

LINES = {
    "runs": "train(tunewise.create_study().ask())",
    "finite metrics": "torch.autograd.set_detect_anomaly(True)",
    "dropout": "model.eval()",
    "batch norm": "model.eval()",
    "seeds": "torch.manual_seed(trial.seed)",
    "order": "torch.utils.data.DataLoader(train_set, batch_size, shuffle=True, "
    "generator=torch.Generator().manual_seed(trial.seed))",
    "validation data": _SPLIT,
    "duplicates": "first = numpy.unique(inputs, axis=0, return_index=True)[1]; inputs, targets = inputs[first], targets[first]",
    "last batch": "metrics = tunewise.evaluate(model, val_set)",
    "schedule": "scheduler.step()",
    "checkpoint": _COPY,
    "test set": _SPLIT,
    "evaluations": "if trial.eval_due: trial.log(model, **tunewise.evaluate(model, val_set))",
    "validation sample": "metrics = tunewise.evaluate(model, val_set)",
    "input": "torch.utils.data.DataLoader(train_set, batch_size, num_workers=4, persistent_workers=True, pin_memory=True)",
}


def ok(code: str, subject: str, words: str) -> Finding:
    """A check that finds nothing to mend."""
    return Finding(code, subject, Verdict.OK, words)


def act(code: str, subject: str, words: str, cure: str, line: str = "") -> Finding:
    """A mistake, what mends it, and the line that does."""
    return Finding(code, subject, Verdict.ACT, words, next_action=cure, command=line or LINES[subject])
