"""Epochs are worked out from the number of updates; training stops at it."""
import math

import torch
from torch.utils.data import DataLoader
from transformers import get_linear_schedule_with_warmup

from text import Classifier, TextSet

max_steps, accumulation = 10_000, 4
loader = DataLoader(TextSet("train"), batch_size=16, shuffle=True)
epochs = math.ceil(max_steps / (len(loader) // accumulation))
model = Classifier()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)
scheduler = get_linear_schedule_with_warmup(optimizer, 500, max_steps)
step = 0
for epoch in range(epochs):
    for i, batch in enumerate(loader):
        loss = model(**batch) / accumulation
        loss.backward()
        if (i + 1) % accumulation == 0:
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            step += 1
            if step >= max_steps:
                break
    if step >= max_steps:
        break
