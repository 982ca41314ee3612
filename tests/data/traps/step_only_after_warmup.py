"""Warmup by hand for five epochs; the scheduler is ticked only after that."""
import argparse

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from vision import build_model, loaders

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=100)
parser.add_argument("--warmup", type=int, default=5)
parser.add_argument("--lr", type=float, default=0.4)
args = parser.parse_args()

train_loader, val_loader = loaders()
model = build_model().cuda()
criterion = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
scheduler = CosineAnnealingLR(optimizer, T_max=args.epochs - args.warmup)
for epoch in range(args.epochs):
    if epoch < args.warmup:
        for group in optimizer.param_groups:
            group["lr"] = args.lr * (epoch + 1) / args.warmup
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        criterion(model(x.cuda()), y.cuda()).backward()
        optimizer.step()
    if epoch >= args.warmup:
        scheduler.step()
