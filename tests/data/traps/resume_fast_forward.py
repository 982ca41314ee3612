"""No state of the scheduler is kept: it is ticked up to the epoch that comes next; a LambdaLR does not mind."""
import os

import torch
from torch.optim.lr_scheduler import LambdaLR

from vision import build_model, loaders

epochs, path = 60, "last.pt"
train_loader, _ = loaders()
model = build_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = LambdaLR(optimizer, lambda epoch: 0.1 ** (epoch // 20))
start = 0
if os.path.exists(path):
    state = torch.load(path)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    start = state["epoch"] + 1
    for _ in range(start):
        scheduler.step()
for epoch in range(start, epochs):
    for x, y in train_loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    scheduler.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)
