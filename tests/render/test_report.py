"""Reports made by hand, as the doctor would give them."""

from __future__ import annotations

import math

from lright.finding import Curve, Edit, FileReport, Finding, Fix, Related, Skipped
from lright.timeline import Place

SOURCE = """\
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR

EPOCHS = 90

optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)

for epoch in range(EPOCHS):
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        scheduler.step()

    validate(model)
"""

MENDED = SOURCE.replace("        scheduler.step()\n", "    scheduler.step()\n")


def cosine(end: float, t_max: float, label: str = "", ends: str = "hold") -> Curve:
    points = tuple(
        (end * i / 200, 0.05 + 0.05 * math.cos(math.pi * (end * i / 200) / t_max)) for i in range(201)
    )
    return Curve(points, "epoch", label, "optimizer", 0, "CosineAnnealingLR", ends)


FINDING = Finding(
    rule="LR101",
    slug="epoch-schedule-stepped-per-batch",
    severity="error",
    certainty="proven",
    place=Place(15, 9, 15, 25),
    message="CosineAnnealingLR is stepped 35,190 times, sized for 90: the LR reaches 0 after 0.23 epochs "
    "and then rises again, 195 times.",
    numbers={"ticks": 35190, "length": 90, "ratio": math.inf},
    covers=("LR201",),
    related=(Related(Place(7, 42, 7, 54), "T_max counts epochs"),),
    intended=cosine(90, 90),
    actual=cosine(90, 7.5, ends="rise"),
    unless=("train_loader has one batch",),
    fix=Fix(
        "move scheduler.step() behind the batch loop",
        False,
        (Edit((15, 1), (16, 1), ""), Edit((16, 1), (16, 1), "    scheduler.step()\n")),
        True,
        alternatives=("T_max=EPOCHS * len(train_loader)",),
    ),
)

INFO = Finding(
    "LR213", "zero-lr-start", "info", "likely", Place(7, 13, 7, 55), "The first update runs at LR 0.",
    conditions=("resume", "option:schedule=cosine"),
)  # fmt: skip

SKIPPED = (Skipped("LR206", "how many processes train is not known"), Skipped("LR401", "nothing is saved"))


def wrong(path: str = "train.py") -> FileReport:
    return FileReport(
        path,
        (FINDING, INFO),
        {"len(train_loader)": 391},
        ("len(train_loader)",),
        SKIPPED,
        (cosine(90, 7.5),),
        SOURCE,
    )


def clean(path: str = "train.py", findings: tuple[Finding, ...] = ()) -> FileReport:
    checked = (
        "1 optimizer, updated once per batch",
        "1 scheduler, stepped once per epoch, as long as the training",
    )
    return FileReport(path, findings, {}, (), (), (cosine(90, 90, "CosineAnnealingLR"),), MENDED, checked)
