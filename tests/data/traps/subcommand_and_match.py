"""A subcommand that picks its function with set_defaults and its schedule with match."""
import argparse
import sys
import torch
import torch.nn as nn
from torch.utils.data import DataLoader
from pointcloud.data import ScanObject
from pointcloud.net import PointNet

def add_train(sub):
    p = sub.add_parser("train")
    p.add_argument("--epochs", type=int, default=200)
    p.add_argument("--bs", type=int, default=32)
    p.add_argument("--lr", type=float, default=0.01)
    p.add_argument("--policy", default="cos", choices=["cos", "step", "poly", "plateau"])
    p.set_defaults(func=train)

def make_sched(opt, args):
    match args.policy:
        case "cos":
            return torch.optim.lr_scheduler.CosineAnnealingLR(opt, args.epochs, eta_min=1e-5)
        case "step":
            return torch.optim.lr_scheduler.StepLR(opt, args.epochs // 5, 0.3)
        case "poly":
            return torch.optim.lr_scheduler.LambdaLR(opt, lambda e: (1 - e / args.epochs) ** 0.9)
        case "plateau":
            return torch.optim.lr_scheduler.ReduceLROnPlateau(opt, mode="max", patience=8)
        case _:
            raise ValueError(args.policy)

def train(args):
    tr = DataLoader(ScanObject("train"), args.bs, shuffle=True, drop_last=True)
    te = DataLoader(ScanObject("test"), args.bs)
    net = PointNet().cuda()
    opt = torch.optim.SGD(net.parameters(), args.lr, momentum=0.9, weight_decay=1e-4)
    sched = make_sched(opt, args)
    best = 0.0
    for e in range(args.epochs):
        net.train()
        for pts, lab in tr:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(net(pts.cuda()), lab.cuda())
            loss.backward()
            opt.step()
        net.eval()
        ok = n = 0
        with torch.no_grad():
            for pts, lab in te:
                ok += (net(pts.cuda()).argmax(1).cpu() == lab).sum().item()
                n += len(lab)
        acc = ok / n
        if args.policy == "plateau":
            sched.step(acc)
        else:
            sched.step()
        if (best := max(best, acc)) == acc:
            torch.save(net.state_dict(), "best.pth")

def cli(argv=None):
    parser = argparse.ArgumentParser("pc")
    sub = parser.add_subparsers(dest="cmd", required=True)
    add_train(sub)
    args = parser.parse_args(argv)
    args.func(args)

if __name__ == "__main__":
    sys.exit(cli())
