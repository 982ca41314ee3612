"""Milestones in iterations, a loop in iterations."""
import argparse

import torch
from torch.optim.lr_scheduler import MultiStepLR

from detection import build, infinite

parser = argparse.ArgumentParser()
parser.add_argument("--max-iter", type=int, default=90000)
parser.add_argument("--milestones", type=int, nargs="+", default=[60000, 80000])
parser.add_argument("--lr", type=float, default=0.02)
args = parser.parse_args()

model, loader = build()
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
scheduler = MultiStepLR(optimizer, milestones=args.milestones, gamma=0.1)
for iteration, (images, targets) in zip(range(args.max_iter), infinite(loader)):
    losses = model(images, targets)
    loss = sum(losses.values())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
