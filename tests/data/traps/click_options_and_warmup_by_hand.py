"""A click command: the warmup is written by hand, the cosine takes over."""
import torch
from torch import nn
from pathlib import Path
from mylib.data import get_loaders
from mylib.models import resnet
import click

def set_lr(optimizer, lr):
    for g in optimizer.param_groups:
        g["lr"] = lr

@click.command()
@click.option("--epochs", default=90, show_default=True)
@click.option("--base-lr", "base_lr", default=0.4)
@click.option("--warmup", default=5)
@click.option("--out", type=click.Path(), default="runs")
def main(epochs, base_lr, warmup, out):
    train_loader, val_loader = get_loaders(1024)
    net = resnet().cuda()
    optimizer = torch.optim.SGD(net.parameters(), base_lr, momentum=0.9, weight_decay=5e-5)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs - warmup)
    n = len(train_loader)
    for epoch in range(epochs):
        net.train()
        for i, (x, y) in enumerate(train_loader):
            if epoch < warmup:
                set_lr(optimizer, base_lr * (i + 1 + epoch * n) / (warmup * n))
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x.cuda()), y.cuda(), label_smoothing=0.1)
            loss.backward()
            optimizer.step()
        if epoch >= warmup:
            scheduler.step()
        acc = 0
        net.eval()
        with torch.no_grad():
            for x, y in val_loader:
                acc += (net(x.cuda()).argmax(-1).cpu() == y).float().mean()
        click.echo(f"{epoch} {acc / len(val_loader):.3f}")
    torch.save(net.state_dict(), Path(out) / "last.pt")

if __name__ == "__main__":
    main()
