"""PPO: every update of the policy makes several passes; the LR falls linearly over the updates."""
import numpy as np
import torch

from rollout import Agent, collect

total_timesteps, num_envs, num_steps = 500_000, 4, 128
update_epochs, minibatches, learning_rate = 4, 4, 2.5e-4
batch_size = num_envs * num_steps
minibatch_size = batch_size // minibatches
num_updates = total_timesteps // batch_size

agent = Agent()
optimizer = torch.optim.Adam(agent.parameters(), lr=learning_rate, eps=1e-5)
for update in range(1, num_updates + 1):
    frac = 1.0 - (update - 1.0) / num_updates
    optimizer.param_groups[0]["lr"] = frac * learning_rate
    data = collect(agent, num_envs, num_steps)
    indices = np.arange(batch_size)
    for epoch in range(update_epochs):
        np.random.shuffle(indices)
        for start in range(0, batch_size, minibatch_size):
            loss = agent.loss(data, indices[start : start + minibatch_size])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
