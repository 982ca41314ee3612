"""AMP: the schedule goes on only when the scaler has not skipped the update."""
import re
import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR, LambdaLR
from torch.utils.data import DataLoader
import torchaudio
from lid import Voxlingua, Wav2VecClassifier

args = {"epochs": 8, "head_lr": 1e-3, "backbone_lr": 1e-5, "bsz": 16, "llrd": 0.9}
model = Wav2VecClassifier(n_classes=107)

def param_groups(model):
    head = [p for n, p in model.named_parameters() if n.startswith("head")]
    body = [p for n, p in model.named_parameters() if not n.startswith("head")]
    return [{"params": head, "lr": args["head_lr"], "name": "head"}, {"params": body, "lr": args["backbone_lr"], "name": "body"}]

optimizer = AdamW(param_groups(model), weight_decay=0.01)
train_loader = DataLoader(Voxlingua("train"), batch_size=args["bsz"], shuffle=True, num_workers=8, pin_memory=True)
num_steps = args["epochs"] * len(train_loader)
scheduler = OneCycleLR(optimizer, max_lr=[args["head_lr"], args["backbone_lr"]], total_steps=num_steps, pct_start=0.1)
scaler = torch.amp.GradScaler("cuda")

for epoch in range(args["epochs"]):
    for wav, label in train_loader:
        with torch.autocast("cuda", dtype=torch.float16):
            logits = model(wav.cuda())
            loss = nn.functional.cross_entropy(logits, label.cuda())
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scale = scaler.get_scale()
        scaler.step(optimizer)
        scaler.update()
        if scale <= scaler.get_scale():
            scheduler.step()
    torch.save({"model": model.state_dict(), "args": args}, f"lid_{epoch}.pt")
