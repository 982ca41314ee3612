"""Code around a training loop that has nothing to do with the learning rate, as real projects have it."""

from __future__ import annotations

import ast
import random
import re

_SNIPPETS = '''\
import random
import numpy as np

def set_seed(seed: int = 1234) -> None:
    """Make a run repeatable, as far as the kernels allow."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)
=====
class AverageMeter:
    """Running mean of a number that comes with weights."""

    def __init__(self, name):
        self.name = name
        self.reset()

    def reset(self):
        self.total = 0.0
        self.count = 0

    def update(self, value, n=1):
        self.total += value * n
        self.count += n

    @property
    def mean(self):
        return self.total / max(self.count, 1)

    def __str__(self):
        return f"{self.name}={self.mean:.4f}"
=====
import logging

def get_logger(name, level=logging.INFO):
    log = logging.getLogger(name)
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
    log.setLevel(level)
    return log
=====
def count_parameters(module):
    trainable = sum(p.numel() for p in module.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in module.parameters() if not p.requires_grad)
    return {"trainable": trainable, "frozen": frozen}
=====
def topk_accuracy(output, target, topk=(1, 5)):
    """Share of the samples whose label is among the k highest scores, for several k."""
    maxk = max(topk)
    size = target.size(0)
    _, pred = output.topk(maxk, 1, True, True)
    hits = pred.t().eq(target.view(1, -1).expand(maxk, size))
    return [hits[:k].reshape(-1).float().sum().item() / size for k in topk]
=====
import json
import time
from pathlib import Path

class RunFolder:
    """Where a run leaves its files."""

    def __init__(self, root="runs", tag=""):
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.path = Path(root) / f"{stamp}{'-' + tag if tag else ''}"

    def create(self):
        self.path.mkdir(parents=True, exist_ok=True)
        return self

    def write_json(self, name, content):
        with open(self.path / name, "w") as handle:
            json.dump(content, handle, indent=2, sort_keys=True)

    def append_row(self, name, row):
        with open(self.path / name, "a") as handle:
            handle.write(json.dumps(row) + "\\n")
=====
def plot_history(history, path="history.png"):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    axes[0].plot(history["train_loss"], label="train")
    axes[0].plot(history["val_loss"], label="val")
    axes[0].set_xlabel("epoch")
    axes[0].legend()
    axes[1].plot(history["val_acc"])
    axes[1].set_ylabel("accuracy")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
=====
class ConvBlock(torch.nn.Module):
    def __init__(self, c_in, c_out, kernel=3, stride=1):
        super().__init__()
        self.conv = torch.nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = torch.nn.BatchNorm2d(c_out)
        self.act = torch.nn.ReLU(inplace=True)

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))
=====
class ResidualBlock(torch.nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, width, dropout=0.0):
        super().__init__()
        self.first = torch.nn.Conv2d(width, width, 3, padding=1)
        self.second = torch.nn.Conv2d(width, width, 3, padding=1)
        self.drop = torch.nn.Dropout2d(dropout)

    def forward(self, x):
        hidden = torch.relu(self.first(x))
        hidden = self.drop(hidden)
        return torch.relu(x + self.second(hidden))
=====
def init_weights(module):
    if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
        torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            torch.nn.init.zeros_(module.bias)
=====
def confusion_matrix(predictions, references, classes):
    matrix = torch.zeros(classes, classes, dtype=torch.long)
    for p, r in zip(predictions.view(-1), references.view(-1)):
        matrix[r.long(), p.long()] += 1
    return matrix


def per_class_recall(matrix):
    return (matrix.diag().float() / matrix.sum(1).clamp(min=1)).tolist()
=====
import csv

def read_table(path, delimiter=","):
    """Rows of a CSV file as dicts; empty cells are None."""
    with open(path, newline="") as handle:
        reader = csv.DictReader(handle, delimiter=delimiter)
        return [{key: value or None for key, value in row.items()} for row in reader]
=====
class Normalize:
    def __init__(self, mean, std):
        self.mean = torch.tensor(mean).view(-1, 1, 1)
        self.std = torch.tensor(std).view(-1, 1, 1)

    def __call__(self, image):
        return (image - self.mean) / self.std


class RandomShift:
    """Shift an image by up to n pixels, filling with zeros."""

    def __init__(self, n=4):
        self.n = n

    def __call__(self, image):
        padded = torch.nn.functional.pad(image, [self.n] * 4)
        top = int(torch.randint(0, 2 * self.n + 1, (1,)))
        left = int(torch.randint(0, 2 * self.n + 1, (1,)))
        return padded[:, top : top + image.shape[1], left : left + image.shape[2]]
=====
def mixup(inputs, labels, alpha=0.2, classes=10):
    lam = torch.distributions.Beta(alpha, alpha).sample().item()
    order = torch.randperm(inputs.size(0))
    one_hot = torch.nn.functional.one_hot(labels, classes).float()
    mixed = lam * inputs + (1 - lam) * inputs[order]
    return mixed, lam * one_hot + (1 - lam) * one_hot[order]
=====
class LabelSmoothing(torch.nn.Module):
    def __init__(self, smoothing=0.1):
        super().__init__()
        self.smoothing = smoothing

    def forward(self, logits, target):
        log_probs = torch.log_softmax(logits, dim=-1)
        nll = -log_probs.gather(dim=-1, index=target.unsqueeze(1)).squeeze(1)
        return ((1 - self.smoothing) * nll - self.smoothing * log_probs.mean(dim=-1)).mean()
=====
import os
import shutil

def keep_newest(folder, keep=3, suffix=".pt"):
    """Delete all but the newest few files of a folder."""
    names = [name for name in os.listdir(folder) if name.endswith(suffix)]
    paths = sorted((os.path.join(folder, name) for name in names), key=os.path.getmtime)
    for path in paths[:-keep]:
        os.remove(path)


def copy_best(path, folder):
    shutil.copyfile(path, os.path.join(folder, "best.pt"))
=====
import time

class Stopwatch:
    def __init__(self):
        self.begin = time.perf_counter()
        self.laps = []

    def lap(self):
        now = time.perf_counter()
        self.laps.append(now - self.begin)
        self.begin = now
        return self.laps[-1]

    def per_lap(self):
        return sum(self.laps) / max(len(self.laps), 1)
=====
def describe_batch(images, labels):
    """One line about a batch, to see that the data is what it should be."""
    return (
        f"images {tuple(images.shape)} {images.dtype} "
        f"min {images.min().item():.3f} max {images.max().item():.3f}, "
        f"labels {labels.unique().tolist()[:10]}"
    )
=====
class Attention(torch.nn.Module):
    def __init__(self, width, heads=4):
        super().__init__()
        self.heads = heads
        self.qkv = torch.nn.Linear(width, 3 * width)
        self.out = torch.nn.Linear(width, width)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / (d // self.heads) ** 0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(b, n, d))
=====
import hashlib

def fingerprint(*parts):
    """A short name for a configuration."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(repr(part).encode())
    return digest.hexdigest()[:10]
=====
def export_onnx(module, example, path="model.onnx"):
    module.eval()
    torch.onnx.export(
        module,
        example,
        path,
        input_names=["input"],
        output_names=["scores"],
        dynamic_axes={"input": {0: "batch"}, "scores": {0: "batch"}},
    )
=====
def predict(module, inputs, chunk=256):
    """Class scores for many inputs, chunk by chunk."""
    module.eval()
    outputs = []
    with torch.no_grad():
        for piece in inputs.split(chunk):
            outputs.append(module(piece).softmax(-1).cpu())
    return torch.cat(outputs)
=====
class Vocabulary:
    """Words to numbers and back."""

    def __init__(self, words=()):
        self.words = ["<pad>", "<unk>"]
        self.numbers = {"<pad>": 0, "<unk>": 1}
        for word in words:
            self.add(word)

    def add(self, word):
        if word not in self.numbers:
            self.numbers[word] = len(self.words)
            self.words.append(word)
        return self.numbers[word]

    def encode(self, text):
        return [self.numbers.get(word, 1) for word in text.lower().split()]

    def decode(self, numbers):
        return " ".join(self.words[n] for n in numbers)
=====
def split_indices(n, share=0.1, seed=0):
    """Indices for training and validation, without overlap."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).tolist()
    cut = int(n * share)
    return order[cut:], order[:cut]
=====
def grad_norm(parameters):
    norms = [p.grad.detach().norm() for p in parameters if p.grad is not None]
    return torch.stack(norms).norm().item() if norms else 0.0
=====
def human(number):
    for unit in ("", "k", "M", "G"):
        if abs(number) < 1000:
            return f"{number:.1f}{unit}"
        number /= 1000
    return f"{number:.1f}T"
=====
class MLPHead(torch.nn.Module):
    def __init__(self, width, hidden, classes, dropout=0.1):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.LayerNorm(width),
            torch.nn.Linear(width, hidden),
            torch.nn.GELU(),
            torch.nn.Dropout(dropout),
            torch.nn.Linear(hidden, classes),
        )

    def forward(self, x):
        return self.layers(x.mean(dim=1) if x.dim() == 3 else x)
=====
class Ema:
    """A moving average of the weights, for evaluation."""

    def __init__(self, module, decay=0.999):
        self.decay = decay
        self.shadow = {name: value.detach().clone() for name, value in module.state_dict().items()}

    def absorb(self, module):
        for name, value in module.state_dict().items():
            if value.dtype.is_floating_point:
                self.shadow[name].mul_(self.decay).add_(value.detach(), alpha=1 - self.decay)
            else:
                self.shadow[name] = value
=====
def bootstrap_interval(values, rounds=1000, level=0.95, seed=0):
    """An interval for the mean, by drawing again."""
    generator = torch.Generator().manual_seed(seed)
    data = torch.tensor(values, dtype=torch.float64)
    picks = torch.randint(0, len(data), (rounds, len(data)), generator=generator)
    means = data[picks].mean(1).sort().values
    low = int((1 - level) / 2 * rounds)
    return means[low].item(), means[rounds - 1 - low].item()
'''
SNIPPETS = tuple(_SNIPPETS.split("=====\n"))


def padded(texts: tuple[str, ...], lines: int, rng: random.Random) -> tuple[str, ...]:
    """Versions of a script with the same unrelated code after their imports, until the first has so many lines."""
    block = _block(texts, lines - len(texts[0].splitlines()), rng)
    return tuple(_inserted(text, *block) for text in texts) if block[1] else texts


def _block(texts: tuple[str, ...], wanted: int, rng: random.Random) -> tuple[list[str], str]:
    """Imports and definitions of about so many lines whose names no version uses."""
    order = list(SNIPPETS)
    rng.shuffle(order)
    imports: list[str] = []
    parts: list[str] = []
    for snippet in order:
        if wanted < 6:
            break
        tree = ast.parse(snippet)
        names = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        if any(re.search(rf"\b{name}\b", text) for name in names for text in texts):
            continue
        heads = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        first = next(node for node in tree.body if not isinstance(node, (ast.Import, ast.ImportFrom)))
        body = "\n".join(snippet.splitlines()[first.lineno - 1 :]).strip("\n")
        imports += [line for node in heads if (line := ast.unparse(node)) not in imports]
        parts.append(body)
        wanted -= len(body.splitlines()) + len(heads) + 2
    return imports, "\n\n\n".join(parts)


def _inserted(text: str, imports: list[str], block: str) -> str:
    """A script with the block between its imports and the rest."""
    tree = ast.parse(text)
    heads = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    end = 0
    for node in tree.body:  # the imports at the head, after a docstring
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (node in heads or docstring):
            break
        end = node.end_lineno or node.lineno
    lines = text.splitlines()
    have = {ast.unparse(node) for node in heads}
    new = [line for line in imports if line not in have]
    if not any(line == "import torch" for line in have):
        new.append("import torch")
    rest = "\n".join(lines[end:]).strip("\n")
    return "\n".join([*new, *lines[:end]]) + "\n\n\n" + block + "\n\n\n" + rest + "\n"
