"""Warmup, then a cosine that is as long as the whole run: SequentialLR restarts its clock, so it never gets down."""

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.utils.data import DataLoader, TensorDataset

EPOCHS, WARMUP = 50, 10
loader = DataLoader(TensorDataset(torch.randn(6400, 20), torch.randn(6400, 1)), batch_size=64)
model = torch.nn.Linear(20, 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
warmup = LinearLR(optimizer, start_factor=0.01, total_iters=WARMUP)
cosine = CosineAnnealingLR(optimizer, T_max=EPOCHS)
scheduler = SequentialLR(optimizer, [warmup, cosine], milestones=[WARMUP])

for epoch in range(EPOCHS):
    for x, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
    scheduler.step()
