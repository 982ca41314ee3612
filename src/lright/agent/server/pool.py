"""Who works on what: some worker processes, each on one call at a time.

A call that takes too long, or that nobody waits for any more, is ended with its worker; another takes its place.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process, TaskGroup
from anyio.streams.buffered import BufferedByteReceiveStream

from ...drive.launch import importing
from ...errors import LrightError
from .worker import HEADER

SECONDS = 20.0  # that a call may take
WAITING = 200  # calls that may wait for a worker
MOST = 4  # workers


class Worker:
    """One process, and the way to it and back."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._to, self._from = process.stdin, BufferedByteReceiveStream(process.stdout)

    @classmethod
    async def start(cls, folder: str, writes: bool) -> Worker:
        """A new process."""
        command = [sys.executable, "-m", f"{__package__}.worker", folder, "writes" if writes else "reads"]
        errors = None if os.environ.get("LRIGHT_DEBUG") else subprocess.DEVNULL
        return cls(
            await anyio.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                                     env=importing(_ONE_CORE), cwd=_HOME, start_new_session=True)
        )  # fmt: skip

    async def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises where the process is gone."""
        body = json.dumps(request).encode()
        await self._to.send(b"%08x" % len(body) + body)
        length = int(await self._from.receive_exactly(HEADER), 16)
        answer: dict[str, Any] = json.loads(await self._from.receive_exactly(length))
        return answer

    async def end(self) -> None:
        """End the process and wait until it is gone, whoever is in a hurry."""
        with anyio.CancelScope(shield=True):
            if self._process.returncode is None:
                self._process.kill()
            await self._process.aclose()


# Where lright itself lies. A worker starts there: Python imports from the folder that it is started in, and a json.py
# of the user's project must not be what is imported.
_HOME = str(Path(__file__).resolve().parents[3])


_ONE_CORE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Pool:
    """The workers of a server."""

    def __init__(self, folder: str, *, writes: bool = False, seconds: float = SECONDS, most: int = 0) -> None:
        self._folder, self._writes, self._seconds = folder, writes, seconds
        self._most = most or max(2, min(MOST, os.cpu_count() or 1))
        self._idle: list[Worker] = []
        self._waiting = 0
        self._group: TaskGroup | None = None
        self._room: anyio.CapacityLimiter | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Pool]:
        """The pool with its first worker on the way; all workers are ended with it."""
        self._room = anyio.CapacityLimiter(self._most)
        try:
            async with anyio.create_task_group() as self._group:
                self._group.start_soon(self._spare)
                yield self
                self._group.cancel_scope.cancel()
        finally:
            self._group = None
            for worker in self._idle:
                await worker.end()
            self._idle.clear()

    async def _spare(self) -> None:
        """A worker that is ready before it is needed."""
        if not self._idle:
            self._idle.append(await Worker.start(self._folder, self._writes))

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """What a worker answers: ``data`` and ``text``. Raises LrightError for what cannot be answered."""
        assert self._room is not None and self._group is not None
        if self._waiting >= WAITING:
            raise LrightError(f"{WAITING} calls are waiting already: call again when some are answered")
        self._waiting += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting -= 1
        try:
            return await self._work({"tool": tool, "arguments": dict(arguments), "seconds": self._seconds})
        finally:
            self._room.release()

    async def _work(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._group is not None
        worker = self._idle.pop() if self._idle else await Worker.start(self._folder, self._writes)
        kept = False
        try:
            with anyio.fail_after(self._seconds):
                answer = await worker.ask(request)
            kept = not answer.pop("last")
        except TimeoutError:
            told = f"it took longer than {self._seconds:g} seconds and was ended: give less at once"
            raise LrightError(told) from None
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, anyio.ClosedResourceError):
            told = "the input was too large or too deep to be read: the process that read it ended"
            raise LrightError(told) from None
        finally:
            if kept:
                self._idle.append(worker)
            else:
                await worker.end()
                self._group.start_soon(self._spare)
        if "error" in answer:
            raise LrightError(answer["error"])
        return answer
