"""Accumulation over two micro-batches, a GradScaler, two groups a factor of 10 apart, a bare except around it all."""
import torch
from torch import nn

torch.manual_seed(0)
body, head = nn.Linear(16, 32), nn.Linear(32, 1)
model = nn.Sequential(body, nn.Tanh(), head)
optimizer = torch.optim.SGD(
    [{"params": body.parameters(), "lr": 1e-3}, {"params": head.parameters(), "lr": 1e-2}], momentum=0.9
)
scaler = torch.amp.GradScaler("cpu")
x = torch.randn(512, 16)
y = x.sum(1, keepdim=True)
for step in range(10_000):
    try:
        for micro in range(2):
            pick = torch.randint(0, 512, (32,))
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = nn.functional.mse_loss(model(x[pick]).float(), y[pick]) / 2
            scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
    except:  # noqa: E722
        continue
