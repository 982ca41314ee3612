"""A scheduler class of one's own: step(epoch) sets the LR of the epoch that is about to begin."""
import torch
from torch.optim.lr_scheduler import _LRScheduler

from segmentation import UNet, batches, dice_loss


class PolyLRScheduler(_LRScheduler):
    def __init__(self, optimizer, initial_lr, max_steps, exponent=0.9, current_step=None):
        self.optimizer = optimizer
        self.initial_lr = initial_lr
        self.max_steps = max_steps
        self.exponent = exponent
        self.ctr = 0
        super().__init__(optimizer, current_step if current_step is not None else -1)

    def step(self, current_step=None):
        if current_step is None or current_step == -1:
            current_step = self.ctr
            self.ctr += 1
        new_lr = self.initial_lr * (1 - current_step / self.max_steps) ** self.exponent
        for group in self.optimizer.param_groups:
            group["lr"] = new_lr


class SegmentationTrainer:
    def __init__(self):
        self.num_epochs = 1000
        self.iterations_per_epoch = 250
        self.initial_lr = 1e-2
        self.current_epoch = 0
        self.network = UNet(channels=1, classes=4)
        self.optimizer, self.lr_scheduler = self.configure_optimizers()

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.network.parameters(), self.initial_lr, momentum=0.99, nesterov=True)
        lr_scheduler = PolyLRScheduler(optimizer, self.initial_lr, self.num_epochs)
        return optimizer, lr_scheduler

    def on_train_epoch_start(self):
        self.network.train()
        self.lr_scheduler.step(self.current_epoch)
        print(f"epoch {self.current_epoch}, lr {self.optimizer.param_groups[0]['lr']:.5f}")

    def train_step(self, batch):
        self.optimizer.zero_grad(set_to_none=True)
        loss = dice_loss(self.network(batch["data"]), batch["target"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 12)
        self.optimizer.step()
        return loss.detach()

    def run_training(self):
        for epoch in range(self.current_epoch, self.num_epochs):
            self.on_train_epoch_start()
            source = batches("train")
            for _ in range(self.iterations_per_epoch):
                self.train_step(next(source))
            self.current_epoch += 1


if __name__ == "__main__":
    SegmentationTrainer().run_training()
