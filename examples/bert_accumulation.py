"""Fine-tuning with gradient accumulation: the schedule is sized in batches, but ticks once per update."""

import torch
from torch.utils.data import DataLoader, TensorDataset
from transformers import AutoModelForSequenceClassification, get_linear_schedule_with_warmup

EPOCHS = 3
ACCUMULATION_STEPS = 8

tokens = torch.randint(0, 30000, (20000, 128))
labels = torch.randint(0, 2, (20000,))
train_loader = DataLoader(TensorDataset(tokens, labels), batch_size=16, shuffle=True)

model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5)
total_steps = EPOCHS * len(train_loader)
scheduler = get_linear_schedule_with_warmup(optimizer, int(0.1 * total_steps), total_steps)

for epoch in range(EPOCHS):
    for step, (input_ids, target) in enumerate(train_loader):
        loss = model(input_ids=input_ids, labels=target).loss / ACCUMULATION_STEPS
        loss.backward()
        if (step + 1) % ACCUMULATION_STEPS == 0:
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
