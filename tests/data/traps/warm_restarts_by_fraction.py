import torch
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from speech import Encoder, make_loader

epochs = 70
loader = make_loader("train")
iters = len(loader)
model = Encoder()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=10, T_mult=2, eta_min=1e-5)
for epoch in range(epochs):
    for i, batch in enumerate(loader):
        optimizer.zero_grad()
        loss = model(batch)
        loss.backward()
        optimizer.step()
        scheduler.step(epoch + i / iters)
