# curves: 2
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

body, head = nn.Linear(4, 4), nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(30, 4), torch.randn(30, 1)), batch_size=4)
optimizer = torch.optim.AdamW([
    {"params": body.parameters(), "lr": 1e-4},
    {"params": head.parameters()},
], lr=1e-3)
scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=[1e-4, 1e-3], epochs=5, steps_per_epoch=len(loader))
for epoch in range(5):
    for x, y in loader:
        optimizer.zero_grad()
        (head(body(x)) - y).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
