"""An LR range test with a schedule of its own, next to the training's."""
import copy

import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 30


def find_lr(model, loader, lowest=1e-6, highest=1.0, steps=100):
    model = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=lowest)
    scheduler = LambdaLR(optimizer, lambda i: (highest / lowest) ** (i / steps))
    losses, best = [], float("inf")
    batches = iter(loader)
    for step in range(steps):
        try:
            x, y = next(batches)
        except StopIteration:
            batches = iter(loader)
            x, y = next(batches)
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append((scheduler.get_last_lr()[0], loss.item()))
        best = min(best, loss.item())
        if loss.item() > 4 * best:
            break
    return min(losses, key=lambda pair: pair[1])[0] / 10


def main():
    data = TensorDataset(torch.randn(1024, 16), torch.randint(0, 5, (1024,)))
    loader = DataLoader(data, batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 5))
    lr = find_lr(model, loader)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)
    for epoch in range(EPOCHS):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        scheduler.step()


if __name__ == "__main__":
    main()
