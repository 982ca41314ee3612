# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(24, 4), torch.randn(24, 1)), batch_size=4)
lr = 0.08
optimizer = torch.optim.SGD(model.parameters(), lr=lr)
for epoch in range(12):
    if epoch > 0 and epoch % 3 == 0:
        lr *= 0.5
        for group in optimizer.param_groups:
            group["lr"] = lr
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).pow(2).mean().backward()
        optimizer.step()
