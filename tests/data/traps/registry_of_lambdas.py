"""Image classification: optimizer and schedule come from tables of makers."""
import argparse, math
from functools import partial
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR, OneCycleLR
from datasets_local import ImageFolderLMDB

OPTIMIZERS = {
    "sgd": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "adamw": partial(torch.optim.AdamW, betas=(0.9, 0.95)),
}

def build_scheduler(name, optimizer, epochs, iters_per_epoch):
    registry = {
        "cosine": lambda: CosineAnnealingLR(optimizer, T_max=epochs * iters_per_epoch),
        "onecycle": lambda: OneCycleLR(optimizer, max_lr=0.1, total_steps=epochs * iters_per_epoch),
        "multistep": lambda: MultiStepLR(optimizer, milestones=[int(f * epochs * iters_per_epoch) for f in (0.5, 0.75)]),
    }
    return registry[name]()

def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    data = parser.add_argument_group("data")
    data.add_argument("--root", type=str, required=True)
    data.add_argument("-b", "--batch-size", type=int, default=256)
    optim = parser.add_argument_group("optim")
    optim.add_argument("--opt", choices=list(OPTIMIZERS), default="sgd")
    optim.add_argument("--sched", choices=["cosine", "onecycle", "multistep"], default="cosine")
    optim.add_argument("--epochs", type=int, default=60)
    optim.add_argument("--lr", type=float, default=0.05)
    return parser.parse_args()

def main():
    args = parse()
    loader = DataLoader(ImageFolderLMDB(args.root), args.batch_size, shuffle=True, num_workers=8, drop_last=True)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 512), nn.GELU(), nn.Linear(512, 10)).cuda()
    optimizer = OPTIMIZERS[args.opt](net.parameters(), lr=args.lr)
    sched = build_scheduler(args.sched, optimizer, args.epochs, len(loader))
    for ep in range(args.epochs):
        net.train()
        for x, y in loader:
            loss = F.cross_entropy(net(x.cuda()), y.cuda())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            sched.step()
        print(ep, loss.item(), sched.get_last_lr())

if __name__ == "__main__":
    main()
