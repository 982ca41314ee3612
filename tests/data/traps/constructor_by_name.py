"""The schedule is chosen on the command line; each choice is ticked at its own rate."""
import argparse

import torch
import torch.nn as nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--scheduler", choices=["cosine", "onecycle", "plateau", "none"], default="cosine")
parser.add_argument("--epochs", type=int, default=30)
parser.add_argument("--lr", type=float, default=0.05)
args = parser.parse_args()

train_loader = DataLoader(TensorDataset(torch.randn(800, 10), torch.randint(0, 2, (800,))), batch_size=40, shuffle=True)
val_loader = DataLoader(TensorDataset(torch.randn(200, 10), torch.randint(0, 2, (200,))), batch_size=40)
model = nn.Linear(10, 2)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
if args.scheduler == "cosine":
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
elif args.scheduler == "onecycle":
    scheduler = lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.epochs * len(train_loader))
elif args.scheduler == "plateau":
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
else:
    scheduler = None

for epoch in range(args.epochs):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
        if args.scheduler == "onecycle":
            scheduler.step()
    model.eval()
    with torch.no_grad():
        val_loss = sum(criterion(model(x), y).item() for x, y in val_loader) / len(val_loader)
    if args.scheduler == "cosine":
        scheduler.step()
    elif args.scheduler == "plateau":
        scheduler.step(val_loss)
