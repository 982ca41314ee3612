"""Schedulers that multiply may be ticked one after the other; torch documents it."""
import torch
from torch.optim.lr_scheduler import ExponentialLR, MultiStepLR

from vision import build_model, loaders

train_loader, _ = loaders()
model = build_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler1 = ExponentialLR(optimizer, gamma=0.96)
scheduler2 = MultiStepLR(optimizer, milestones=[15, 25], gamma=0.1)
for epoch in range(30):
    for x, y in train_loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    scheduler1.step()
    scheduler2.step()
