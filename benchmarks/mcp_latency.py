"""Latency of the tool check through a real client over stdio: `python -m benchmarks.mcp_latency [--write]`.

A script of 500 lines with one mistake and its proved fix, after the server has started. The bar is 300 ms at p95.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import anyio
from mcp import Client, StdioServerParameters

from .measure import report, setting, table

BAR = 0.300
CALLS = 100
HOME = Path(__file__).resolve().parent.parent


def script(lines: int = 500) -> str:
    """A training script of so many lines: a faulty one, and the model, data and helpers that scripts are full of."""
    text = (HOME / "examples" / "cifar_cosine.py").read_text("utf-8")
    head, main = text.split("def main", 1)
    filler, number = "", 0
    while (head + filler + "def main" + main).count("\n") < lines - 12:
        number += 1
        filler += f'''class Block{number}(nn.Module):
    """A block."""

    def __init__(self, width, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(width, width * stride, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(width * stride)

    def forward(self, x):
        return torch.relu(self.norm(self.conv(x)))


'''
    text = f"{head}{filler}def main{main}"
    return text + "# the end\n" * (lines - text.count("\n"))


async def seconds(folder: Path) -> dict[str, list[float]]:
    """The time of every call, by what is called."""
    known = {"PYTHONPATH": str(HOME / "src"), "PATH": os.environ["PATH"]}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "lright", "mcp", "--root", str(folder)], env=known
    )
    times: dict[str, list[float]] = {}
    started = time.perf_counter()
    async with Client(server) as client:
        times["start, to the first answered request"] = [time.perf_counter() - started]

        async def timed(name: str, tool: str, **arguments: object) -> None:
            start = time.perf_counter()
            told = await client.call_tool(tool, arguments)
            times.setdefault(name, []).append(time.perf_counter() - start)
            assert not told.is_error, told

        await timed("the first check", "check", path="train.py")
        source = (folder / "train.py").read_text("utf-8")
        for _ in range(CALLS):
            await timed("check, 500 lines, by path", "check", path="train.py")
            await timed("check, 500 lines, as source", "check", source=source)
        for _ in range(CALLS // 4):
            async with anyio.create_task_group() as group:
                for _ in range(4):
                    group.start_soon(partial(timed, "check, 500 lines, four at once", "check", path="train.py"))
            await timed("fix, 500 lines", "fix", path="train.py", unsafe=True)
            await timed("ask", "ask", question="my val loss is stuck at 0.15 since epoch 20, Adam 1e-3")
            await timed("plan", "plan", model="resnet50", epochs=90)
    return times


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "train.py").write_text(script(), "utf-8")
        times = anyio.run(seconds, Path(folder))
    rows = [
        [name, str(len(one)), *(f"{share(one, at) * 1e3:.0f} ms" for at in (0.5, 0.95, 1.0))]
        for name, one in times.items()
    ]
    p95 = share(times["check, 500 lines, by path"], 0.95)
    text = f"{setting()}; the bar for check: p95 below {BAR * 1e3:.0f} ms.\n\n"
    report("mcp", text + table(["call", "times", "p50", "p95", "slowest"], rows), write="--write" in sys.argv)
    return int(p95 > BAR)


def share(values: list[float], at: float) -> float:
    """The value that so many of them do not exceed."""
    return sorted(values)[min(int(at * len(values)), len(values) - 1)]


if __name__ == "__main__":
    raise SystemExit(main())
