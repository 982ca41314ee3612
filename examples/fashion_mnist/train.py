"""A small CNN on Fashion-MNIST, as anybody would write it: a constant learning rate, no schedule.

The four idx files are looked for in --data; Debian and Ubuntu install them with `apt install dataset-fashion-mnist`.
"""

import argparse
import gzip
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def read(folder, name):
    raw = gzip.open(Path(folder) / name).read()
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8)


def dataset(folder, split, count):
    images = read(folder, f"{split}-images-idx3-ubyte.gz")[16:].reshape(-1, 1, 28, 28)[:count]
    labels = read(folder, f"{split}-labels-idx1-ubyte.gz")[8:][:count]
    return TensorDataset((images.float() / 255 - 0.286) / 0.353, labels.long())


def evaluate(model, loader):
    model.eval()
    loss = correct = 0
    with torch.no_grad():
        for images, labels in loader:
            scores = model(images)
            loss += nn.functional.cross_entropy(scores, labels, reduction="sum").item()
            correct += (scores.argmax(1) == labels).sum().item()
    return loss / len(loader.dataset), correct / len(loader.dataset)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=12800)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    train_loader = DataLoader(dataset(args.data, "train", args.images), args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(dataset(args.data, "t10k", 2000), 500)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * 7 * 7, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=5e-4)
    for epoch in range(args.epochs):
        model.train()
        for images, labels in train_loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        val_loss, accuracy = evaluate(model, test_loader)
        print(f"epoch {epoch + 1}: val_loss {val_loss:.4f}, accuracy {accuracy:.2%}")


if __name__ == "__main__":
    main()
