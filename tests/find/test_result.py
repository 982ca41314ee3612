"""The answer as an object, as JSON and as pictures."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lright.find
from find.curves import LRS, valley
from find.test_search import drive
from lright.errors import LrightError, UsageError
from lright.find import LrFind, Search, SearchOptions
from lright.render.find import KINDS, decade_text, lr_text, page
from lright.render.screen import Screen, columns

SCHEMA = Path(lright.find.__file__).parent.parent / "schemas" / "find-v1.schema.json"


def find(trials: int = 0, seeds: int = 1, base_lrs: tuple[float, ...] = (1e-3,), optimizer: str = "AdamW") -> LrFind:
    search = Search(SearchOptions(trials=trials, seeds=seeds), optimizer=optimizer, base_lrs=base_lrs)
    drive(search, validation=trials > 3)
    return search.result()


def found_of(losses: list[float]) -> LrFind:
    search = Search(optimizer="SGD", base_lrs=(0.1,))
    for segment in search:
        for i, loss in enumerate(losses):
            if segment.saw(i, loss):
                break
    return search.result()


ANSWERS = {
    "plain": find(),
    "trials": find(3),
    "validated": find(5, base_lrs=(1e-3, 1e-4)),
    "seeds": find(seeds=3),
    "abstained": found_of([2.3] * 200),
    "diverged": found_of([1.0, 0.9, math.nan, 0.8] * 4 + [math.nan] * 3),
    "nothing": Search().result(interrupted=True),
    "negative": found_of([loss - 10 for loss in valley()]),
    "huge": found_of([loss * 1e30 for loss in valley()]),
}


@pytest.fixture(params=ANSWERS, ids=list(ANSWERS))
def found(request: pytest.FixtureRequest) -> LrFind:
    return ANSWERS[request.param]


def test_it_says_what_it_is_for(found: LrFind) -> None:
    assert set(found.uses) == {"decaying", "one_cycle", "constant", "fine_tuning"}
    assert found.uses["decaying"].lr == found.suggestion
    for use in found.uses.values():
        assert use.lr > 0 and use.why


def test_it_goes_through_json(found: LrFind, tmp_path: Path) -> None:
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert LrFind.from_dict(data).to_dict() == data
    path = tmp_path / "find.json"
    found.save(path)
    again = LrFind.load(path)
    assert again.to_dict() == found.to_dict()
    assert str(again) == str(found)


def test_the_schema_knows_it(found: LrFind) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found.to_dict(), schema)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "no answer of `lright find`"),
        ([], "no answer of `lright find`"),
        ({"format": "lright-find", "version": 7}, "version 7"),
        ({"format": "lright-find", "version": 1}, "damaged"),
        ({**ANSWERS["plain"].to_dict(), "interval": 3}, "damaged"),
        ({**ANSWERS["plain"].to_dict(), "curves": [{}]}, "damaged"),
    ],
)
def test_what_is_no_answer_is_refused(data: object, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(data))
    with pytest.raises(LrightError, match=words):
        LrFind.load(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LrightError, match="cannot read"):
        LrFind.load(tmp_path / "nowhere.json")
    (tmp_path / "x").write_text("no json")
    with pytest.raises(LrightError, match="no JSON"):
        LrFind.load(tmp_path / "x")
    with pytest.raises(LrightError, match="cannot write"):
        ANSWERS["plain"].save(tmp_path / "no" / "where.json")
    with pytest.raises(LrightError, match="cannot write"):
        ANSWERS["plain"].plot(tmp_path / "no" / "where.svg")


@pytest.mark.parametrize("width", [40, 80, 100])
@pytest.mark.parametrize("unicode", [True, False])
def test_the_page_fits_the_screen(found: LrFind, width: int, unicode: bool) -> None:
    text = page(found, Screen(width=width, unicode=unicode))
    assert max(map(columns, text.splitlines())) <= width
    assert f"learning rate {lr_text(found.suggestion)}" in text
    assert found.reason.split()[0] in text
    assert unicode or text.isascii()


def test_the_page_shows_what_was_seen() -> None:
    text = page(ANSWERS["validated"])
    for words in ("▲", "unstable from", "validation loss", "best", "OneCycle", "groups"):
        assert words in text
    assert "a default" in page(ANSWERS["abstained"])
    assert "\x1b[32;1m" in page(ANSWERS["plain"], Screen(color=True))


def test_the_svg_is_one(found: LrFind) -> None:
    text = found.plot(kind="svg")
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    assert lr_text(found.suggestion) in text
    assert "nan" not in text and "inf" not in text.replace("information", "")


def test_it_shows_itself_in_a_notebook(found: LrFind) -> None:
    html = found._repr_html_()
    assert html.startswith("<div") and "<svg" in html and "OneCycle" in html
    ElementTree.fromstring(html)


@pytest.mark.parametrize("ending", ["svg", "txt", "html", "png"])
def test_plot_writes_files(ending: str, tmp_path: Path) -> None:
    if ending == "png":
        pytest.importorskip("matplotlib")
    path = tmp_path / f"find.{ending}"
    assert ANSWERS["trials"].plot(path) == str(path)
    content = path.read_bytes()
    assert content.startswith({"svg": b"<svg", "txt": b"  ", "html": b"<div", "png": b"\x89PNG"}[ending])


@pytest.mark.parametrize("name", ["validated", "nothing"])
def test_every_answer_makes_a_png(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    ANSWERS[name].plot(tmp_path / "find.png")


def test_unknown_kinds_are_refused() -> None:
    for wrong in ({"path": "find.gif"}, {"kind": "gif"}, {"kind": "png"}):
        with pytest.raises(UsageError):
            ANSWERS["plain"].plot(**wrong)
    assert set(KINDS) == {"text", "svg", "html", "png"}


def test_repr_is_a_line() -> None:
    assert repr(ANSWERS["plain"]).count("\n") == 0
    assert "abstained" in repr(ANSWERS["abstained"])


@settings(max_examples=30)
@given(st.lists(st.one_of(st.floats(), st.floats(-5, 5)), max_size=120))
def test_any_sweep_can_be_drawn(losses: list[float]) -> None:
    found = found_of(losses)
    assert page(found)
    ElementTree.fromstring(found.plot(kind="svg"))
    json.dumps(found.to_dict(), allow_nan=False)


def test_decades() -> None:
    assert [decade_text(exponent) for exponent in (-6, -3, -2, -1, 0, 1, 2)] == [
        "1e-6", "1e-3", "1e-2", "0.1", "1", "10", "100",
    ]  # fmt: skip


def test_it_needs_no_framework() -> None:
    code = (
        "import sys; import lright.find as f; s = f.Search(optimizer='SGD')\n"
        "for g in s:\n    [g.saw(i, 1 / (1 + 100 * g.lr(i)) + g.lr(i)) for i in range(g.steps)]\n"
        "str(s.result()); s.result().plot(kind='svg')\n"
        "print(sorted({'torch', 'numpy', 'matplotlib', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_curves_are_those_that_were_driven() -> None:
    curve = ANSWERS["plain"].curve
    assert curve.lrs == pytest.approx(LRS[: len(curve.lrs)])
    assert len(curve.lrs) == len(curve.losses) == len(curve.smoothed)
