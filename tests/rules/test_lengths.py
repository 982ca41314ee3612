"""Lengths against trainings, in the many ways people write both: what is wrong is named, what is right passes."""

from __future__ import annotations

import pytest

from lright.doctor import Options, check_source
from lright.finding import INFO

HEAD = """\
import math, argparse, torch
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import *
from torch.utils.data import DataLoader, TensorDataset
p = argparse.ArgumentParser()
p.add_argument("--epochs", type=int, default=100)
p.add_argument("--lr", type=float, default=0.1)
p.add_argument("--max_steps", type=int, default=None)
p.add_argument("--accum", type=int, default=1)
p.add_argument("--warmup_epochs", type=int, default=5)
args = p.parse_args()
model = nn.Linear(10, 2)
train_set = TensorDataset(torch.randn(5003, 10)); val_set = TensorDataset(torch.randn(500, 10))
loader = DataLoader(train_set, batch_size=32, shuffle=True); val_loader = DataLoader(val_set, batch_size=32)
opt = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
def step(b):
    opt.zero_grad(); model(b).pow(2).mean().backward(); opt.step()
"""

# Correct scripts, as bodies after HEAD.
RIGHT = {
    "byhand": """\
warm = LinearLR(opt, start_factor=0.01, total_iters=args.warmup_epochs)
cos = CosineAnnealingLR(opt, T_max=args.epochs - args.warmup_epochs)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    if epoch < args.warmup_epochs: warm.step()
    else: cos.step()
""",
    "cosearlystop": """\
s = CosineAnnealingLR(opt, T_max=args.epochs)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    s.step()
    if epoch > 50 and torch.rand(1) > 0.9: break
""",
    "cyclegan": """\
n_epochs, offset, decay_start = 200, 0, 100
sched = LambdaLR(opt, lr_lambda=lambda e: 1.0 - max(0, e + offset - decay_start) / (n_epochs - decay_start))
for epoch in range(offset, n_epochs):
    for (b,) in loader: step(b)
    sched.step()
""",
    "cyclic": """\
s = CyclicLR(opt, base_lr=0.001, max_lr=0.1, step_size_up=2000, mode="triangular2")
for epoch in range(args.epochs):
    for (b,) in loader:
        step(b); s.step()
""",
    "ddp": """\
import torch.distributed as dist
from torch.utils.data import DistributedSampler
world = dist.get_world_size()
sam = DistributedSampler(train_set)
dl = DataLoader(train_set, batch_size=32 // world, sampler=sam)
s = CosineAnnealingLR(opt, T_max=args.epochs * len(dl))
for epoch in range(args.epochs):
    sam.set_epoch(epoch)
    for (b,) in dl:
        step(b); s.step()
""",
    "detection": """\
sched = MultiStepLR(opt, milestones=[60, 80], gamma=0.1)
for epoch in range(args.epochs):
    w = None
    if epoch == 0:
        w = torch.optim.lr_scheduler.LinearLR(opt, start_factor=1/1000, total_iters=min(1000, len(loader) - 1))
    for (b,) in loader:
        step(b)
        if w is not None: w.step()
    sched.step()
""",
    "exp": """\
s = ExponentialLR(opt, gamma=0.99)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    s.step()
""",
    "finder": """\
def lr_find(model, loader, start=1e-7, end=10, num=100):
    o = torch.optim.SGD(model.parameters(), lr=start)
    s = LambdaLR(o, lambda i: (end / start) ** (i / num))
    it = iter(loader)
    for i in range(num):
        (b,) = next(it)
        o.zero_grad(); model(b).pow(2).mean().backward(); o.step(); s.step()
def lr_find2(model, loader, start=1e-7, end=10, num=100):
    o = torch.optim.SGD(model.parameters(), lr=start)
    s = ExponentialLR(o, gamma=(end / start) ** (1 / num))
    for i, (b,) in enumerate(loader):
        o.zero_grad(); model(b).pow(2).mean().backward(); o.step(); s.step()
        if i >= num: break
lr_find(model, loader); lr_find2(model, loader)
""",
    "floorlen": """\
per = len(train_set) // 32
s = CosineAnnealingLR(opt, T_max=args.epochs * per)
for epoch in range(args.epochs):
    for (b,) in loader:
        step(b); s.step()
""",
    "from1": """\
sched = CosineAnnealingLR(opt, T_max=args.epochs, eta_min=1e-5)
for epoch in range(1, args.epochs + 1):
    for (b,) in loader: step(b)
    sched.step()
""",
    "from1b": """\
sched = CosineAnnealingLR(opt, T_max=args.epochs)
for epoch in range(1, args.epochs):
    for (b,) in loader: step(b)
    sched.step()
""",
    "hfmax": """\
from transformers import get_scheduler
per = math.ceil(len(loader) / args.accum)
if args.max_steps is None:
    args.max_steps = args.epochs * per
else:
    args.epochs = math.ceil(args.max_steps / per)
sched = get_scheduler("linear", optimizer=opt, num_warmup_steps=100, num_training_steps=args.max_steps)
done = 0
for epoch in range(args.epochs):
    for i, (b,) in enumerate(loader):
        (model(b).pow(2).mean() / args.accum).backward()
        if i % args.accum == 0 or i == len(loader) - 1:
            opt.step(); sched.step(); opt.zero_grad()
            done += 1
        if done >= args.max_steps: break
""",
    "inverse": """\
s = LambdaLR(opt, lambda e: 1 / (1 + 0.05 * e))
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    s.step()
""",
    "iters": """\
max_iter = 30000
sched = PolynomialLR(opt, total_iters=max_iter, power=0.9)
it = iter(loader)
for i in range(max_iter):
    try: (b,) = next(it)
    except StopIteration:
        it = iter(loader); (b,) = next(it)
    step(b); sched.step()
""",
    "iterswhile": """\
max_iter = 30000
sched = LambdaLR(opt, lambda i: (1 - i / max_iter) ** 0.9)
i = 0
while i < max_iter:
    for (b,) in loader:
        step(b); sched.step()
        i += 1
        if i >= max_iter: break
""",
    "noam": """\
warmup = 4000
sched = LambdaLR(opt, lambda s: 512 ** -0.5 * min((s + 1) ** -0.5, (s + 1) * warmup ** -1.5))
for epoch in range(args.epochs):
    for (b,) in loader:
        step(b); sched.step()
""",
    "pix2pix": """\
n_epochs, n_decay, epoch_count = 100, 100, 1
def rule(epoch):
    return 1.0 - max(0, epoch + epoch_count - n_epochs) / float(n_decay + 1)
sched = lr_scheduler.LambdaLR(opt, lr_lambda=rule)
for epoch in range(epoch_count, n_epochs + n_decay + 1):
    for (b,) in loader: step(b)
    sched.step()
""",
    "plateau": """\
s = ReduceLROnPlateau(opt, patience=5)
best, bad = 1e9, 0
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    with torch.no_grad():
        v = sum(model(b).pow(2).mean().item() for (b,) in val_loader)
    s.step(v)
    if v < best: best, bad = v, 0
    else: bad += 1
    if bad > 15: break
""",
    "pw": """\
def pw(epoch):
    if epoch < 5: return (epoch + 1) / 5
    if epoch < 60: return 1.0
    if epoch < 80: return 0.1
    return 0.01
s = LambdaLR(opt, pw)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    s.step()
""",
    "stages": """\
def fit(params, lr, epochs):
    o = torch.optim.AdamW(params, lr=lr)
    s = OneCycleLR(o, max_lr=lr, epochs=epochs, steps_per_epoch=len(loader))
    for epoch in range(epochs):
        for (b,) in loader:
            o.zero_grad(); model(b).pow(2).mean().backward(); o.step(); s.step()
fit(model.parameters(), 1e-3, 5)
fit(model.parameters(), 1e-4, 20)
""",
    "stages2": """\
o = torch.optim.AdamW(model.parameters(), lr=1e-3)
s = CosineAnnealingLR(o, T_max=5)
for epoch in range(5):
    for (b,) in loader:
        o.zero_grad(); model(b).pow(2).mean().backward(); o.step()
    s.step()
o = torch.optim.AdamW(model.parameters(), lr=1e-4)
s = CosineAnnealingLR(o, T_max=20)
for epoch in range(20):
    for (b,) in loader:
        o.zero_grad(); model(b).pow(2).mean().backward(); o.step()
    s.step()
""",
    "swa": """\
from torch.optim.swa_utils import AveragedModel, SWALR
swa_model = AveragedModel(model)
s = CosineAnnealingLR(opt, T_max=75)
swa = SWALR(opt, swa_lr=0.05)
for epoch in range(100):
    for (b,) in loader: step(b)
    if epoch > 75:
        swa_model.update_parameters(model); swa.step()
    else:
        s.step()
""",
    "warmcosfloor": """\
total, warm = args.epochs * len(loader), 500
def f(t):
    if t < warm: return t / max(1, warm)
    progress = (t - warm) / max(1, total - warm)
    return max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))
s = LambdaLR(opt, f)
for epoch in range(args.epochs):
    for (b,) in loader:
        step(b); s.step()
""",
    "wsd": """\
total = args.epochs * len(loader)
s = SequentialLR(
    opt,
    [LinearLR(opt, 0.01, total_iters=500), ConstantLR(opt, factor=1.0), LinearLR(opt, 1.0, 0.01, total_iters=2000)],
    milestones=[500, total - 2000],
)
for epoch in range(args.epochs):
    for (b,) in loader:
        step(b); s.step()
""",
    "yolo": """\
lf = lambda x: ((1 - math.cos(x * math.pi / args.epochs)) / 2) * (0.01 - 1) + 1
sched = LambdaLR(opt, lr_lambda=lf)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    sched.step()
""",
    "yololin": """\
lf = lambda x: max(1 - x / args.epochs, 0) * (1.0 - 0.01) + 0.01
sched = LambdaLR(opt, lr_lambda=lf)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    sched.step()
""",
}

# Wrong ones, each with the rule that is to name it.
WRONG = {
    ("accum", "LR205"): """\
from transformers import get_linear_schedule_with_warmup
GA = 4
warm = int(0.1 * len(loader) * args.epochs)
s = get_linear_schedule_with_warmup(opt, num_warmup_steps=warm, num_training_steps=len(loader) * args.epochs)
for epoch in range(args.epochs):
    for i, (b,) in enumerate(loader):
        (model(b).pow(2).mean() / GA).backward()
        if (i + 1) % GA == 0:
            opt.step(); s.step(); opt.zero_grad()
""",
    ("accumopt", "LR205"): """\
s = OneCycleLR(opt, max_lr=args.lr, epochs=args.epochs, steps_per_epoch=len(loader))
for epoch in range(args.epochs):
    for i, (b,) in enumerate(loader):
        (model(b).pow(2).mean() / args.accum).backward()
        if (i + 1) % args.accum == 0:
            opt.step(); opt.zero_grad(); s.step()
""",
    ("chainwarm", "LR210"): """\
s1 = LinearLR(opt, start_factor=0.1)
s2 = CosineAnnealingLR(opt, T_max=args.epochs - 20)
s = SequentialLR(opt, [s1, s2], milestones=[20])
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    s.step()
""",
    ("cosbyhand", "LR209"): """\
warm = LinearLR(opt, start_factor=0.01, total_iters=10)
cos = CosineAnnealingLR(opt, T_max=args.epochs)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    if epoch < 10: warm.step()
    else: cos.step()
""",
    ("cosvals", "LR201"): """\
s = CosineAnnealingLR(opt, 50)
def train():
    for (b,) in loader: step(b)
def main():
    for epoch in range(1, args.epochs + 1):
        train()
        s.step()
if __name__ == "__main__": main()
""",
    ("ddp", "LR206"): """\
import torch.distributed as dist
from torch.utils.data import DistributedSampler
sam = DistributedSampler(train_set)
dl = DataLoader(train_set, batch_size=32, sampler=sam)
s = OneCycleLR(opt, max_lr=0.1, total_steps=args.epochs * math.ceil(len(train_set) / 32))
for epoch in range(args.epochs):
    sam.set_epoch(epoch)
    for (b,) in dl:
        step(b); s.step()
""",
    ("etamin", "LR212"): """\
o = torch.optim.Adam(model.parameters(), lr=1e-4)
s = CosineAnnealingLR(o, T_max=args.epochs, eta_min=1e-4)
for epoch in range(args.epochs):
    for (b,) in loader:
        o.zero_grad(); model(b).pow(2).mean().backward(); o.step()
    s.step()
""",
    ("fold", "LR202"): """\
from sklearn.model_selection import KFold
for fold, (tr, va) in enumerate(KFold(5).split(range(5000))):
    m = nn.Linear(10, 2)
    o = torch.optim.Adam(m.parameters(), lr=1e-3)
    s = CosineAnnealingLR(o, T_max=500)
    dl = DataLoader(torch.utils.data.Subset(train_set, tr), batch_size=32)
    for epoch in range(20):
        for (b,) in dl:
            o.zero_grad(); m(b).sum().backward(); o.step()
        s.step()
""",
    ("hfepoch", "LR202"): """\
from transformers import get_linear_schedule_with_warmup
total = len(loader) * args.epochs * 10
s = get_linear_schedule_with_warmup(opt, 100, total)
for epoch in range(args.epochs):
    for (b,) in loader:
        step(b); s.step()
""",
    ("iterstep", "LR202"): """\
max_iter = 20000
s = CosineAnnealingLR(opt, T_max=max_iter * 2)
it = iter(loader)
for i in range(max_iter):
    (b,) = next(it)
    step(b); s.step()
""",
    ("lambdacos", "LR201"): """\
def f(e):
    if e < 5: return (e + 1) / 5
    return 0.5 * (1 + math.cos(math.pi * (e - 5) / (50 - 5)))
s = LambdaLR(opt, f)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    s.step()
""",
    ("lambdalin", "LR202"): """\
s = LambdaLR(opt, lambda e: 1 - e / 300)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    s.step()
""",
    ("lambdapoly", "LR217"): """\
max_iter = 10000
def poly(it, power=0.9): return (1 - it / max_iter) ** power
s = LambdaLR(opt, poly)
for epoch in range(args.epochs):
    for (b,) in loader:
        step(b); s.step()
""",
    ("milestones", "LR204"): """\
s = MultiStepLR(opt, milestones=[150, 225], gamma=0.1)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    s.step()
""",
    ("onecyc_plus1", "LR203"): """\
s = OneCycleLR(opt, max_lr=args.lr, total_steps=args.epochs * len(loader) - 1)
for epoch in range(args.epochs):
    for (b,) in loader:
        step(b); s.step()
""",
    ("onecyc_warm", "LR203"): """\
s = OneCycleLR(opt, max_lr=args.lr, total_steps=args.epochs)
for epoch in range(args.epochs + 20):
    for (b,) in loader: step(b)
    s.step()
""",
    ("timm", "LR201"): """\
from timm.scheduler import CosineLRScheduler
s = CosineLRScheduler(opt, t_initial=30, warmup_t=5, warmup_lr_init=1e-5, lr_min=1e-6)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    s.step(epoch + 1)
""",
    ("warmpos", "LR208"): """\
from transformers import get_cosine_schedule_with_warmup
s = get_cosine_schedule_with_warmup(opt, 10000, args.epochs * len(loader))
for epoch in range(args.epochs):
    for (b,) in loader:
        step(b); s.step()
""",
    ("wrongloader", "LR207"): """\
s = OneCycleLR(opt, max_lr=0.1, steps_per_epoch=len(val_loader), epochs=args.epochs)
for epoch in range(args.epochs):
    for (b,) in loader:
        step(b); s.step()
    with torch.no_grad():
        for (b,) in val_loader: model(b)
""",
    ("zerolr", "LR213"): """\
s = LambdaLR(
    opt, lambda e: e / 10 if e < 10 else 0.5 * (1 + math.cos(math.pi * (e - 10) / (args.epochs - 10)))
)
for epoch in range(args.epochs):
    for (b,) in loader: step(b)
    s.step()
""",
}


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_right_scripts_pass(name: str) -> None:
    found = check_source(HEAD + RIGHT[name], "train.py", Options(fixes=False)).findings
    assert [f"{f.rule} {f.message}" for f in found if f.severity != INFO] == []


@pytest.mark.parametrize(("name", "rule"), sorted(WRONG))
def test_wrong_scripts_are_named_once(name: str, rule: str) -> None:
    found = check_source(HEAD + WRONG[name, rule], "train.py", Options(fixes=False)).findings
    assert [f.rule for f in found if f.severity != INFO] == [rule]
