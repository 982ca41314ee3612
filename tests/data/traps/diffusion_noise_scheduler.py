"""A diffusion model: `scheduler` is the noise schedule, and the LR is constant."""
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DModel
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from images import ImageFolder


def sample(model, scheduler, shape, device):
    x = torch.randn(shape, device=device)
    scheduler.set_timesteps(1000)
    for t in scheduler.timesteps:
        with torch.no_grad():
            noise = model(x, t).sample
        x = scheduler.step(noise, t, x).prev_sample
    return x


def main():
    device = "cuda"
    loader = DataLoader(ImageFolder("flowers"), batch_size=16, shuffle=True, num_workers=4)
    model = UNet2DModel(sample_size=64, in_channels=3, out_channels=3).to(device)
    scheduler = DDPMScheduler(num_train_timesteps=1000)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    for epoch in range(50):
        for images in tqdm(loader):
            images = images.to(device)
            noise = torch.randn_like(images)
            steps = torch.randint(0, scheduler.config.num_train_timesteps, (images.shape[0],), device=device)
            noisy = scheduler.add_noise(images, noise, steps)
            loss = F.mse_loss(model(noisy, steps).sample, noise)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch % 10 == 0:
            torch.save(sample(model, scheduler, (4, 3, 64, 64), device), f"samples_{epoch}.pt")


if __name__ == "__main__":
    main()
