# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset


def run(model, loader, optimizer, epochs):
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            (model(x) - y).pow(2).mean().backward()
            optimizer.step()

model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(24, 4), torch.randn(24, 1)), batch_size=4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
run(model, loader, optimizer, 2)
for group in optimizer.param_groups:
    group["lr"] = 0.01
run(model, loader, optimizer, 3)
optimizer.param_groups[0]["lr"] = 0.001
run(model, loader, optimizer, 1)
