"""Tabular data: phases in a dict, a plateau schedule on one of the metrics, early stopping."""
import copy
import json
from collections import defaultdict
import numpy as np
import torch
from torch.utils.data import DataLoader, random_split
from torch.optim.lr_scheduler import ReduceLROnPlateau
from sklearn.metrics import roc_auc_score
from dataset import TabularDataset
from net import TabNet

class EarlyStopping:
    def __init__(self, patience=15, delta=0.0):
        self.patience, self.delta = patience, delta
        self.counter, self.best, self.stop = 0, None, False
        self.state = None
    def __call__(self, score, model):
        if self.best is None or score > self.best + self.delta:
            self.best, self.counter = score, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.counter += 1
            self.stop = self.counter >= self.patience
        return self.stop

def run_epoch(model, loader, criterion, optimizer=None):
    train = optimizer is not None
    model.train(train)
    metrics = defaultdict(list)
    preds, targets = [], []
    with torch.set_grad_enabled(train):
        for x, y in loader:
            logit = model(x).squeeze(-1)
            loss = criterion(logit, y)
            if train:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            metrics["loss"].append(loss.item())
            preds.append(logit.sigmoid().detach().numpy()); targets.append(y.numpy())
    return {"loss": float(np.mean(metrics["loss"])), "auc": roc_auc_score(np.concatenate(targets), np.concatenate(preds))}

def main(max_epochs: int = 300, lr: float = 2e-3):
    full = TabularDataset("adult.csv")
    n_val = int(0.2 * len(full))
    train_ds, val_ds = random_split(full, [len(full) - n_val, n_val])
    loaders = {"train": DataLoader(train_ds, 1024, shuffle=True), "val": DataLoader(val_ds, 4096)}
    model = TabNet()
    criterion = torch.nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    scheduler = ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=5)
    stopper = EarlyStopping()
    history = []
    for epoch in range(max_epochs):
        metrics = {}
        for phase, dl in loaders.items():
            out = run_epoch(model, dl, criterion, optimizer if phase == "train" else None)
            metrics.update({f"{phase}_{k}": v for k, v in out.items()})
        scheduler.step(metrics["val_auc"])
        history.append(metrics)
        if stopper(metrics["val_auc"], model):
            break
    json.dump(history, open("history.json", "w"))

if __name__ == "__main__":
    main()
