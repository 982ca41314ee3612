# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(40, 4), torch.randn(40, 1)), batch_size=4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
accumulate = 4
total_steps = 7 * len(loader) // accumulate
scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total_steps)
seen = 0
for epoch in range(7):
    for x, y in loader:
        seen += 1
        (model(x) - y).pow(2).mean().div(accumulate).backward()
        if seen % accumulate != 0:
            continue
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
