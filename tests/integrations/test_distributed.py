"""Two processes train one trial: the same parameters, one voice to the study, one verdict."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import tunewise as tw

SCRIPT = """
import json, os, sys
import torch, torch.distributed as dist
import tunewise as tw
from tunewise.integrations.distributed import optimize

dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(rank)
seen = []

def train(trial):
    lr = trial.suggest_float("lr", 1e-3, 1.0, log=True)
    width = trial.suggest_categorical("width", [4, 8])
    net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, width))
    optimizer = torch.optim.SGD(net.parameters(), lr)
    verdict = None
    for step in range(3):
        loss = net(torch.randn(8, 4)).square().mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        trial.report(float(step + trial.number + rank), step)
        verdict = trial.should_prune()
        if verdict:
            break
    seen.append([trial.number, trial.seed, lr, width, verdict, step])
    if verdict:
        raise tw.TrialPruned
    return 1.0

pruner = tw.pruners.Threshold(upper=2.5)
study = tw.create_study("ddp", sys.argv[1], sampler="random", seed=0, pruner=pruner) if rank == 0 else None
optimize(study, train, 3)
print(json.dumps(seen))
dist.destroy_process_group()
"""


def test_ranks_agree_and_rank_zero_reports(tmp_path):
    script = tmp_path / "ddp.py"
    script.write_text(SCRIPT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    storage = f"sqlite:///{tmp_path}/ddp.db"
    import os

    workers = [
        subprocess.Popen(
            [sys.executable, str(script), storage],
            env={**os.environ, "RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                 "MASTER_PORT": str(port), "PYTHONPATH": str(Path(tw.__file__).parents[1])},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    said = []
    for worker in workers:
        out, err = worker.communicate(timeout=120)
        assert worker.returncode == 0, err
        said.append(json.loads(out.splitlines()[-1]))
    assert said[0] == said[1]
    study = tw.load_study("ddp", storage)
    assert [t.params["lr"] for t in study.trials] == [each[2] for each in said[0]]
    assert [t.state.name for t in study.trials] == ["COMPLETE", "PRUNED", "PRUNED"]
    assert dict(study.trials[0].curves["value"]) == {0: 0.0, 1: 1.0, 2: 2.0}


def test_without_a_process_group_it_says_so():
    from tunewise.integrations.distributed import optimize

    with pytest.raises(tw.errors.SettingError, match="no process group"):
        optimize(None, print, 1)
