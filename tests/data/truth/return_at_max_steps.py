# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset


def train(model, loader, optimizer, scheduler, max_steps):
    step = 0
    while True:
        for x, y in loader:
            optimizer.zero_grad()
            (model(x) - y).pow(2).mean().backward()
            optimizer.step()
            scheduler.step()
            step += 1
            if step == max_steps:
                return

model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(40, 4), torch.randn(40, 1)), batch_size=4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = lr_scheduler.PolynomialLR(optimizer, total_iters=37, power=2.0)
train(model, loader, optimizer, scheduler, 37)
