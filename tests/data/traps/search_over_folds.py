"""A search over settings, cross-validated: every fit has a schedule of its own."""
import itertools
import random
import numpy as np
import torch
from sklearn.model_selection import KFold
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

X = torch.randn(4000, 64)
y = (X[:, 0] > 0).long()
dataset = TensorDataset(X, y)

def fit(lr, wd, hidden, train_idx, val_idx, n_epochs=40, batch=64):
    net = torch.nn.Sequential(torch.nn.Linear(64, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 2))
    opt = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=wd)
    tl = DataLoader(dataset, batch, sampler=SubsetRandomSampler(train_idx))
    vl = DataLoader(dataset, batch, sampler=SubsetRandomSampler(val_idx))
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, lr, epochs=n_epochs, steps_per_epoch=len(tl), pct_start=0.1)
    for _ in range(n_epochs):
        net.train()
        for xb, yb in tl:
            opt.zero_grad()
            torch.nn.functional.cross_entropy(net(xb), yb).backward()
            opt.step()
            sched.step()
    net.eval()
    with torch.no_grad():
        return np.mean([(net(xb).argmax(1) == yb).float().mean().item() for xb, yb in vl])

results = {}
for lr, wd, hidden in itertools.product([1e-3, 3e-3], [0.0, 1e-2], [64, 256]):
    scores = []
    for train_idx, val_idx in KFold(5, shuffle=True, random_state=0).split(X):
        scores.append(fit(lr, wd, hidden, train_idx, val_idx))
    results[lr, wd, hidden] = np.mean(scores)
    print(lr, wd, hidden, results[lr, wd, hidden])
print(max(results, key=results.get))
