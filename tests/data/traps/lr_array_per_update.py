"""Self-supervised pretraining: the LR of every update stands in an array made beforehand."""
import argparse

import numpy as np
import torch
from torch.utils.data import DataLoader

from ssl_model import Student, views


def cosine_values(base, final, epochs, per_epoch, warmup_epochs=0, start=0.0):
    warmup_iters = warmup_epochs * per_epoch
    warmup = np.linspace(start, base, warmup_iters) if warmup_epochs > 0 else np.array([])
    iters = np.arange(epochs * per_epoch - warmup_iters)
    schedule = final + 0.5 * (base - final) * (1 + np.cos(np.pi * iters / len(iters)))
    return np.concatenate((warmup, schedule))


def main(args):
    loader = DataLoader(views(args.data), batch_size=args.batch_size_per_gpu, drop_last=True, shuffle=True)
    student = Student().cuda()
    optimizer = torch.optim.AdamW(student.parameters())
    world = int(args.world_size)
    lr_schedule = cosine_values(
        args.lr * (args.batch_size_per_gpu * world) / 256.0, args.min_lr, args.epochs, len(loader), args.warmup_epochs
    )
    wd_schedule = cosine_values(0.04, 0.4, args.epochs, len(loader))
    for epoch in range(args.epochs):
        for it, (a, b) in enumerate(loader):
            it = len(loader) * epoch + it
            for i, group in enumerate(optimizer.param_groups):
                group["lr"] = lr_schedule[it]
                if i == 0:
                    group["weight_decay"] = wd_schedule[it]
            loss = student(a.cuda(), b.cuda())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="/data")
    parser.add_argument("--lr", type=float, default=0.0005)
    parser.add_argument("--min_lr", type=float, default=1e-6)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--warmup_epochs", type=int, default=10)
    parser.add_argument("--batch_size_per_gpu", type=int, default=64)
    parser.add_argument("--world_size", type=int, default=1)
    main(parser.parse_args())
