"""-1 stands for "a tenth of all updates", and max_steps, where it is given, overrides the epochs."""
import argparse

import torch
from torch.utils.data import DataLoader, TensorDataset
from transformers import get_linear_schedule_with_warmup

parser = argparse.ArgumentParser()
parser.add_argument("--num_train_epochs", type=float, default=3.0)
parser.add_argument("--max_steps", type=int, default=-1)
parser.add_argument("--warmup_steps", type=int, default=-1)
parser.add_argument("--gradient_accumulation_steps", type=int, default=1)
args = parser.parse_args()


def train(data, model):
    loader = DataLoader(data, batch_size=8, shuffle=True)
    if args.max_steps > 0:
        t_total = args.max_steps
        args.num_train_epochs = args.max_steps // (len(loader) // args.gradient_accumulation_steps) + 1
    else:
        t_total = len(loader) // args.gradient_accumulation_steps * args.num_train_epochs
    if args.warmup_steps == -1:
        args.warmup_steps = int(t_total * 0.1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-5)
    scheduler = get_linear_schedule_with_warmup(
        optimizer, num_warmup_steps=args.warmup_steps, num_training_steps=t_total
    )
    global_step = 0
    for _ in range(int(args.num_train_epochs)):
        for step, (x,) in enumerate(loader):
            model(x).pow(2).mean().backward()
            if (step + 1) % args.gradient_accumulation_steps == 0:
                optimizer.step()
                scheduler.step()
                model.zero_grad()
                global_step += 1
            if args.max_steps > 0 and global_step > args.max_steps:
                break
        if args.max_steps > 0 and global_step > args.max_steps:
            break
    return global_step


train(TensorDataset(torch.randn(8000, 16)), torch.nn.Linear(16, 2))
