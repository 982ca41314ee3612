# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset


def main():
    max_steps = 23
    model = nn.Linear(4, 1)
    loader = DataLoader(TensorDataset(torch.randn(40, 4), torch.randn(40, 1)), batch_size=4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=0.1, total_iters=max_steps)
    global_step = 0
    for epoch in range(100):
        for x, y in loader:
            optimizer.zero_grad()
            (model(x) - y).pow(2).mean().backward()
            optimizer.step()
            scheduler.step()
            global_step += 1
            if global_step >= max_steps:
                break
        if global_step >= max_steps:
            break

main()
