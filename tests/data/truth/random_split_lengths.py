# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

from torch.utils.data import random_split

data = TensorDataset(torch.randn(55, 4), torch.randn(55, 1))
n_val = int(len(data) * 0.2)
train_set, val_set = random_split(data, [len(data) - n_val, n_val])
loader = DataLoader(train_set, batch_size=8, shuffle=True, drop_last=True)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
num_epochs = 3
scheduler = lr_scheduler.CosineAnnealingLR(optimizer, num_epochs * len(loader))
for _ in range(num_epochs):
    for x, y in loader:
        optimizer.zero_grad()
        (model(x) - y).pow(2).mean().backward()
        optimizer.step()
        scheduler.step()
