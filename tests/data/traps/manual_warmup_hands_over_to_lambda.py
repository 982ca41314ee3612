"""Detector training: per-batch linear warmup by hand, then LambdaLR per epoch takes over."""
import argparse
import math

import numpy as np
import torch
from torch.optim import SGD, lr_scheduler
from torch.utils.data import DataLoader

from detector import DetectionSet, Detector, collate


def one_cycle(y1=0.0, y2=1.0, steps=100):
    return lambda x: ((1 - math.cos(x * math.pi / steps)) / 2) * (y2 - y1) + y1


def train(opt, device):
    hyp = {"lr0": 0.01, "lrf": 0.1, "momentum": 0.937, "warmup_epochs": 3.0, "warmup_bias_lr": 0.1}
    model = Detector(classes=20).to(device)
    biases, weights = [], []
    for name, parameter in model.named_parameters():
        (biases if name.endswith("bias") else weights).append(parameter)
    optimizer = SGD(weights, lr=hyp["lr0"], momentum=hyp["momentum"], nesterov=True)
    optimizer.add_param_group({"params": biases})

    lf = one_cycle(1, hyp["lrf"], opt.epochs)
    scheduler = lr_scheduler.LambdaLR(optimizer, lr_lambda=lf)

    loader = DataLoader(DetectionSet(opt.data), batch_size=opt.batch_size, shuffle=True, collate_fn=collate)
    nb = len(loader)
    nw = max(round(hyp["warmup_epochs"] * nb), 100)
    for epoch in range(opt.epochs):
        model.train()
        optimizer.zero_grad()
        for i, (imgs, targets) in enumerate(loader):
            ni = i + nb * epoch
            if ni <= nw:
                xi = [0, nw]
                for j, group in enumerate(optimizer.param_groups):
                    start = hyp["warmup_bias_lr"] if j == 1 else 0.0
                    group["lr"] = np.interp(ni, xi, [start, group["initial_lr"] * lf(epoch)])
                    group["momentum"] = np.interp(ni, xi, [0.8, hyp["momentum"]])
            loss = model(imgs.to(device), targets.to(device))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        lr = [group["lr"] for group in optimizer.param_groups]
        scheduler.step()
        print(epoch, lr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="data.yaml")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=16)
    train(parser.parse_args(), torch.device("cuda:0"))
