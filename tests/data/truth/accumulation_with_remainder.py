# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

EPOCHS, ACCUM = 4, 3
model = nn.Linear(4, 1)
loader = DataLoader(TensorDataset(torch.randn(44, 4), torch.randn(44, 1)), batch_size=4)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
updates = EPOCHS * -(-len(loader) // ACCUM)
scheduler = lr_scheduler.LambdaLR(optimizer, lambda t: min(1.0, (t + 1) / 4) * (1 - t / updates))
for epoch in range(EPOCHS):
    for i, (x, y) in enumerate(loader):
        loss = (model(x) - y).pow(2).mean() / ACCUM
        loss.backward()
        if (i + 1) % ACCUM == 0 or i + 1 == len(loader):
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
