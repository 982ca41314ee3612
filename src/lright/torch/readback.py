"""Values of device tensors without waiting for the device."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import torch

LAG = 4  # updates that a GPU may be behind; a fixed lag, so that every process of a job decides at the same update


class Readback:
    """Scalars on their way to the host, oldest first.

    On the CPU a value is there at once. From a GPU it is copied beside the computation and read ``lag`` pushes later,
    when it has long arrived: no push waits for the update it belongs to.

    >>> values = Readback()
    >>> list(values.push(0, torch.tensor(2.5)))
    [(0, 2.5)]
    """

    def __init__(self, lag: int = LAG) -> None:
        self.lag = lag
        self._waiting: deque[tuple[int, torch.Tensor, torch.cuda.Event | None]] = deque()

    def push(self, key: int, value: torch.Tensor) -> Iterator[tuple[int, float]]:
        """Send a scalar on its way; gives the ones that have arrived, with their keys."""
        if value.device.type == "cpu":
            yield from self.drain()
            yield key, float(value)
            return
        self._waiting.append((key, *_sent(value)))
        while len(self._waiting) > self.lag:
            yield self._read()

    def drain(self) -> Iterator[tuple[int, float]]:
        """Wait for the rest and give it."""
        while self._waiting:
            yield self._read()

    def _read(self) -> tuple[int, float]:
        key, host, event = self._waiting.popleft()
        if event is not None:
            event.synchronize()
        return key, float(host)


def _sent(value: torch.Tensor) -> tuple[torch.Tensor, torch.cuda.Event | None]:
    """A copy of the value on the host, and the event after which it is there (None: it is there when it is read)."""
    if value.device.type != "cuda":
        return value.detach().clone(), None
    host = torch.empty((), dtype=torch.float32, pin_memory=True)
    host.copy_(value.detach(), non_blocking=True)
    event = torch.cuda.Event()  # type: ignore[no-untyped-call]
    event.record()
    return host, event
