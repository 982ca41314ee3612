"""A helper class called LambdaLR, from a star import, whose method is the lr_lambda of torch's LambdaLR."""
import argparse

import torch
from helpers import *
from networks import *

parser = argparse.ArgumentParser()
parser.add_argument("--first_epoch", type=int, default=0)
parser.add_argument("--epochs", type=int, default=200)
parser.add_argument("--decay_from", type=int, default=100)
args = parser.parse_args()

generator, critic = Generator(), Critic()
loader = torch.utils.data.DataLoader(Pairs(), batch_size=1, shuffle=True)
g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
d_optimizer = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
g_scheduler = torch.optim.lr_scheduler.LambdaLR(
    g_optimizer, lr_lambda=LambdaLR(args.epochs, args.first_epoch, args.decay_from).step
)
d_scheduler = torch.optim.lr_scheduler.LambdaLR(
    d_optimizer, lr_lambda=LambdaLR(args.epochs, args.first_epoch, args.decay_from).step
)
for epoch in range(args.first_epoch, args.epochs):
    for real_a, real_b in loader:
        g_optimizer.zero_grad()
        fake = generator(real_a)
        (1 - critic(fake)).pow(2).mean().backward()
        g_optimizer.step()
        d_optimizer.zero_grad()
        ((1 - critic(real_b)).pow(2) + critic(fake.detach()).pow(2)).mean().backward()
        d_optimizer.step()
    g_scheduler.step()
    d_scheduler.step()
