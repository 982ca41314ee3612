# curves: 1
# arguments: --epochs 4 --lr=0.3 -b 6 --cosine
import argparse
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--lr", "--learning-rate", type=float, default=0.1)
    parser.add_argument("-b", "--batch-size", type=int, default=256)
    parser.add_argument("--step-size", type=int, default=30)
    parser.add_argument("--cosine", action="store_true")
    return parser.parse_args()

def main():
    args = parse_args()
    model = nn.Linear(4, 1)
    loader = DataLoader(TensorDataset(torch.randn(40, 4), torch.randn(40, 1)), batch_size=args.batch_size)
    optimizer = torch.optim.SGD(model.parameters(), args.lr, momentum=0.9)
    if args.cosine:
        scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=args.epochs)
    else:
        scheduler = lr_scheduler.StepLR(optimizer, step_size=args.step_size)
    for epoch in range(args.epochs):
        for x, y in loader:
            optimizer.zero_grad()
            (model(x) - y).pow(2).mean().backward()
            optimizer.step()
        scheduler.step()

main()
