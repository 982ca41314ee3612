"""A LightningModule, its Trainer, a checkpoint and a CSV log."""
import lightning
import torch
from torch import nn


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5))

    def training_step(self, batch, index):
        loss = nn.functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, index):
        self.log("val_loss", nn.functional.cross_entropy(self.net(batch[0]), batch[1]))

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=1e-3)
        return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 8)]


if __name__ == "__main__":
    lightning.seed_everything(0, verbose=False)
    x = torch.randn(1024, 20)
    y = (x @ torch.randn(20, 5)).argmax(1)
    data = torch.utils.data.TensorDataset(x, y)
    trainer = lightning.Trainer(max_epochs=8, accelerator="cpu", enable_progress_bar=False, log_every_n_steps=4)
    trainer.fit(Model(), torch.utils.data.DataLoader(data, 32, shuffle=True), torch.utils.data.DataLoader(data, 256))
