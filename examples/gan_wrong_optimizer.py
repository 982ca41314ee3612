"""A GAN whose second scheduler is built on the first optimizer: the discriminator's LR never moves."""

import torch
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 100
loader = DataLoader(TensorDataset(torch.randn(6400, 64)), batch_size=64)
generator, discriminator = torch.nn.Linear(16, 64), torch.nn.Linear(64, 1)
opt_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
sched_g = torch.optim.lr_scheduler.LinearLR(opt_g, 1.0, 0.1, total_iters=EPOCHS)
sched_d = torch.optim.lr_scheduler.LinearLR(opt_g, 1.0, 0.1, total_iters=EPOCHS)

for epoch in range(EPOCHS):
    for (real,) in loader:
        fake = generator(torch.randn(64, 16))
        opt_d.zero_grad()
        loss_d = discriminator(fake.detach()).mean() - discriminator(real).mean()
        loss_d.backward()
        opt_d.step()
        opt_g.zero_grad()
        loss_g = -discriminator(fake).mean()
        loss_g.backward()
        opt_g.step()
    sched_g.step()
    sched_d.step()
