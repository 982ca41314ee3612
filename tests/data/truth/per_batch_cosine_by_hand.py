# curves: 0
import math
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset


def adjust(optimizer, progress, args):
    """MAE style: progress in epochs, with fractions."""
    if progress < args["warmup"]:
        lr = args["lr"] * progress / args["warmup"]
    else:
        lr = args["min_lr"] + (args["lr"] - args["min_lr"]) * 0.5 * (
            1.0 + math.cos(math.pi * (progress - args["warmup"]) / (args["epochs"] - args["warmup"])))
    for group in optimizer.param_groups:
        if "lr_scale" in group:
            group["lr"] = lr * group["lr_scale"]
        else:
            group["lr"] = lr
    return lr

args = {"lr": 0.01, "min_lr": 1e-4, "warmup": 2, "epochs": 6}
model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(28, 4), torch.randn(28, 1)), batch_size=4)
optimizer = torch.optim.AdamW(model.parameters(), lr=args["lr"])
for epoch in range(args["epochs"]):
    for i, (x, y) in enumerate(loader):
        adjust(optimizer, i / len(loader) + epoch, args)
        (model(x) - y).pow(2).mean().backward()
        optimizer.step()
        optimizer.zero_grad()
