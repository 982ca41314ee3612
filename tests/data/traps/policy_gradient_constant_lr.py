"""REINFORCE on a toy control task; no schedule at all."""
import gymnasium as gym
import torch
import torch.nn as nn
from torch.distributions import Categorical

env = gym.make("CartPole-v1")
policy = nn.Sequential(nn.Linear(4, 128), nn.ReLU(), nn.Linear(128, 2), nn.Softmax(dim=-1))
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for episode in range(1000):
    state, _ = env.reset()
    logs, rewards, done = [], [], False
    while not done:
        dist = Categorical(policy(torch.as_tensor(state)))
        action = dist.sample()
        state, reward, terminated, truncated, _ = env.step(action.item())
        logs.append(dist.log_prob(action))
        rewards.append(reward)
        done = terminated or truncated
    returns, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + 0.99 * total
        returns.insert(0, total)
    loss = -(torch.stack(logs) * torch.tensor(returns)).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
