"""Accelerate: the length is taken before prepare, in updates of all processes together."""
import math

from accelerate import Accelerator
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, get_scheduler

from corpus import build_dataset

accumulation, epochs, warmup = 4, 3, 100
accelerator = Accelerator(gradient_accumulation_steps=accumulation)
model = AutoModelForCausalLM.from_pretrained("gpt2")
optimizer = AdamW(model.parameters(), lr=5e-5)
loader = DataLoader(build_dataset("train"), batch_size=8, shuffle=True)
updates_per_epoch = math.ceil(len(loader) / accumulation)
max_train_steps = epochs * updates_per_epoch
lr_scheduler = get_scheduler(
    "linear",
    optimizer=optimizer,
    num_warmup_steps=warmup,
    num_training_steps=max_train_steps,
)
model, optimizer, loader, lr_scheduler = accelerator.prepare(model, optimizer, loader, lr_scheduler)
for epoch in range(epochs):
    model.train()
    for batch in loader:
        with accelerator.accumulate(model):
            loss = model(**batch).loss
            accelerator.backward(loss)
            optimizer.step()
            lr_scheduler.step()
            optimizer.zero_grad()
