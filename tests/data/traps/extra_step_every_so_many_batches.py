"""Fast annealing on purpose: the rate falls after every 1500 batches and once more when an epoch is over."""
import torch
from torch.utils.data import DataLoader, TensorDataset

model = torch.nn.Linear(20, 1)
loader = DataLoader(TensorDataset(torch.randn(220_000, 20), torch.randn(220_000, 1)), batch_size=40, shuffle=True, drop_last=True)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)

for epoch in range(8):
    for it, (x, y) in enumerate(loader):
        model.zero_grad()
        loss = (model(x) - y).pow(2).mean()
        loss.backward()
        optimizer.step()
        if (it + 1) % 1500 == 0:
            scheduler.step()
            print(f"learning rate: {scheduler.get_last_lr()[0]:.6f}")
            torch.save(model.state_dict(), f"model.iter-{epoch}-{it + 1}")
    scheduler.step()
    torch.save(model.state_dict(), f"model.epoch-{epoch}")
