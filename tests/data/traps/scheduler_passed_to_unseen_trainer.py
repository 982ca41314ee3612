import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

from engine import Engine
from models import build_model

model = build_model("resnet50")
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = CosineAnnealingLR(optimizer, T_max=90)
engine = Engine(model=model, optimizer=optimizer, lr_scheduler=scheduler, epochs=90)
engine.run()
