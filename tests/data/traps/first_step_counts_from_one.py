"""A scheduler of another file that is stepped before each update: it counts from one, and its start is no value."""
import torch
from bert import Bert, batches
from schedules import PolyWarmUpScheduler

model = Bert()
loader = batches()
optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)
scheduler = PolyWarmUpScheduler(optimizer, warmup=0.28, total_steps=7038)
for epoch in range(40):
    for batch in loader:
        loss = model(batch)
        loss.backward()
        scheduler.step()
        optimizer.step()
        optimizer.zero_grad()
