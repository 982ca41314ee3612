"""Checkpoints hold the model and the optimizer, but not the scheduler: after a resume the schedule starts again."""

import os

import torch
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 60
CHECKPOINT = "checkpoint.pt"

loader = DataLoader(TensorDataset(torch.randn(3200, 20), torch.randn(3200, 1)), batch_size=32)
model = torch.nn.Linear(20, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
start_epoch = 0
if os.path.exists(CHECKPOINT):
    state = torch.load(CHECKPOINT)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    start_epoch = state["epoch"] + 1

for epoch in range(start_epoch, EPOCHS):
    for x, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    scheduler.step()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, CHECKPOINT)
