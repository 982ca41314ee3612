"""A polynomial decay in epochs, ticked per batch in a helper: after a few hundred updates the power of a negative number."""

import torch
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 92


def fit(model, loader, optimizer, scheduler):
    for x, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()
        scheduler.step()


loader = DataLoader(TensorDataset(torch.randn(6400, 20), torch.randn(6400, 1)), batch_size=64)
model = torch.nn.Linear(20, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: (1 - epoch / EPOCHS) ** 0.9)
for epoch in range(EPOCHS):
    fit(model, loader, optimizer, scheduler)
