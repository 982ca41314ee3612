"""Encoder and head have an optimizer and a schedule each; both are ticked once an epoch."""
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 45
loader = DataLoader(TensorDataset(torch.randn(900, 12), torch.randint(0, 3, (900,))), batch_size=30, shuffle=True)
encoder, head = nn.Sequential(nn.Linear(12, 24), nn.ReLU()), nn.Linear(24, 3)
enc_opt = torch.optim.AdamW(encoder.parameters(), lr=1e-4)
head_opt = torch.optim.SGD(head.parameters(), lr=0.1, momentum=0.9)
enc_sched = CosineAnnealingLR(enc_opt, T_max=EPOCHS)
head_sched = StepLR(head_opt, step_size=15, gamma=0.1)
for epoch in range(EPOCHS):
    for x, y in loader:
        enc_opt.zero_grad()
        head_opt.zero_grad()
        nn.functional.cross_entropy(head(encoder(x)), y).backward()
        enc_opt.step()
        head_opt.step()
    enc_sched.step()
    head_sched.step()
