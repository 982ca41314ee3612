import torch
import torch.nn as nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, TensorDataset

epochs = 60
train_set = TensorDataset(torch.randn(2000, 20), torch.randint(0, 4, (2000,)))
loader = DataLoader(train_set, batch_size=50, shuffle=True)
net = nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Linear(50, 4))
opt = torch.optim.AdamW(net.parameters(), lr=3e-4)
# one tick an epoch, so the cycle is counted in epochs
sched = OneCycleLR(opt, max_lr=3e-3, total_steps=epochs)

for epoch in range(epochs):
    for x, y in loader:
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
    sched.step()
