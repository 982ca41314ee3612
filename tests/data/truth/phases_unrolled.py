# curves: 1
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset

model = nn.Linear(4, 1)
loaders = {
    "train": DataLoader(TensorDataset(torch.randn(22, 4), torch.randn(22, 1)), batch_size=4),
    "val": DataLoader(TensorDataset(torch.randn(9, 4), torch.randn(9, 1)), batch_size=4),
}
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
scheduler = lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.3)
for epoch in range(7):
    for phase in ["train", "val"]:
        if phase == "train":
            model.train()
        else:
            model.eval()
        for x, y in loaders[phase]:
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                loss = (model(x) - y).pow(2).mean()
                if phase == "train":
                    loss.backward()
                    optimizer.step()
        if phase == "train":
            scheduler.step()
