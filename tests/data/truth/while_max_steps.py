# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(24, 4), torch.randn(24, 1)), batch_size=4, drop_last=True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
max_steps = 50
scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=max_steps)
step = 0
batches = iter(loader)
while step < max_steps:
    try:
        x, y = next(batches)
    except StopIteration:
        batches = iter(loader)
        x, y = next(batches)
    optimizer.zero_grad()
    (model(x) - y).pow(2).mean().backward()
    optimizer.step()
    scheduler.step()
    step += 1
