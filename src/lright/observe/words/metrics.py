"""What curves are called, by the tags of their phrases."""

from __future__ import annotations

METRICS = {
    "VALLOSS": "val loss", "TRAINLOSS": "train loss", "LOSS": "loss", "VALACC": "accuracy", "TRAINACC": "accuracy",
    "ACC": "accuracy",
}  # fmt: skip
