"""A worker: a process that answers one call after the other until its server is gone.

A message is its length in eight hexadecimal digits and a JSON object, both ways, on standard input and output.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
import warnings
from typing import Any, BinaryIO

from ...errors import LrightError
from . import guard
from .confine import Root

HEADER = 8
LARGEST_ANSWER = 4 * 2**20  # bytes
TIRED = 600 * 2**20  # bytes that a worker may have needed and still take another call
GRACE = 10.0  # seconds that a server has more than it asked for to end a worker itself

_WARM = """\
import torch
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
for epoch in range(90):
    for x, y in loader:
        loss_of(model(x), y).backward()
        optimizer.step()
        scheduler.step()
"""


def main(folder: str, writes: bool) -> None:
    """Answer calls about ``folder`` until the end of standard input."""
    inlet, outlet = guard.quiet()
    warnings.simplefilter("ignore")  # those of Python about the source that it parses
    from .tools import Desk

    desk = Desk(Root(folder), writes)
    _warm(desk)
    guard.lock(writes=writes)
    with os.fdopen(inlet, "rb") as requests, os.fdopen(outlet, "wb") as answers:
        while (request := _received(requests)) is not None:
            guard.deadline(request["seconds"] + GRACE)
            answer = answered(desk, request["tool"], request["arguments"])
            guard.deadline(0)
            answer["last"] = _tired()
            _send(answers, answer)
            if answer["last"]:
                return


def _warm(desk: Any) -> None:
    """Do before anybody waits what need not be done again: the imports of a check."""
    from . import texts, tools

    texts.text_of("check", tools.check(desk, source=_WARM))
    gc.freeze()  # what is imported stays; and a call is short: looking for garbage in it costs a fifth of its time
    gc.set_threshold(100_000, 20, 50)


def _tired() -> bool:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit > TIRED


def answered(desk: Any, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer to one call: ``data`` and ``text``, or an ``error`` for whoever called. Nothing else gets out."""
    from . import pages, texts, tools

    try:
        if tool in pages.PAGES:
            return {"data": {}, "text": pages.PAGES[tool](**arguments)}
        data = tools.TOOLS[tool](desk, **arguments)
        return {"data": data, "text": texts.text_of(tool, data)}
    except LrightError as error:
        return {"error": str(error)[:2000]}
    except (RecursionError, MemoryError):
        return {"error": "it is nested too deeply, or too large, to be read"}
    except ArithmeticError:
        return {"error": "a number in it is larger or smaller than any training has"}
    except Exception as error:  # noqa: BLE001 - a mistake of ours must not cost the server, and its text may tell too much
        if os.environ.get("LRIGHT_DEBUG"):
            traceback.print_exc()
        name = type(error).__name__
        return {"error": f"lright failed on it ({name}): this is a mistake of lright, please report it"}


def _received(stream: BinaryIO) -> dict[str, Any] | None:
    header = stream.read(HEADER)
    if len(header) < HEADER:
        return None
    request: dict[str, Any] = json.loads(stream.read(int(header, 16)))
    return request


def _send(stream: BinaryIO, answer: dict[str, Any]) -> None:
    try:
        body = json.dumps(answer, allow_nan=False).encode()
    except ValueError:
        told = "the answer holds a number that is none: please report it"
        body = json.dumps({"error": told, "last": answer["last"]}).encode()
    if len(body) > LARGEST_ANSWER:
        told = f"the answer is larger than {LARGEST_ANSWER // 2**20} MB: ask for less (without detail, one file)"
        body = json.dumps({"error": told, "last": answer["last"]}).encode()
    stream.write(b"%08x" % len(body) + body)
    stream.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "writes")
