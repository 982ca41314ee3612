"""The tick opens every epoch but the first: the same schedule as a tick at the end."""
import torch
from torch.optim.lr_scheduler import StepLR

from vision import build_model, loaders

epochs = 90
train_loader, _ = loaders()
model = build_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
scheduler = StepLR(optimizer, step_size=30, gamma=0.1)
for epoch in range(epochs):
    if epoch > 0:
        scheduler.step()
    for x, y in train_loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
