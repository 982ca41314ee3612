"""An engine that runs hooks after every iteration; one of them steps the schedule."""
from __future__ import annotations
from dataclasses import dataclass, field
from typing import Callable
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from corpus import load_split

@dataclass
class OptimConfig:
    lr: float = 3e-4
    weight_decay: float = 0.1
    warmup_steps: int = 500
    max_steps: int = 20_000

@dataclass
class Config:
    batch_size: int = 64
    eval_every: int = 1000
    optim: OptimConfig = field(default_factory=OptimConfig)

class Hook:
    def before_step(self, trainer: "Engine") -> None: ...
    def after_step(self, trainer: "Engine") -> None: ...

class LRHook(Hook):
    def __init__(self, scheduler):
        self.scheduler = scheduler
    def after_step(self, trainer):
        self.scheduler.step()

class LogHook(Hook):
    def after_step(self, trainer):
        if trainer.iteration % 100 == 0:
            print(trainer.iteration, float(trainer.loss))

class Engine:
    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader, hooks: list[Hook]):
        self.model, self.optimizer, self.loader, self.hooks = model, optimizer, loader, hooks
        self.iteration = 0
        self._iter = iter(loader)

    def _next(self):
        try:
            return next(self._iter)
        except StopIteration:
            self._iter = iter(self.loader)
            return next(self._iter)

    def run_step(self):
        x, y = self._next()
        self.loss = nn.functional.cross_entropy(self.model(x), y)
        self.optimizer.zero_grad()
        self.loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    def train(self, max_iter: int):
        while self.iteration < max_iter:
            for h in self.hooks:
                h.before_step(self)
            self.run_step()
            for h in self.hooks:
                h.after_step(self)
            self.iteration += 1

def main():
    cfg = Config()
    model = nn.Sequential(nn.Linear(128, 256), nn.ReLU(), nn.Linear(256, 10))
    loader = DataLoader(load_split("train"), batch_size=cfg.batch_size, shuffle=True)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.optim.lr, weight_decay=cfg.optim.weight_decay)
    warm = torch.optim.lr_scheduler.LinearLR(opt, start_factor=1e-3, total_iters=cfg.optim.warmup_steps)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=cfg.optim.max_steps - cfg.optim.warmup_steps)
    sched = torch.optim.lr_scheduler.SequentialLR(opt, [warm, decay], milestones=[cfg.optim.warmup_steps])
    Engine(model, opt, loader, [LRHook(sched), LogHook()]).train(cfg.optim.max_steps)

if __name__ == "__main__":
    main()
