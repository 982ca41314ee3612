"""The mean of the validation losses in a list, beside the training losses in another: the metric is the right one."""
import numpy as np, torch
from data import loader, val_loader, Net
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
for epoch in range(50):
    model.train()
    epoch_loss = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = model(x, y)
        loss.backward()
        optimizer.step()
        epoch_loss.append(loss.item())
    model.eval()
    val = []
    with torch.no_grad():
        for x, y in val_loader:
            val.append(model(x, y).item())
    scheduler.step(np.mean(val))
