"""diffusers has a get_scheduler of its own: it takes num_cycles and power, and f_min in the linear one."""
import argparse
import math

import torch
from accelerate import Accelerator
from diffusers.optimization import get_linear_schedule_with_warmup, get_scheduler
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--train_batch_size", type=int, default=4)
parser.add_argument("--gradient_accumulation_steps", type=int, default=1)
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--max_train_steps", type=int, default=None)
parser.add_argument("--lr_scheduler", type=str, default="cosine")
parser.add_argument("--lr_warmup_steps", type=int, default=100)
parser.add_argument("--lr_num_cycles", type=int, default=1)
parser.add_argument("--lr_power", type=float, default=1.0)
args = parser.parse_args()

accelerator = Accelerator(gradient_accumulation_steps=args.gradient_accumulation_steps)
unet = torch.nn.Linear(16, 16)
adapter = torch.nn.Linear(16, 16)
optimizer = torch.optim.AdamW(unet.parameters(), lr=1e-4)
adapter_optimizer = torch.optim.AdamW(adapter.parameters(), lr=1e-4)
loader = DataLoader(TensorDataset(torch.randn(8000, 16)), batch_size=args.train_batch_size, shuffle=True)

updates_per_epoch = math.ceil(len(loader) / args.gradient_accumulation_steps)
if args.max_train_steps is None:
    args.max_train_steps = args.epochs * updates_per_epoch
lr_scheduler = get_scheduler(
    args.lr_scheduler,
    optimizer=optimizer,
    num_warmup_steps=args.lr_warmup_steps * args.gradient_accumulation_steps,
    num_training_steps=args.max_train_steps * args.gradient_accumulation_steps,
    num_cycles=args.lr_num_cycles,
    power=args.lr_power,
)
adapter_scheduler = get_linear_schedule_with_warmup(
    adapter_optimizer, num_warmup_steps=50, num_training_steps=args.max_train_steps, f_min=0.1, f_max=1.0
)
unet, optimizer, loader, lr_scheduler = accelerator.prepare(unet, optimizer, loader, lr_scheduler)

for epoch in range(args.epochs):
    for (x,) in loader:
        with accelerator.accumulate(unet):
            loss = (unet(x) + adapter(x)).pow(2).mean()
            accelerator.backward(loss)
            optimizer.step()
            adapter_optimizer.step()
            lr_scheduler.step()
            adapter_scheduler.step()
            optimizer.zero_grad()
            adapter_optimizer.zero_grad()
