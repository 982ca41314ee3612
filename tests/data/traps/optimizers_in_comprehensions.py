"""Three networks, each with an optimizer and a schedule from a comprehension."""
import torch
from torch.optim.lr_scheduler import StepLR, ExponentialLR
from torch.utils.data import DataLoader
from models import Encoder, Decoder, Head
import data as D

enc, dec, head = Encoder(), Decoder(), Head()
nets = [enc, dec, head]
opts = [torch.optim.Adam(n.parameters(), lr=lr) for n, lr in zip(nets, (1e-3, 1e-3, 3e-4))]
scheds = [StepLR(o, step_size=20, gamma=0.5) for o in opts]
dl = DataLoader(D.Train(), 32, shuffle=True)

def train_one(epoch):
    tot = 0.
    for b in dl:
        for o in opts:
            o.zero_grad()
        h = enc(b["x"])
        loss = (dec(h) - b["x"]).pow(2).mean() + head(h, b["y"])
        loss.backward()
        for o in opts:
            o.step()
        tot += loss.item()
    return tot / len(dl)

for epoch in range(80):
    l = train_one(epoch)
    for s in scheds:
        s.step()
    print(epoch, l, [s.get_last_lr()[0] for s in scheds])
torch.save([n.state_dict() for n in nets], "nets.pt")
