"""transformers' Trainer with a model of its own, evaluation and checkpoints."""
import torch
from torch import nn
from transformers import Trainer, TrainingArguments


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 5))

    def forward(self, x, labels=None):
        logits = self.net(x)
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


torch.manual_seed(0)
x = torch.randn(1024, 20)
y = (x @ torch.randn(20, 5)).argmax(1)
data = [{"x": a, "labels": b} for a, b in zip(x, y)]
arguments = TrainingArguments(
    "trainer-output", num_train_epochs=6, per_device_train_batch_size=16, gradient_accumulation_steps=2,
    learning_rate=1e-3, lr_scheduler_type="cosine", warmup_steps=10, eval_strategy="epoch", save_strategy="epoch",
    report_to="none", use_cpu=True, disable_tqdm=True, logging_steps=10,
)
Trainer(Model(), arguments, train_dataset=data, eval_dataset=data[:128]).train()
