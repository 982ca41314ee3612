"""Mixed precision: the schedule waits when the scaler skipped the update."""
import torch
from transformers import get_cosine_schedule_with_warmup

from text import Classifier, make_loader

epochs, accumulation = 5, 2
loader = make_loader("train", batch_size=32)
model = Classifier().cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
updates = epochs * (len(loader) // accumulation)
scheduler = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=updates // 10, num_training_steps=updates)
scaler = torch.amp.GradScaler("cuda")
for epoch in range(epochs):
    for i, batch in enumerate(loader):
        with torch.autocast("cuda"):
            loss = model(**batch) / accumulation
        scaler.scale(loss).backward()
        if (i + 1) % accumulation == 0:
            scale = scaler.get_scale()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            if scaler.get_scale() >= scale:
                scheduler.step()
