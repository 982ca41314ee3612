"""Callbacks do the work; the scheduler is ticked by one of them, once an epoch."""
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import MultiStepLR
from torch.utils.data import DataLoader, TensorDataset


class Callback:
    def on_epoch_end(self, epoch):
        pass


class SchedulerCallback(Callback):
    def __init__(self, scheduler):
        self.scheduler = scheduler

    def on_epoch_end(self, epoch):
        self.scheduler.step()


class PrintCallback(Callback):
    def on_epoch_end(self, epoch):
        print("finished", epoch)


def fit(model, loader, optimizer, callbacks, epochs):
    for epoch in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
        for callback in callbacks:
            callback.on_epoch_end(epoch)


if __name__ == "__main__":
    loader = DataLoader(TensorDataset(torch.randn(640, 8), torch.randn(640, 1)), batch_size=32)
    model = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = MultiStepLR(optimizer, milestones=[30, 45], gamma=0.1)
    fit(model, loader, optimizer, [SchedulerCallback(scheduler), PrintCallback()], epochs=60)
