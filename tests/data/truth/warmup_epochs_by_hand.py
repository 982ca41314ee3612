# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

base_lr, warmup_epochs, epochs = 0.4, 3, 10
model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(26, 4), torch.randn(26, 1)), batch_size=5)
optimizer = torch.optim.SGD(model.parameters(), lr=base_lr)

def adjust_learning_rate(optimizer, epoch):
    """Linear warmup, then down by ten at 6 and 8."""
    if epoch < warmup_epochs:
        lr = base_lr * (epoch + 1) / warmup_epochs
    else:
        lr = base_lr
        if epoch >= 6:
            lr *= 0.1
        if epoch >= 8:
            lr *= 0.1
    for group in optimizer.param_groups:
        group["lr"] = lr

for epoch in range(epochs):
    adjust_learning_rate(optimizer, epoch)
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).pow(2).mean().backward()
        optimizer.step()
