"""`lright plot`: what is drawn, in every format, and what is said about it."""

from __future__ import annotations

import csv
import html.parser
import io
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lright import LrightError
from lright.errors import UsageError
from lright.render.plot import FORMATS, Options, plot_command, plotted_spec
from lright.render.screen import Screen

OPTIONS = Options(peak=0.1, epochs=90, steps_per_epoch=391)
SPECS = ["warmup 5ep > cosine to 0", "CosineAnnealingLR(T_max=50) every epoch"]


def test_the_terminal_shows_curve_and_table() -> None:
    text = plot_command(SPECS[:1], OPTIONS)
    assert "warmup 5ep > cosine to 0" in text
    assert "90 epochs" in text
    assert "1955 .. 35190" in text
    assert max(map(len, text.splitlines())) <= 80


def test_one_chart_for_what_shares_an_axis() -> None:
    together = plot_command(SPECS, OPTIONS)
    assert together.count("90 epochs") == 1
    apart = plot_command([SPECS[0], "StepLR(30)"], OPTIONS)
    assert "scheduler steps" in apart
    assert "90 epochs" in apart


def test_ascii_and_width() -> None:
    text = plot_command(SPECS, OPTIONS, screen=Screen(width=60, unicode=False))
    assert text.isascii()
    assert max(map(len, text.splitlines()[:20])) <= 60


def test_colour_only_where_it_is_wanted() -> None:
    assert "\x1b[" in plot_command(SPECS, OPTIONS, screen=Screen(color=True))
    assert "\x1b[" not in plot_command(SPECS, OPTIONS, screen=Screen())


def test_what_was_assumed_is_said() -> None:
    text = plot_command(SPECS[:1])
    assert "assumed: 100 epochs (--epochs) and 100 batches an epoch (--steps-per-epoch)" in text
    assert "multiples of the peak (--peak)" in text
    assert "assumed" not in plot_command(SPECS[:1], OPTIONS)


def test_the_budget_may_come_from_the_data() -> None:
    options = Options(peak=0.1, epochs=10, samples=1000, batch_size=10, accumulate=2, processes=5)
    assert "50 .. 100" in plot_command(["warmup 5ep > cosine"], options)


def test_faults_of_frameworks_are_shown() -> None:
    rising = plotted_spec("CosineAnnealingLR(T_max=50) every epoch", OPTIONS)
    assert any("rises again" in remark for remark in rising.remarks)
    raising = plotted_spec("OneCycleLR(max_lr=0.1, total_steps=60) every epoch", OPTIONS)
    assert raising.curve.raises
    assert any("ValueError" in remark for remark in raising.remarks)
    assert raising.curve.points[-1][0] == 60


def test_ticks_of_a_framework_have_a_rate() -> None:
    each_epoch = plotted_spec("StepLR(30) every epoch", OPTIONS).curve.points
    each_update = plotted_spec("StepLR(30) every update", OPTIONS).curve.points
    assert dict(each_epoch)[31.0] == pytest.approx(0.01)
    first_low = next(x for x, lr in each_update if lr < 0.05)
    assert first_low == pytest.approx(30 / 391, abs=8 / 391)  # of 35,190 ticks every 7th is drawn
    assert each_update[-1][0] == pytest.approx(90)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("cosin to 0", "did you mean cosine"),
        ("NoSuchLR(3)", "NoSuchLR"),
        ("StepLR(30) every parsec", "every parsec|unknown unit"),
        ("ReduceLROnPlateau()", "follows a metric"),
    ],
)
def test_unreadable_specs(spec: str, complaint: str) -> None:
    with pytest.raises(LrightError, match=complaint):
        plot_command([spec], OPTIONS)


@pytest.mark.parametrize("format", FORMATS)
def test_files(format: str, tmp_path: Path) -> None:
    if format == "png":
        pytest.importorskip("matplotlib")
    path = tmp_path / f"curve.{'txt' if format == 'text' else format}"
    assert plot_command(SPECS, OPTIONS, output=str(path)) == f"{path}: 2 curves"
    assert path.stat().st_size > 500


def test_svg_is_xml_with_a_path_for_each_curve() -> None:
    root = ElementTree.fromstring(plot_command(["cosine * step every 30ep gamma 0.5", *SPECS], OPTIONS, format="svg"))
    paths = root.findall(".//{http://www.w3.org/2000/svg}path")
    assert len(paths) == 3
    assert "cosine * step every 30ep gamma 0.5" in "".join(root.itertext())


def test_html_stands_alone() -> None:
    page = plot_command(["warmup 5ep > cosine", "LambdaLR(lambda e: 1 if e < 5 else 0.5)"], OPTIONS, format="html")
    assert "&lt; 5 else" in page
    assert "e < 5 else" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in page
    html.parser.HTMLParser().feed(page)


def test_csv_is_exact() -> None:
    rows = list(csv.DictReader(io.StringIO(plot_command(SPECS, OPTIONS, format="csv"))))
    assert {row["curve"] for row in rows} == set(SPECS)
    points = plotted_spec(SPECS[0], OPTIONS).curve.points
    assert [(float(row["time"]), float(row["value"])) for row in rows if row["curve"] == SPECS[0]] == points


def test_json() -> None:
    data = json.loads(plot_command(SPECS, OPTIONS, format="json"))
    assert data["version"] == 1
    assert [curve["label"] for curve in data["curves"]] == SPECS
    assert data["curves"][0]["points"][-1] == [90, 0]


@pytest.mark.parametrize(
    ("specs", "output", "format", "complaint"),
    [
        ([], None, None, "nothing to plot"),
        (SPECS, "curve.gif", None, "ending must be one of"),
        (SPECS, None, "gif", "unknown format 'gif'"),
        (SPECS, None, "png", "name the file"),
    ],
)
def test_wrong_usage(specs: list[str], output: str | None, format: str | None, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        plot_command(specs, OPTIONS, output, format)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(LrightError, match="cannot write"):
        plot_command(SPECS, OPTIONS, output=str(tmp_path / "no" / "where.svg"))


def test_png_without_matplotlib_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("matplotlib", "matplotlib.figure", "matplotlib.backends.backend_agg"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(LrightError, match="pip install matplotlib"):
        plot_command(SPECS, OPTIONS, output=str(tmp_path / "curve.png"))


def test_ticks_are_stairs() -> None:
    points = plotted_spec("StepLR(30) every epoch", OPTIONS).curve.points
    assert [lr for epoch, lr in points if epoch == 30] == pytest.approx([0.1, 0.01])
