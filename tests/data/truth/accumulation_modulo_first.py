# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(43, 4), torch.randn(43, 1)), batch_size=4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.97)
gradient_accumulation_steps = 4
completed = 0
for epoch in range(3):
    for step, batch in enumerate(loader, start=1):
        x, y = batch
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        if step % gradient_accumulation_steps:
            continue
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        completed += 1
        if completed >= 7:
            break
