"""Optimizer and scheduler are made when they are first asked for, which may be where the main process saves."""
import torch

from project import distributed, schedules


class Trainer:
    def __init__(self, args, model):
        self.args = args
        self.model = model
        self._optimizer = None
        self._lr_scheduler = None
        self.updates = 0

    @property
    def optimizer(self):
        if self._optimizer is None:
            self._build()
        return self._optimizer

    @property
    def lr_scheduler(self):
        if self._lr_scheduler is None:
            self._build()
        return self._lr_scheduler

    def _build(self):
        self._optimizer = torch.optim.Adam(self.model.parameters(), lr=self.args.lr)
        self._lr_scheduler = schedules.build_lr_scheduler(self.args, self._optimizer)
        self._lr_scheduler.step_update(0)

    def save_checkpoint(self, path):
        if distributed.is_master(self.args):
            state = {"optimizer": self.optimizer.state_dict(), "schedule": self.lr_scheduler.state_dict()}
            torch.save({"model": self.model.state_dict(), **state}, path)

    def train_step(self, batch):
        self.optimizer.zero_grad()
        self.model(batch).backward()
        self.optimizer.step()
        self.updates += 1
        return self.lr_scheduler.step_update(self.updates)

    def end_of_epoch(self, epoch, loss):
        self.lr_scheduler.step(epoch, loss)
