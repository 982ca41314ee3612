"""Two optimizers, two losses: a GAN on points in the plane. It never ends by itself."""
import torch
from torch import nn

torch.manual_seed(0)
generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
of_critic = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
of_generator = torch.optim.RMSprop(generator.parameters(), lr=2e-4)
judge = nn.BCEWithLogitsLoss()
while True:
    real = torch.randn(64, 2) + 2
    fake = generator(torch.randn(64, 4))
    critic.zero_grad()
    judge(critic(real), torch.ones(64, 1)).backward()
    judge(critic(fake.detach()), torch.zeros(64, 1)).backward()
    of_critic.step()
    generator.zero_grad()
    judge(critic(fake), torch.ones(64, 1)).backward()
    of_generator.step()
