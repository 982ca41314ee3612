"""A learner whose epoch is one generator expression over the batches."""
import contextlib
import functools
import typing as tp
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from ._internal import features

class timer(contextlib.ContextDecorator):
    def __enter__(self): return self
    def __exit__(self, *a): return False

class Learner:
    """Minimal learner."""
    optim_fn: tp.Callable = functools.partial(torch.optim.AdamW, weight_decay=1e-2)

    def __init__(self, net: nn.Module, train_ds: Dataset, valid_ds: Dataset, bs: int = 64, lr: float = 1e-3, epochs: int = 20):
        self.net, self.bs, self.epochs = net, bs, epochs
        self.train_dl = DataLoader(train_ds, bs, shuffle=True)
        self.valid_dl = DataLoader(valid_ds, 2 * bs)
        self.opt = torch.optim.AdamW(net.parameters(), lr=lr, weight_decay=1e-2)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(self.opt, max_lr=lr, total_steps=self.n_steps)

    @property
    def n_steps(self): return len(self.train_dl) * self.epochs

    @property
    def lr(self): return self.opt.param_groups[0]["lr"]

    @timer()
    def one_batch(self, xb, yb, train=True):
        loss = nn.functional.cross_entropy(self.net(xb), yb)
        if train:
            loss.backward()
            self.opt.step()
            self.opt.zero_grad()
            self.sched.step()
        return loss.item()

    def one_epoch(self, train: bool):
        self.net.train(train)
        dl = self.train_dl if train else self.valid_dl
        with torch.set_grad_enabled(train):
            return sum(self.one_batch(xb, yb, train) for xb, yb in dl) / len(dl)

    def __call__(self):
        for epoch in range(self.epochs):
            t = self.one_epoch(train=True)
            v = self.one_epoch(train=False)
            print(f"{epoch} {t:.4f} {v:.4f} {self.lr:.2e}")

Learner(nn.Linear(100, 10), features("train"), features("valid"))()
