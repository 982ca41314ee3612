"""A model and a metric: no training."""
import torch
import torch.nn as nn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        return x + self.mlp(self.norm(x))


def accuracy(logits, labels):
    return (logits.argmax(-1) == labels).float().mean()


if __name__ == "__main__":
    print(Block(32)(torch.randn(2, 5, 32)).shape)
