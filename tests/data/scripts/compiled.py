"""A compiled model, a compiled optimizer step with a tensor for a learning rate."""
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(1e-3), capturable=False, foreach=False)
run = torch.compile(model, backend="eager")


@torch.compile(backend="eager")
def step():
    optimizer.step()


x = torch.randn(1024, 16)
y = (x @ torch.randn(16, 4)).argmax(1)
for _ in range(5000):
    pick = torch.randint(0, 1024, (64,))
    loss = nn.functional.cross_entropy(run(x[pick]), y[pick])
    optimizer.zero_grad()
    loss.backward()
    step()
