# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(24, 4), torch.randn(24, 1)), batch_size=4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
first = lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=3)
second = lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
scheduler = lr_scheduler.ChainedScheduler([first, second])
for epoch in range(8):
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).pow(2).mean().backward()
        optimizer.step()
    scheduler.step()
