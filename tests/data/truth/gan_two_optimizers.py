# curves: 2
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

epochs = 6
G, D = nn.Linear(4, 4), nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(30, 4)), batch_size=4)
opt_g = torch.optim.Adam(G.parameters(), lr=2e-4, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=4e-4, betas=(0.5, 0.999))
sched_g = lr_scheduler.LambdaLR(opt_g, lr_lambda=lambda e: 1.0 - max(0, e - 3) / float(epochs - 3 + 1))
sched_d = lr_scheduler.ExponentialLR(opt_d, 0.9)
for epoch in range(epochs):
    for i, (x,) in enumerate(loader):
        opt_d.zero_grad()
        D(G(x).detach()).mean().backward()
        opt_d.step()
        if i % 2 == 0:
            opt_g.zero_grad()
            D(G(x)).mean().neg().backward()
            opt_g.step()
    sched_g.step()
    sched_d.step()
