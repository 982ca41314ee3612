"""An ensemble whose members come from elsewhere; one optimizer and one schedule for each."""
from contextlib import nullcontext
import torch, math
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
from torch.utils.data import DataLoader
from mt import Pairs, Ensemble

EPOCHS, BS = 30, 128
loader = DataLoader(Pairs("train"), batch_size=BS, shuffle=True, drop_last=True)
members = Ensemble(4).members
optims = [SGD(m.parameters(), lr=0.1, momentum=0.9) for m in members[:4]]
schedulers = [CosineAnnealingLR(o, T_max=EPOCHS * len(loader)) for o in optims]
amp = torch.autocast("cuda") if torch.cuda.is_available() else nullcontext()
for epoch in range(EPOCHS):
    for x, y in loader:
        for member, optimizer, scheduler in zip(members, optims, schedulers):
            with amp:
                loss = torch.nn.functional.cross_entropy(member(x), y)
            optimizer.zero_grad(); loss.backward(); optimizer.step(); scheduler.step()
