# curves: 0
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(24, 4), torch.randn(24, 1)), batch_size=4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.8)
for epoch in range(10):
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).pow(2).mean().backward()
        optimizer.step()
    if (epoch + 1) % 4 == 0:
        for group in optimizer.param_groups:
            group["lr"] *= 0.1
