"""Settings in YAML inside the script, classes looked up by their names."""
import yaml
import torch
from torch import nn, optim
from torch.utils.data import DataLoader
from data import make_dataset

CONFIG = """
run: {epochs: 40, batch_size: 128, seed: 1}
optimizer:
  name: AdamW
  params: {lr: 0.001, weight_decay: 0.05}
scheduler:
  name: CosineAnnealingLR
  params: {T_max: 40, eta_min: 1.0e-06}
"""

cfg = yaml.safe_load(CONFIG)
torch.manual_seed(cfg["run"]["seed"])
train_dl = DataLoader(make_dataset("train"), batch_size=cfg["run"]["batch_size"], shuffle=True)
valid_dl = DataLoader(make_dataset("valid"), batch_size=cfg["run"]["batch_size"] * 2)
model = nn.Linear(32, 4)
opt = getattr(optim, cfg["optimizer"]["name"])(model.parameters(), **cfg["optimizer"]["params"])
sch = getattr(optim.lr_scheduler, cfg["scheduler"]["name"])(opt, **cfg["scheduler"]["params"])
crit = nn.CrossEntropyLoss()

for epoch in range(1, cfg["run"]["epochs"] + 1):
    model.train()
    running = 0.
    for xb, yb in train_dl:
        opt.zero_grad()
        out = model(xb)
        loss = crit(out, yb)
        loss.backward()
        opt.step()
        running += loss.item() * len(xb)
    model.eval()
    with torch.inference_mode():
        hits = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in valid_dl)
    sch.step()
    print(f"{epoch:03d} {running / len(train_dl.dataset):.4f} {hits / len(valid_dl.dataset):.2%}")
