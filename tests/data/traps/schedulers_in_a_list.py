import torch
import torch.nn as nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

epochs = 40
loader = DataLoader(TensorDataset(torch.randn(512, 6), torch.randn(512, 1)), batch_size=64)
nets = [nn.Linear(6, 1) for _ in range(3)]
optimizers = [torch.optim.Adam(net.parameters(), lr=1e-3) for net in nets]
schedulers = [lr_scheduler.CosineAnnealingLR(opt, T_max=epochs) for opt in optimizers]
for epoch in range(epochs):
    for x, y in loader:
        for net, opt in zip(nets, optimizers):
            opt.zero_grad()
            nn.functional.mse_loss(net(x), y).backward()
            opt.step()
    for scheduler in schedulers:
        scheduler.step()
