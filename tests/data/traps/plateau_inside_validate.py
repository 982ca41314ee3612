"""validate() ticks ReduceLROnPlateau once a call, after its loop."""
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader

from volumes import VolumeSet


class Runner:
    def __init__(self, epochs=80):
        self.epochs = epochs
        self.model = nn.Conv3d(1, 2, 3, padding=1)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.scheduler = ReduceLROnPlateau(self.optimizer, mode="min", factor=0.2, patience=6)
        self.train_loader = DataLoader(VolumeSet("train"), batch_size=2, shuffle=True)
        self.val_loader = DataLoader(VolumeSet("val"), batch_size=2)

    def fit(self):
        for epoch in range(self.epochs):
            self.model.train()
            for x, y in self.train_loader:
                self.optimizer.zero_grad()
                self.criterion(self.model(x), y).backward()
                self.optimizer.step()
            print(epoch, self.validate())

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        total = 0.0
        for x, y in self.val_loader:
            total += self.criterion(self.model(x), y).item()
        mean = total / len(self.val_loader)
        self.scheduler.step(mean)
        return mean


if __name__ == "__main__":
    Runner().fit()
