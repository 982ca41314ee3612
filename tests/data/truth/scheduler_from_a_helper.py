# curves: 1
import math
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset


def cosine_with_warmup(optimizer, warmup_steps, total_steps, floor=0.0):
    def factor(step):
        if step < warmup_steps:
            return float(step) / float(max(1, warmup_steps))
        progress = float(step - warmup_steps) / float(max(1, total_steps - warmup_steps))
        return max(floor, 0.5 * (1.0 + math.cos(math.pi * progress)))
    return lr_scheduler.LambdaLR(optimizer, factor)

class Trainer:
    def __init__(self, model, loader, epochs, lr):
        self.model, self.loader, self.epochs = model, loader, epochs
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
        total = epochs * len(loader)
        self.scheduler = cosine_with_warmup(self.optimizer, int(0.1 * total), total, floor=0.05)

    def train_epoch(self):
        self.model.train()
        for x, y in self.loader:
            loss = (self.model(x) - y).pow(2).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()

    def fit(self):
        for epoch in range(self.epochs):
            self.train_epoch()

if __name__ == "__main__":
    data = TensorDataset(torch.randn(52, 4), torch.randn(52, 1))
    Trainer(nn.Linear(4, 1), DataLoader(data, batch_size=8), epochs=5, lr=2e-3).fit()
