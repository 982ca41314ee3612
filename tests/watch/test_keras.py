"""The callback for Keras, with the real library, on JAX and on PyTorch: each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lright.trace import Trace

# What is trained in the process: every line of OUT is a case, told as a trace or as a value.
SCRIPT = """
import doctest, json, sys
import numpy as np
import keras
import lright.keras
from lright.keras import Watch

folder = sys.argv[1]
assert doctest.testmod(lright.keras).failed == 0
x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
y = x.sum(1, keepdims=True)

class Halve(keras.callbacks.Callback):
    def on_train_batch_begin(self, batch, logs=None):
        if batch == 4:
            self.model.optimizer.learning_rate = 0.05

class Break(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise ValueError("no data")

def train(name, lr=0.1, others=(), epochs=2, stop_on=(), fits=1, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(lr, **options), "mse")
    watch = Watch(f"{folder}/{name}.jsonl", stop_on=stop_on)
    for _ in range(fits):
        model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, shuffle=False, validation_data=(x, y),
                  callbacks=[watch, *others])
    return watch

train("plain")
train("first", epochs=1)
train("schedule", keras.optimizers.schedules.CosineDecay(0.1, 16))
train("accumulated", keras.optimizers.schedules.CosineDecay(0.1, 16), gradient_accumulation_steps=2)
train("written", others=[Halve()], epochs=1)
train("plateau", others=[keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=0, min_delta=100.0, factor=0.1)])
train("diverged", lr=50.0, epochs=200, stop_on=["diverged"])
train("twice", fits=2)
try:
    train("broken", others=[Break()])
except ValueError:
    pass
"""


@cache
def traces(backend: str, folder: str) -> dict[str, Trace]:
    if find_spec("keras") is None or find_spec(backend) is None:
        pytest.skip(f"keras or {backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    import lright

    environment["PYTHONPATH"] = str(Path(lright.__file__).parent.parent)
    done = subprocess.run([sys.executable, "-c", SCRIPT, folder], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return {path.name.removesuffix(".jsonl"): Trace.read(path) for path in Path(folder).iterdir()}


@pytest.fixture(params=["jax", "torch"], scope="module")
def told(request: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trace]:
    return traces(request.param, str(tmp_path_factory.mktemp(request.param)))


def test_every_update_is_recorded(told: dict[str, Trace]) -> None:
    trace = told["plain"]
    assert trace.ended == "finished"
    updates = trace.updates[0]
    assert list(updates.numbers) == list(range(16))
    assert updates.rates() == [0.1] * 16
    assert list(updates.epochs) == [0] * 8 + [1] * 8
    assert list(updates.batches) == [*range(1, 9)] * 2
    assert trace.optimizers[0]["class"] == "SGD"
    assert trace.loaders[0]["length"] == 8
    assert trace.pieces[0].start["framework"].startswith("keras ")


def test_losses_are_of_batches_not_of_the_epoch_so_far(told: dict[str, Trace]) -> None:
    trace = told["plain"]
    losses = list(trace.updates[0].losses)
    assert sum(losses[8:]) / 8 == pytest.approx(trace.metrics["loss"].values[1], rel=1e-4)
    assert losses[8] < losses[0]
    assert losses[:8] == pytest.approx(list(told["first"].updates[0].losses))


def test_metrics_of_epochs(told: dict[str, Trace]) -> None:
    metrics = told["plain"].metrics
    assert list(metrics["val_loss"].updates) == [8, 16]
    assert metrics["val_loss"].values[0] > metrics["val_loss"].values[1] > 0


def test_a_schedule(told: dict[str, Trace]) -> None:
    from math import cos, pi

    trace = told["schedule"]
    assert trace.updates[0].rates() == pytest.approx([0.05 * (1 + cos(pi * u / 16)) for u in range(16)], rel=1e-5)
    assert trace.schedulers[0]["class"] == "CosineDecay"
    assert trace.schedulers[0]["arguments"]["decay_steps"] == 16
    assert list(trace.ticks[0].updates) == list(range(1, 17))


def test_accumulation_asks_the_schedule_for_batches(told: dict[str, Trace]) -> None:
    from math import cos, pi

    updates = told["accumulated"].updates[0]
    assert list(updates.numbers) == list(range(8))
    assert list(updates.backwards) == [2] * 8
    assert updates.rates() == pytest.approx([0.05 * (1 + cos(pi * (2 * u + 1) / 16)) for u in range(8)], rel=1e-5)
    assert len(told["accumulated"].ticks[0]) == 16


def test_what_other_callbacks_write(told: dict[str, Trace]) -> None:
    assert told["written"].updates[0].rates() == [0.1] * 4 + [0.05] * 4
    assert told["plateau"].updates[0].rates() == [0.1] * 16
    assert [row["lr"] for row in told["written"].writes] == [[0.05]]


def test_it_stops_a_run_that_diverges(told: dict[str, Trace]) -> None:
    assert told["diverged"].ended == "stopped"
    assert told["diverged"].length < 1600


def test_a_second_fit_counts_on(told: dict[str, Trace]) -> None:
    assert list(told["twice"].updates[0].numbers) == list(range(16, 32))
    assert list(told["twice.jsonl.1"].updates[0].numbers) == list(range(16))


def test_a_training_that_raised_is_ended_when_the_process_leaves(told: dict[str, Trace]) -> None:
    assert told["broken"].ended == "interrupted"
    assert len(told["broken"].updates[0]) == 1


def test_rows_are_json(told: dict[str, Trace]) -> None:
    assert json.dumps(told["diverged"].pieces[0].end)
