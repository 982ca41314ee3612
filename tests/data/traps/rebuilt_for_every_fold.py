"""Cross-validation: a new model, optimizer and scheduler for each fold."""
import numpy as np
import torch
import torch.nn as nn
from sklearn.model_selection import StratifiedKFold
from torch.utils.data import DataLoader, Subset

from tabular import load

N_EPOCHS = 25


def run_fold(train_set, val_set):
    train_loader = DataLoader(train_set, batch_size=128, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=256)
    model = nn.Sequential(nn.Linear(40, 128), nn.ReLU(), nn.Linear(128, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=2e-3, epochs=N_EPOCHS, steps_per_epoch=len(train_loader)
    )
    loss_fn = nn.BCEWithLogitsLoss()
    for _ in range(N_EPOCHS):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss_fn(model(x).squeeze(1), y).backward()
            optimizer.step()
            scheduler.step()
    model.eval()
    with torch.no_grad():
        return np.mean([loss_fn(model(x).squeeze(1), y).item() for x, y in val_loader])


dataset, labels = load()
scores = []
for fold, (train_idx, val_idx) in enumerate(StratifiedKFold(5, shuffle=True).split(labels, labels)):
    scores.append(run_fold(Subset(dataset, train_idx), Subset(dataset, val_idx)))
    print(fold, scores[-1])
print(np.mean(scores))
