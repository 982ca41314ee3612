"""DistributedDataParallel over gloo, as torchrun starts it."""
import torch
from torch import nn

torch.distributed.init_process_group("gloo")
rank = torch.distributed.get_rank()
torch.manual_seed(rank)
model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 5)))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
torch.manual_seed(0)
x = torch.randn(2048, 20)
y = (x @ torch.randn(20, 5)).argmax(1)
torch.manual_seed(100 + rank)
for _ in range(3000):
    pick = torch.randint(0, 2048, (32,))
    loss = nn.functional.cross_entropy(model(x[pick]), y[pick])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
