"""A plain loop with options, a scheduler of its own, a validation and a checkpoint every epoch."""
import argparse
import os

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--out", default="checkpoint.pt")
args = parser.parse_args()

torch.manual_seed(0)
x = torch.randn(1024, 20)
y = (x @ torch.randn(20, 5)).argmax(1)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5))
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
for epoch in range(args.epochs):
    model.train()
    for inputs, targets in loader:
        loss = nn.functional.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        value = nn.functional.cross_entropy(model(x[:256]), y[:256]).item()
    print(f"epoch {epoch} val loss {value:.4f} lr {scheduler.get_last_lr()[0]:.6f}")
    torch.save(model.state_dict(), args.out + ".new")
    os.replace(args.out + ".new", args.out)
