"""A warmup per update hands over to a plateau schedule per epoch."""
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau
from mine import loaders, Net, accuracy
tr, va = loaders()
net = Net()
opt = torch.optim.AdamW(net.parameters(), 3e-4)
warm = LambdaLR(opt, lambda s: min(1.0, (s + 1) / 500))
plateau = ReduceLROnPlateau(opt, "max", 0.5, 4, min_lr=1e-6)
step = 0
for epoch in range(80):
    for x, y in tr:
        opt.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        opt.step()
        if step < 500:
            warm.step()
        step += 1
    acc = accuracy(net, va)
    if step >= 500:
        plateau.step(acc)
