"""While a diffusion model trains, the main process draws pictures with a sampler that is called `scheduler`."""
import argparse

import torch
from accelerate import Accelerator
from diffusers import DDPMScheduler, UNet2DModel
from diffusers.optimization import get_scheduler
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--max_train_steps", type=int, default=None)
parser.add_argument("--epochs", type=int, default=100)
parser.add_argument("--vis_interval", type=int, default=500)
args = parser.parse_args()

accelerator = Accelerator()
noise_scheduler = DDPMScheduler.from_pretrained("a/model", subfolder="scheduler")
unet = UNet2DModel()
optimizer = torch.optim.AdamW(unet.parameters(), lr=1e-4)
loader = DataLoader(TensorDataset(torch.randn(5000, 4, 64, 64)), batch_size=16, shuffle=True)
if args.max_train_steps is None:
    args.max_train_steps = args.epochs * len(loader)
lr_scheduler = get_scheduler("cosine", optimizer=optimizer, num_warmup_steps=500, num_training_steps=args.max_train_steps)
unet, optimizer, loader, lr_scheduler = accelerator.prepare(unet, optimizer, loader, lr_scheduler)

for epoch in range(args.epochs):
    for step, (latents,) in enumerate(loader):
        noise = torch.randn_like(latents)
        times = torch.randint(0, noise_scheduler.config.num_train_timesteps, (len(latents),))
        predicted = unet(noise_scheduler.add_noise(latents, noise, times), times).sample
        if accelerator.is_main_process:
            if (step + 1) % args.vis_interval == 0:
                scheduler = DDPMScheduler.from_pretrained("a/model", subfolder="scheduler")
                scheduler.set_timesteps(50)
                drawn = torch.randn(16, 4, 64, 64)
                for t in scheduler.timesteps:
                    with torch.no_grad():
                        drawn = scheduler.step(unet(drawn, t).sample, t, drawn).prev_sample
        loss = (predicted - noise).pow(2).mean()
        accelerator.backward(loss)
        optimizer.step()
        lr_scheduler.step()
        optimizer.zero_grad()
