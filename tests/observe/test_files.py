"""Finding inputs, decoding them, and writing them back."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lright.errors import LrightError, ReadError
from lright.observe.source import files


def tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")


def found(*paths: str) -> list[str]:
    return files.find(paths)[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def test_a_folder_gives_its_python_files_sorted(folder: Path) -> None:
    tree(folder, "b.py", "a/z.py", "a/y.txt", "c.PY", "a/b/c.py")
    assert found(".") == ["a/b/c.py", "a/z.py", "b.py"]
    assert found("a", "b.py") == ["a/b/c.py", "a/z.py", "b.py"]


def test_an_explicit_file_is_taken_whatever_its_name_and_only_once(folder: Path) -> None:
    tree(folder, "node_modules/a.py", "script")
    assert found("script", "node_modules/a.py", "./script", "gone.py") == [
        "script",
        "node_modules/a.py",
        "gone.py",
    ]


def test_environments_and_made_files_are_skipped(folder: Path) -> None:
    tree(
        folder,
        "a.py",
        ".venv/x.py",
        "build/x.py",
        "env3/lib/x.py",
        "node_modules/p/x.py",
        "t/__pycache__/x.py",
    )
    (folder / "env3/pyvenv.cfg").write_text("")
    assert found(".") == ["a.py"]
    assert found("build") == ["build/x.py"]


def test_git_says_what_is_ignored(folder: Path) -> None:
    tree(
        folder,
        "a.py",
        "made/x.py",
        "build/kept.py",
        "env3/x.py",
        "inner/mine.py",
        "inner/made.py",
        "deleted.py",
    )
    (folder / "env3/pyvenv.cfg").write_text("")
    (folder / ".gitignore").write_text("made\n")
    (folder / "inner/.gitignore").write_text("made.py\n")
    git("init", "-q", ".")
    git("init", "-q", "inner")
    git("add", "a.py", "deleted.py")
    (folder / "deleted.py").unlink()
    assert found(".") == ["a.py", "build/kept.py", "inner/mine.py"]
    assert found("made") == ["made/x.py"], "an ignored folder that was named is taken"
    assert found("made/x.py") == ["made/x.py"]


def test_git_runs_no_program_of_the_checkout(folder: Path) -> None:
    tree(folder, "a.py")
    git("init", "-q", ".")
    monitor = folder / "monitor.sh"
    monitor.write_text("#!/bin/sh\ntouch executed\n")
    monitor.chmod(0o755)
    git("config", "core.fsmonitor", str(monitor))
    assert found(".") == ["a.py"]
    assert not (folder / "executed").exists()


def test_a_folder_without_python_files_says_so(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert [str(failure) for failure in files.find(["empty"])[1]] == [
        "empty: holds no Python file: name a folder that does"
    ]


def test_symlink_loops_end(folder: Path) -> None:
    tree(folder, "a/x.py")
    (folder / "a/loop").symlink_to("..")
    (folder / "self.py").symlink_to("self.py")
    assert found("a", ".") == ["a/x.py"]
    with pytest.raises(ReadError, match=r"^self\.py: cannot be read \(Too many levels"):
        files.read("self.py")


def test_a_pipe_in_a_folder_is_left_alone(folder: Path) -> None:
    tree(folder, "a.py")
    os.mkfifo(folder / "pipe.py")
    assert found(".") == ["a.py"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x\0y", "is binary"),
        ("x = 1".encode("utf-16"), "is UTF-16"),
        (b"x = '\xe9'", "line 1 is not utf-8"),
        (b"x = 1\ny = 2\nz = '\xe9'", "line 3 is not utf-8"),
        (b"# coding: utf-8\nx = '\xe9'", "line 2 is not utf-8"),
        (b"# coding: no-such\n", "declares the unknown encoding no-such"),
        (b"# coding: rot13\n", "declares the encoding rot13"),
        (b"# coding: zlib\n", "declares the encoding zlib"),
        (b"# coding: unicode_escape\nx = '\\ud800'", "declares the encoding unicode_escape"),
        (b"\xef\xbb\xbf# coding: latin-1\n", "has no valid encoding"),
        (b" " * (10 * 2**20 + 1), "is larger than 10 MB"),
    ],
)
def test_what_cannot_be_decoded_is_one_clear_line(data: bytes, reason: str) -> None:
    with pytest.raises(ReadError) as caught:
        files.decode(data, "a.py")
    message = str(caught.value)
    assert message.startswith(f"a.py: {reason}")
    assert message.count(": ") == 2 and "\n" not in message, "input, reason, remedy"


@pytest.mark.parametrize("data", [b"", b"x = 1\r\n\x0cy = 2\r\n", b"\xef\xbb\xbfx = 1", "é = 1".encode()])
def test_what_is_decoded_goes_back_byte_for_byte(data: bytes) -> None:
    read = files.decode(data, "a.py")
    assert not read.text.startswith("\ufeff")
    assert files.encode(read.text, read) == data


def test_the_declared_encoding_is_used_both_ways() -> None:
    read = files.decode("#!/usr/bin/python\n# -*- coding: cp1252 -*-\nx = '€'".encode("cp1252"), "a.py")
    assert "€" in read.text
    assert files.encode(read.text + "é", read).endswith(b"\x80'\xe9")
    with pytest.raises(LrightError, match="cannot be written back as cp1252"):
        files.encode("\u4e00", read)


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"# coding: latin-1\n", b"# coding: utf-7\n", b"\xef\xbb\xbf"]),
)
@example(b"#coding:iso2022_jp\n\x1b$B", b"")
def test_any_bytes_are_text_or_one_clear_line(data: bytes, head: bytes) -> None:
    try:
        read = files.decode(head + data, "a.py")
    except ReadError as error:
        assert "\n" not in str(error)
        return
    try:
        assert files.encode(read.text, read) == head + data
    except LrightError as error:
        assert "cannot be written back" in str(error)


def test_missing_forbidden_and_odd_names(folder: Path) -> None:
    tree(folder, "secret.py")
    (folder / "secret.py").chmod(0)
    with pytest.raises(ReadError, match=r"^gone\.py: no such file"):
        files.read("gone.py")
    with pytest.raises(ReadError, match=r"^a\\nb\.py: no such file"):
        files.read("a\nb.py")
    with pytest.raises(ReadError, match=r"^a\\x00b\.py: is no file name"):
        files.read("a\0b.py")
    if os.geteuid():
        with pytest.raises(ReadError, match=r"^secret\.py: may not be read"):
            files.read("secret.py")


def test_a_file_that_vanishes_after_it_was_found(folder: Path) -> None:
    tree(folder, "a.py")
    (path,) = found(".")
    (folder / "a.py").unlink()
    with pytest.raises(ReadError, match="no such file"):
        files.read(path)


def test_writing_keeps_the_mode_and_the_link(folder: Path) -> None:
    tree(folder, "real.py")
    (folder / "real.py").chmod(0o750)
    (folder / "link.py").symlink_to("real.py")
    files.write_atomically("link.py", b"y = 2\n", was=b"x = 1\n")
    assert (folder / "real.py").read_bytes() == b"y = 2\n"
    assert (folder / "link.py").is_symlink()
    assert stat.S_IMODE((folder / "real.py").stat().st_mode) == 0o750
    assert sorted(os.listdir(folder)) == ["link.py", "real.py"]


def test_a_file_changed_meanwhile_is_not_overwritten(folder: Path) -> None:
    tree(folder, "a.py")
    with pytest.raises(LrightError, match=r"a\.py: changed while it was being checked"):
        files.write_atomically("a.py", b"new", was=b"old")
    assert (folder / "a.py").read_text() == "x = 1\n"


def test_nothing_is_left_behind_when_writing_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(folder, "a.py")

    def full(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LrightError, match=r"a\.py: cannot be written: No space left"):
        files.write_atomically("a.py", b"new", was=b"x = 1\n")
    assert os.listdir(folder) == ["a.py"]
    assert (folder / "a.py").read_text() == "x = 1\n"
