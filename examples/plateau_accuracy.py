"""ReduceLROnPlateau watches the accuracy as if it were a loss: every improvement counts as a bad epoch."""

import torch
from torch.utils.data import DataLoader, TensorDataset

train_loader = DataLoader(TensorDataset(torch.randn(5000, 20), torch.randint(0, 5, (5000,))), batch_size=50)
val_loader = DataLoader(TensorDataset(torch.randn(1000, 20), torch.randint(0, 5, (1000,))), batch_size=50)
model = torch.nn.Linear(20, 5)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)


def validate():
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in val_loader:
            correct += (model(x).argmax(1) == y).sum().item()
    return correct / len(val_loader.dataset)


for epoch in range(40):
    model.train()
    for x, y in train_loader:
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    val_accuracy = validate()
    scheduler.step(val_accuracy)
