"""Forms seen in vision training scripts, in our own words: what the reader makes of them."""

from __future__ import annotations

import pytest

from lright.doctor import check_source

STEPS = """\
import torch
from data import Net, endless
epochs, iters_per_epoch = 60, 500
net, batches = Net(), iter(endless())
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max={length})
for epoch in range(epochs):
    for step in range(iters_per_epoch):
        optimizer.zero_grad()
        net(next(batches)).backward()
        optimizer.step()
        {inner}
    {outer}
"""

LISTS = """\
import numpy as np
import torch
from data import Net, loader, val_loader
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
for epoch in range(50):
    model.train()
    losses, measured = [], []
    for x in loader:
        optimizer.zero_grad()
        loss = model(x)
        loss.backward()
        optimizer.step()
        losses.append({item})
    model.eval()
    with torch.no_grad():
        for x in val_loader:
            measured.append(model(x).item())
    scheduler.step(np.mean({fed}))
"""

REFUSES = """\
import argparse
import torch
from data import get_loader
from model import Net
parser = argparse.ArgumentParser()
parser.add_argument("--dataset")
args = parser.parse_args()
if args.dataset == "small":
    classes = 10
elif args.dataset == "large":
    classes = 100
else:
    {refusal}
loader, net = get_loader(args.dataset), Net(classes)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 30)
for epoch in range(90):
    for x in loader:
        optimizer.zero_grad()
        net(x).backward()
        optimizer.step()
        scheduler.step()
"""


def found(source: str) -> list[str]:
    report = check_source(source, "train.py")
    return [finding.rule for finding in report.findings if finding.severity != "info"]


@pytest.mark.parametrize(
    ("length", "inner", "outer", "rules"),
    [
        ("epochs", "scheduler.step()", "pass", ["LR101"]),
        ("epochs", "pass", "scheduler.step()", []),
        ("epochs * iters_per_epoch", "scheduler.step()", "pass", []),
        ("epochs * iters_per_epoch", "pass", "scheduler.step()", ["LR102"]),
    ],
)
def test_range_of_steps_per_epoch_counts_batches(length: str, inner: str, outer: str, rules: list[str]) -> None:
    assert found(STEPS.format(length=length, inner=inner, outer=outer)) == rules


@pytest.mark.parametrize("item", ["loss.item()", "float(loss)"])
@pytest.mark.parametrize(("fed", "rules"), [("losses", ["LR113"]), ("measured", [])])
def test_losses_in_lists_keep_their_phase(item: str, fed: str, rules: list[str]) -> None:
    assert found(LISTS.format(item=item, fed=fed)) == rules


@pytest.mark.parametrize("refusal", ["raise ValueError(args.dataset)", "parser.error('which?')", "exit('which?')"])
def test_a_default_that_is_refused_hides_nothing(refusal: str) -> None:
    assert found(REFUSES.format(refusal=refusal)) == ["LR101"]
