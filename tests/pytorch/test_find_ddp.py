"""The range test in several processes: one answer for all, and each is left as it was."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no torch.distributed"),
]

WORKER = '''
import hashlib, json, sys
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset
from lright.torch.find import find_lr

torch.set_num_threads(1)
rank, port, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.distributed.init_process_group("gloo", init_method=f"tcp://localhost:{port}", rank=rank, world_size=2)
torch.manual_seed(rank)
inputs = torch.randn(128, 4, generator=torch.Generator().manual_seed(0))
data = TensorDataset(inputs, inputs.sum(1, keepdim=True))
sampler = DistributedSampler(data, shuffle=True, seed=3)
loader = DataLoader(data, 8, sampler=sampler)


def fresh():
    torch.manual_seed(1)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1)))
    return model, torch.optim.AdamW(model.parameters(), lr=0.01)


def digest(*things):
    text = repr([[(k, v.tolist()) for k, v in sorted(thing.items())] for thing in things])
    return hashlib.sha256(text.encode()).hexdigest()


def trained(find):
    model, optimizer = fresh()
    torch.manual_seed(rank)
    found = find_lr(model, optimizer, nn.MSELoss(), loader, validation=loader, steps=50, seeds=2, trials=1,
                    trial_steps=5, accumulate=2, progress=False) if find else None
    losses = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    sampler.set_epoch(0)
    return found, [losses, digest(model.state_dict()), torch.rand(()).item()]


_, without = trained(False)
found, with_find = trained(True)

# a step function whose ranks diverge at different updates ends at the same one everywhere
weight = nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([weight], lr=0.1)
steps = []


def step():
    steps.append(1)
    loss = weight.square().sum() * 0 + (float("nan") if len(steps) > 20 + 7 * rank else 1.0)
    torch.distributed.all_reduce(torch.zeros(1))  # as DDP does: a rank that stops alone makes the others wait for ever
    return loss if rank else loss.item()


find_lr(step=step, optimizer=optimizer, steps=100, progress=False)
alone = find_lr(step=lambda: 1.0, optimizer=optimizer, distributed=False, progress=False) if rank == 0 else None

answer = {
    "same": with_find == without,
    "curve": [str(loss) for loss in found.curve.losses],
    "suggestion": found.suggestion,
    "validation": [trial.validation for trial in found.trials],
    "steps": len(steps),
}
open(out, "w").write(json.dumps(answer))
torch.distributed.barrier()
torch.distributed.destroy_process_group()
'''


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.slow
def test_two_processes(tmp_path: Path) -> None:
    script, port = tmp_path / "worker.py", str(free_port())
    script.write_text(WORKER, "utf-8")
    outs = [tmp_path / f"{rank}.json" for rank in range(2)]
    running = [
        subprocess.Popen([sys.executable, str(script), str(rank), port, str(out)], stderr=subprocess.PIPE, text=True)
        for rank, out in enumerate(outs)
    ]
    try:
        errors = [process.communicate(timeout=500)[1] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], "\n".join(errors)[-3000:]
    answers: list[dict[str, Any]] = [json.loads(out.read_text("utf-8")) for out in outs]
    assert all(answer.pop("same") for answer in answers)
    assert answers[0] == answers[1]
    assert answers[0]["steps"] < 50 and answers[0]["validation"][0] is not None
