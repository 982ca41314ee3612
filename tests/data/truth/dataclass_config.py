# curves: 1
from dataclasses import dataclass
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    epochs: int = 5
    lr: float = 3e-3
    batch_size: int = 8
    warmup_fraction: float = 0.2

cfg = Config(epochs=6)
model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(50, 4), torch.randn(50, 1)), batch_size=cfg.batch_size)
optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
total = cfg.epochs * len(loader)
warmup = round(total * cfg.warmup_fraction)
scheduler = lr_scheduler.SequentialLR(optimizer, [
    lr_scheduler.LinearLR(optimizer, 0.1, 1.0, warmup),
    lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total - warmup),
], [warmup])
for epoch in range(cfg.epochs):
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
