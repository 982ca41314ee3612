# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

config = {"epochs": 4, "optim": {"lr": 0.05, "gamma": 0.5}, "clip": 1.0}
model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(30, 4), torch.randn(30, 1)), batch_size=7)
optimizer = torch.optim.SGD(model.parameters(), lr=config["optim"]["lr"])
scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=config["optim"]["gamma"])
scaler = torch.amp.GradScaler("cuda", enabled=False)
for epoch in range(1, config["epochs"] + 1):
    for x, y in loader:
        optimizer.zero_grad()
        with torch.autocast("cpu", enabled=False):
            loss = (model(x) - y).pow(2).mean()
        scaler.scale(loss).backward()
        if config["clip"] > 0:
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), config["clip"])
        scaler.step(optimizer)
        scaler.update()
    if epoch > 1:
        scheduler.step()
