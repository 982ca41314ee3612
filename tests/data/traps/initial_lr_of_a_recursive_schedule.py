"""initial_lr is set to the restored rate, and MultiStepLR never looks at it: it goes on from the rate that there is."""
import os

import torch
from data import Scenes
from model import Reconstruction

EPOCHS = 50
model = Reconstruction()
loader = torch.utils.data.DataLoader(Scenes(), batch_size=1)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
start = 0
if os.path.exists("latest.ckpt"):
    state = torch.load("latest.ckpt")
    model.load_state_dict(state["model"])
    optimizer.param_groups[0]["initial_lr"] = state["optimizer"]["param_groups"][0]["lr"]
    optimizer.param_groups[0]["lr"] = state["optimizer"]["param_groups"][0]["lr"]
    start = state["epoch"] + 1
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [12, 24, 48], gamma=0.5, last_epoch=start - 1)
for epoch in range(start, EPOCHS):
    for scene in loader:
        optimizer.zero_grad()
        model(scene).backward()
        optimizer.step()
    scheduler.step()
    torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, "latest.ckpt")
