"""ResNet-18 on CIFAR-10. One line of it is wrong."""

import argparse

import torch
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader
from torchvision import datasets, models, transforms


def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="./data")
    parser.add_argument("--epochs", type=int, default=90)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    return parser.parse_args()


def loaders(args):
    augment = transforms.Compose([transforms.RandomCrop(32, 4), transforms.RandomHorizontalFlip(), transforms.ToTensor()])
    train_set = datasets.CIFAR10(args.data, train=True, download=True, transform=augment)
    test_set = datasets.CIFAR10(args.data, train=False, transform=transforms.ToTensor())
    return (
        DataLoader(train_set, batch_size=args.batch_size, shuffle=True, num_workers=4),
        DataLoader(test_set, batch_size=1024),
    )


def train_epoch(model, loader, optimizer, scheduler, device):
    model.train()
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()


@torch.no_grad()
def accuracy(model, loader, device):
    model.eval()
    correct = 0
    for images, labels in loader:
        correct += (model(images.to(device)).argmax(1) == labels.to(device)).sum().item()
    return correct / len(loader.dataset)


def main():
    args = get_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train_loader, test_loader = loaders(args)
    model = models.resnet18(num_classes=10).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=args.weight_decay)
    scheduler = CosineAnnealingLR(optimizer, T_max=args.epochs)
    for epoch in range(args.epochs):
        train_epoch(model, train_loader, optimizer, scheduler, device)
        print(epoch, scheduler.get_last_lr()[0], accuracy(model, test_loader, device))


if __name__ == "__main__":
    main()
