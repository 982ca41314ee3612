"""The MCP server against those who mean harm, and against chance: confinement, malformed calls, cancellation, many at
once."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")

import anyio
from benchmarks.mcp_hostile import SCRIPT, SECRET, Place, Raw, attack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lright.agent.server import confine, guard, pool, texts, tools, worker
from lright.agent.server.confine import Root
from lright.agent.server.pool import Pool
from lright.errors import LrightError, ReadError


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("hostile").resolve())


@pytest.fixture(scope="module")
def raw(place: Place) -> Iterator[Raw]:
    client = Raw("--root", str(place.root), "--seconds", "4", cwd=str(place.root)).shake_hands()
    yield client
    assert client.close() == 0
    assert not client.leaked


def text_of(told: dict[str, Any]) -> str:
    return str(told["result"]["content"][0]["text"])


# Confinement


def test_names_lead_nowhere_outside(place: Place) -> None:
    root = Root(str(place.root))
    inside = {"train.py", "./" * 400 + "train.py", "binary.py", "utf7.py", "bomb.yaml", "deep.json"}
    for path in place.paths():
        if path in inside:
            assert root.read(path)
            continue
        with pytest.raises(ReadError) as caught:
            root.read(path)
        assert "\n" not in str(caught.value) and str(place.outside.parent) not in str(caught.value).replace(path, "")


def test_what_lies_outside_is_not_even_known_to_be_there(place: Place) -> None:
    """The message is the same whether there is such a file or not."""
    root = Root(str(place.root))
    said = set()
    for name in ("secret.py", "nothing.py", "secret.py/x", ""):
        with pytest.raises(ReadError) as caught:
            root.read(f"../outside/{name}")
        said.add(caught.value.reason)
    assert len(said) == 1


PARTS = st.sampled_from(["..", ".", "sub", "linked", "up", "outside", "root", "secret.py", "", "link.py", "train.py",
                         "more.py", "chain.py", "~", "\0", "a b", "é"])  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(parts=st.lists(PARTS, max_size=9), absolute=st.booleans())
def test_no_name_at_all_leads_outside(place: Place, parts: list[str], absolute: bool) -> None:
    path = ("/" if absolute else "") + "/".join(parts)
    try:
        data = Root(str(place.root)).read(path)
    except ReadError:
        return
    real = Path(os.path.realpath(place.root / path))
    assert real.is_relative_to(place.root) and SECRET.encode() not in data
    assert data == real.read_bytes()


def test_a_link_that_comes_in_between_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at a name and its opening somebody puts a link there: as folder, and as file."""
    place = Place(tmp_path.resolve())
    root = Root(str(place.root))
    for parts in (("linked", "secret.py"), ("link.py",), ("sub", "up", "secret.py")):
        monkeypatch.setattr(root, "parts", lambda path, parts=parts: parts)
        with pytest.raises(ReadError):
            root.read("train.py")
        with pytest.raises(LrightError):
            root.write("train.py", b"x", (place.outside / "secret.py").read_bytes())
    assert (place.outside / "secret.py").read_text().startswith(SECRET)


def test_racing_links_give_nothing_away(tmp_path: Path) -> None:
    place = Place(tmp_path.resolve())
    root, over = Root(str(place.root)), threading.Event()
    racer = place.root / "racer.py"

    def race() -> None:
        while not over.is_set():
            for link in (False, True):
                racer.unlink(missing_ok=True)
                if link:
                    racer.symlink_to(place.outside / "secret.py")
                else:
                    racer.write_text("import torch\n")

    thread = threading.Thread(target=race)
    thread.start()
    try:
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            try:
                assert SECRET.encode() not in root.read("racer.py")
            except ReadError:
                continue
    finally:
        over.set()
        thread.join()


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    root = Root(str(tmp_path))
    script = tmp_path / "a.py"
    script.write_bytes(b"old")
    script.chmod(0o600)
    with pytest.raises(LrightError, match="changed while"):
        root.write("a.py", b"new", b"other")
    root.write("a.py", b"new", b"old")
    assert script.read_bytes() == b"new" and script.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"]
    with pytest.raises(ReadError):
        root.write("../b.py", b"new", b"")


def test_a_folder_is_read_without_following_links(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Root(str(place.root)).scripts(".")
    assert "train.py" in found and "sub/more.py" in found
    assert not [name for name in found if "secret" in name or name in ("link.py", "passwd.py", "loop.py")]
    monkeypatch.setattr(confine, "MOST_FILES", 2)
    with pytest.raises(ReadError, match="more than 2"):
        Root(str(place.root)).scripts(".")


# Workers


def answered(place: Place, tool: str, **arguments: Any) -> dict[str, Any]:
    return worker.answered(tools.Desk(Root(str(place.root))), tool, arguments)


def test_nothing_of_the_user_is_executed_and_no_bomb_goes_off(place: Place) -> None:
    for source in place.sources()[:10]:
        answered(place, "check", source=source)
        answered(place, "ask", question="why is it wrong?", code=source)
    for schedule in place.words():
        told = answered(place, "schedule_parse", schedule=schedule)
        assert "a mistake of lright" not in told.get("error", ""), (schedule[:80], told)
    assert "is no fact with one value" in answered(place, "plan", path="bomb.yaml")["error"]
    assert not place.marker.exists()


def test_a_mistake_of_ours_is_told_without_what_is_in_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(desk: Any) -> None:
        raise ValueError(f"{SECRET} in /a/path")

    monkeypatch.setattr(tools, "TOOLS", {"check": failing})
    told = answered(place, "check")
    assert told["error"] == "lright failed on it (ValueError): this is a mistake of lright, please report it"


def test_drawings_hold_no_script(place: Place) -> None:
    name = "</text><script>alert(1)</script>&<b>.py"
    (place.root / "sub" / name.replace("/", "_")).write_text(SCRIPT)
    told = answered(place, "plot", path="sub/" + name.replace("/", "_"), format="svg", set={"len(loader)": 10})
    assert "<script" not in told["data"]["drawing"] and "&lt;script" in told["data"]["drawing"]
    (place.root / "sub" / name.replace("/", "_")).unlink()


def test_many_findings_are_counted_and_not_all_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "LISTED", 2)
    monkeypatch.setattr(tools, "FIXED", 3)
    told = answered(place, "check", source=faulty(4))["data"]
    assert len(told["findings"]) == 2 and told["left_out"] == 2
    assert told["findings"][0]["fix"] is None and "no fixes were worked out" in told["notes"][0]
    assert "... and 2 more" in texts.text_of("check", told)


def test_a_worker_may_neither_start_programs_nor_write_nor_reach_a_network(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = f"""
import os, socket, subprocess
from lright.agent.server import guard
guard.lock(writes=False)
def tried(act):
    try:
        act()
        return "done"
    except BaseException as error:
        return type(error).__name__
print([tried(act) for act in (
    lambda: subprocess.run(["true"]), lambda: os.system("true"), lambda: os.fork(),
    lambda: os.posix_spawn("/bin/true", ["true"], {{}}), lambda: os.execv("/bin/true", ["true"]),
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: os.write(os.open({str(tmp_path / "x")!r}, os.O_CREAT | os.O_WRONLY), b"x"),
    lambda: bytearray(8 * 2**30),
)])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(["Denied"] * 6 + ["OSError", "MemoryError"])
    assert not (tmp_path / "x").read_bytes()
    assert guard.MEMORY < 8 * 2**30


# The protocol


def test_malformed_messages_cost_only_themselves(raw: Raw) -> None:
    for line in (b"", b"{", b"null", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"jsonrpc":"2.0","id":{},"method":5}',
                 b"x" * 300_000,
                 b'{"jsonrpc":"1.0","id":3,"method":"ping"}',
                 b'{"jsonrpc":"2.0","method":"notifications/cancelled"}'):  # fmt: skip
        raw.send(line)
    for method, params in (("nothing", {}), ("tools/call", {"name": 5}), ("tools/call", {}),
                           ("tools/call", {"name": "check", "arguments": []}), ("resources/read", {"uri": 5}),
                           ("resources/read", {"uri": "file:///etc/passwd"}),

                           ("prompts/get", {"name": "which_lr", "arguments": {"x": "y"}}),
                           ("resources/read", {"uri": "lright://rules/../../x"}), ("prompts/get", {"name": "nothing"}),
                           ("initialize", {})):  # fmt: skip
        told = raw.answer(raw.ask(method, params))
        assert ("error" in told) or told["result"].get("isError") or method == "prompts/get", (method, params, told)
        assert "Traceback" not in json.dumps(told) and ".py" not in json.dumps(told)
    assert "LR101" in text_of(raw.call("check", path="train.py"))


def test_many_calls_at_once_are_answered_each_for_itself(raw: Raw) -> None:
    numbers = {
        epochs: raw.ask("tools/call", {"name": "check", "arguments": {"source": SCRIPT.replace("90", str(epochs)),
                                                                      "set": {"len(loader)": 10}}})
        for epochs in range(20, 60)
    }  # fmt: skip
    for epochs, number in numbers.items():
        assert f"stepped {epochs * 10} times" in text_of(raw.answer(number)), epochs


def test_too_many_at_once_are_refused_not_hoarded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "WAITING", 3)
    said: list[str] = []

    async def call(pool: Pool) -> None:
        try:
            said.append((await pool.call("explain", {"rules": ["LR101"]}))["text"][:5])
        except LrightError as error:
            said.append(str(error))

    async def conversation() -> None:
        async with Pool(str(place.root), most=1).open() as workers, anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(call, workers)

    anyio.run(conversation)
    assert len(said) == 12 and 3 <= said.count("LR101") <= 4
    assert sum("3 calls are waiting already" in text for text in said) >= 8


def workers_of(server: int) -> set[int]:
    """The processes that a server has started."""
    found = set()
    for task in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = task.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == server and state != "Z":
            found.add(int(task.parent.name))
    return found


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes where Linux shows them")


@linux
def test_a_call_that_hangs_is_ended_and_replaced(raw: Raw) -> None:
    start = time.monotonic()
    told = text_of(raw.call("fix", source=faulty(200), unsafe=True))
    assert "longer than 4 seconds" in told, told
    assert time.monotonic() - start < 15
    assert "LR101" in text_of(raw.call("check", path="train.py"))


@linux
def test_a_cancelled_call_ends_its_worker_and_the_server_serves_on(raw: Raw) -> None:
    server = raw.process.pid
    assert "LR101" in text_of(raw.call("check", path="train.py"))
    before = workers_of(server)
    number = raw.ask("tools/call", {"name": "fix", "arguments": {"source": faulty(200), "unsafe": True}})
    busy = wait_for(lambda: {one for one in workers_of(server) if cpu(one) > 0.3 and one in before} or None)
    told = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}}
    raw.send(json.dumps(told).encode())
    wait_for(lambda: before - workers_of(server) or None)
    assert busy
    assert "LR101" in text_of(raw.call("check", path="train.py"))
    assert number not in raw.answers  # nobody waits for it any more


@linux
def test_a_worker_that_is_killed_costs_one_call(raw: Raw) -> None:
    number = raw.ask("tools/call", {"name": "fix", "arguments": {"source": faulty(200), "unsafe": True}})
    before = {one: cpu(one) for one in workers_of(raw.process.pid)}
    busiest = wait_for(lambda: next((one for one in before if cpu(one) > before[one] + 0.3), None))
    os.kill(busiest, signal.SIGKILL)
    assert "the process that read it ended" in text_of(raw.answer(number))
    assert "LR101" in text_of(raw.call("check", path="train.py"))


def faulty(count: int) -> str:
    """A script with so many mistakes: it takes long to mend, and is not too long to be read."""
    body = "\n".join("    " + line for line in SCRIPT.splitlines()[1:])
    return "import torch\n" + "".join(f"def main{i}(model, loader):\n{body}\nmain{i}(1, 2)\n" for i in range(count))


def cpu(number: int) -> float:
    try:
        told = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(look: Any, seconds: float = 15.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def test_hostile_calls(tmp_path: Path) -> None:
    """A slice of benchmarks/mcp_hostile.py, which makes 10,000."""
    outcome = attack(tmp_path.resolve(), 300, seed=int(time.time() // 86_400), seconds=1.5)
    assert not outcome.problems
    assert not [one for one in outcome.faults if "a mistake of lright" in one]
    assert outcome.results["answered"] > 15 and outcome.results["tool error"] > 80
