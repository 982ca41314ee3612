"""The LR follows the fractional epoch, written by hand before each batch."""
import argparse
import math

import torch
from torch.utils.data import DataLoader

from backbone import ViT, dataset


def adjust_learning_rate(optimizer, epoch, args):
    """Half-cycle cosine after a linear warmup."""
    if epoch < args.warmup_epochs:
        lr = args.lr * epoch / args.warmup_epochs
    else:
        progress = (epoch - args.warmup_epochs) / (args.epochs - args.warmup_epochs)
        lr = args.lr * 0.5 * (1.0 + math.cos(math.pi * progress))
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_scale"] if "lr_scale" in group else lr
    return lr


def train_one_epoch(model, loader, optimizer, epoch, args):
    model.train()
    optimizer.zero_grad()
    for step, (x, y) in enumerate(loader):
        if step % args.accum_iter == 0:
            adjust_learning_rate(optimizer, step / len(loader) + epoch, args)
        loss = torch.nn.functional.cross_entropy(model(x.cuda()), y.cuda()) / args.accum_iter
        loss.backward()
        if (step + 1) % args.accum_iter == 0:
            optimizer.step()
            optimizer.zero_grad()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--warmup_epochs", type=int, default=40)
    parser.add_argument("--accum_iter", type=int, default=1)
    parser.add_argument("--blr", type=float, default=1e-3)
    parser.add_argument("--lr", type=float, default=None)
    parser.add_argument("--batch_size", type=int, default=64)
    args = parser.parse_args()
    if args.lr is None:
        args.lr = args.blr * args.batch_size * args.accum_iter / 256
    loader = DataLoader(dataset("train"), batch_size=args.batch_size, shuffle=True)
    model = ViT().cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, betas=(0.9, 0.95))
    for epoch in range(args.epochs):
        train_one_epoch(model, loader, optimizer, epoch, args)


if __name__ == "__main__":
    main()
