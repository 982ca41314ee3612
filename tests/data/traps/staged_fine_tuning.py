"""Two stages, each with an optimizer and a schedule of its own; the names are used again."""
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torchvision.models import resnet18

from vision import loaders

HEAD_EPOCHS, FULL_EPOCHS = 5, 20
train_loader, _ = loaders()
model = resnet18(weights="DEFAULT")
model.fc = nn.Linear(512, 10)


def run(epochs, optimizer, scheduler):
    for _ in range(epochs):
        for x, y in train_loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        scheduler.step()


for parameter in model.parameters():
    parameter.requires_grad = False
for parameter in model.fc.parameters():
    parameter.requires_grad = True
optimizer = torch.optim.Adam(model.fc.parameters(), lr=1e-3)
scheduler = CosineAnnealingLR(optimizer, T_max=HEAD_EPOCHS)
run(HEAD_EPOCHS, optimizer, scheduler)

for parameter in model.parameters():
    parameter.requires_grad = True
optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
scheduler = CosineAnnealingLR(optimizer, T_max=FULL_EPOCHS)
run(FULL_EPOCHS, optimizer, scheduler)
