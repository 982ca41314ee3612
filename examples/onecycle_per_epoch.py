"""OneCycleLR sized in batches and stepped once per epoch: the LR never leaves its warmup."""

import torch
from torch.utils.data import DataLoader, TensorDataset


def train(model, loader, optimizer, scheduler, epochs):
    for epoch in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
        scheduler.step()


loader = DataLoader(TensorDataset(torch.randn(12800, 20), torch.randn(12800, 1)), batch_size=64, shuffle=True)
model = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=30, steps_per_epoch=len(loader))
train(model, loader, optimizer, scheduler, epochs=30)
