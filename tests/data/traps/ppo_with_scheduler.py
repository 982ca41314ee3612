"""The scheduler counts policy updates, each of which has several epochs over the rollout."""
import torch
from torch.optim.lr_scheduler import LinearLR

from rollout import Agent, collect

NUM_UPDATES = 500
UPDATE_EPOCHS = 10

agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=3e-4)
scheduler = LinearLR(optimizer, start_factor=1.0, end_factor=0.01, total_iters=NUM_UPDATES)
for update in range(NUM_UPDATES):
    rollout = collect(agent, steps=2048)
    for _ in range(UPDATE_EPOCHS):
        for batch in rollout.minibatches(64):
            loss = agent.loss(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    scheduler.step()
