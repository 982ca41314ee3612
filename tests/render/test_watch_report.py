"""The report at the end of a watched run: made of traces written here, told on a terminal and as JSON."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest

from lright.doctor import check_source
from lright.finding import Curve
from lright.render.screen import Screen, columns
from lright.render.watch import POINTS, as_dict, page, report_of, terminal, verdict
from lright.trace import Trace

Row = dict[str, Any]

BATCHES, EPOCHS = 20, 10
TOTAL = BATCHES * EPOCHS
FINDING = {"kind": "finding", "rule": "LR607", "slug": "diverged", "severity": "error", "update": 120,
           "message": "the loss is 40 times its lowest value"}  # fmt: skip


def cosine(update: int) -> float:
    return 0.05 + 0.05 * math.cos(math.pi * update / TOTAL)


def rows(
    rate: Callable[[int], float] = cosine, updates: int = TOTAL, first: int = 0, groups: int = 1, **end: Any
) -> Iterator[Row]:
    yield {"kind": "start", "format": "lright-trace", "version": 1, "run": "9f3a", "piece": 0, "script": "train.py"}
    yield {"kind": "optimizer", "optimizer": 0, "class": "SGD", "groups": [{"lr": 0.1, "parameters": 9}] * groups}
    for n in range(first, first + updates):
        if n % BATCHES == 0:
            yield {"kind": "epoch", "loader": 0, "epoch": n // BATCHES, "training": True, "update": n}
        yield {"kind": "update", "update": n, "lr": [rate(n)] * groups, "loss": 2 - n / TOTAL, "batch": n % BATCHES + 1}
        if n % BATCHES == BATCHES - 1:
            yield {"kind": "metric", "name": "val_acc", "value": n / TOTAL, "update": n + 1}
    yield {"kind": "end", "reason": "finished", "message": "", **end}


def predicted(rate: Callable[[int], float] = cosine, total: int = TOTAL, group: int = 0, **more: Any) -> Curve:
    return Curve(tuple((float(n), rate(n)) for n in range(total)), optimizer="optimizer", group=group, **more)


def text(trace: Trace, *curves: Curve, width: int = 80) -> str:
    lines = list(page(trace, Screen(width=width), curves))
    assert [line for line in lines if columns(line) > width] == []
    return "\n".join(lines)


def test_a_run_as_predicted() -> None:
    report = report_of(Trace.of(rows()), [predicted()], seconds=61.0)
    shown = list(terminal(report, Screen()))
    assert shown[:9] == [
        "train.py: 200 updates in 10 epochs, 1:01, finished",
        "",
        "                LR first  highest  last",
        "  SGD           0.1       0.1      6.17e-6",
        "",
        "  loss          1.98 at first, 1.03 at last, lowest 1.03 at update 195 (means of",
        "                10 updates)",
        "  val_acc       0.995 at last, highest 0.995 at update 200",
        "",
    ]
    assert shown[9] == "The learning rate was exactly as predicted by lright check"
    assert shown[-1] == "nothing wrong found"
    assert "as predicted by lright check" not in "".join(shown[10:])  # one line says it, the picture need not


def test_rounding_is_no_difference() -> None:
    said = verdict(report_of(Trace.of(rows(lambda n: cosine(n) * (1 + 1e-7))), [predicted()]))
    assert said == "The learning rate was as predicted by lright check: the largest relative difference is 1e-7"


def test_a_run_that_parts_from_the_prediction() -> None:
    trace = Trace.of([*rows(lambda n: cosine(n) * (0.1 if n >= 100 else 1)), FINDING])
    report = report_of(trace, [predicted()])
    [found] = report.compared
    assert (found.same_until, found.parts_at, found.places) == (99, 100, TOTAL)
    assert found.largest == pytest.approx(0.9)
    shown = text(trace, predicted())
    said = "parts from the one lright check predicted at update 100: 0.005 instead of 0.05 at 100"
    assert said in " ".join(shown.split())
    assert "·· lright check predicted" in shown
    assert shown.endswith("error LR607 diverged at update 120\n  the loss is 40 times its lowest value")


def test_a_thinned_prediction_says_between_which_updates_they_part() -> None:
    thin = Curve(predicted().points[::7], optimizer="optimizer")
    said = verdict(report_of(Trace.of(rows(lambda n: cosine(n) * (2 if n >= 100 else 1))), [thin]))
    assert "parts from the one lright check predicted between updates 98 and 105" in said


def test_a_constant_is_known_at_every_update() -> None:
    flat = Curve(((0.0, 0.1), (TOTAL - 1.0, 0.1)), optimizer="optimizer")
    assert report_of(Trace.of(rows(lambda n: 0.2 if n == 77 else 0.1)), [flat]).compared[0].parts_at == 77
    shown = text(Trace.of(rows(lambda n: 0.1)), flat)
    assert "exactly as predicted" in shown and "┤" not in shown


@pytest.mark.parametrize(
    ("updates", "ending"),
    [(50, "check; 50 of 200 predicted updates were made"), (205, "check; 5 updates more than predicted")],
)
def test_a_run_of_another_length(updates: int, ending: str) -> None:
    report = report_of(Trace.of(rows(updates=updates, reason="interrupted")), [predicted()])
    assert verdict(report).endswith(ending)
    assert next(terminal(report, Screen())).endswith(", interrupted")


def test_a_prediction_over_epochs() -> None:
    steps = Curve(tuple((float(e), 0.1 if e < 5 else 0.01) for e in range(EPOCHS)), "epoch", optimizer="optimizer")
    trace = Trace.of(rows(lambda n: 0.1 if n < 5 * BATCHES else 0.01))
    assert verdict(report_of(trace, [steps])) == "The learning rate was exactly as predicted by lright check"
    early = Trace.of(rows(lambda n: 0.1 if n < 4 * BATCHES else 0.01))
    assert "between updates 60 and 80" in verdict(report_of(early, [steps]))


def test_groups_with_the_same_rate_are_together() -> None:
    trace = Trace.of(rows(groups=3))
    shown = text(trace, predicted(group=1))
    assert "  SGD           0.1" in shown
    assert "The learning rate of group 1 was exactly as predicted" in shown
    other = Trace.of([{"kind": "update", "update": n, "lr": [0.1, 0.1, 0.01]} for n in range(9)])
    assert "  optimizer groups 0-1  0.1" in text(other)
    many = Trace.of([{"kind": "update", "update": n, "lr": [0.1 / (g + 1) for g in range(30)]} for n in range(9)])
    assert "  and 22 groups more, highest 0.00333 to 0.0111" in text(many)


def test_two_optimizers() -> None:
    both = [
        {"kind": "update", "optimizer": number, "update": n, "lr": [0.1 * (number + 1)]}
        for n in range(20)
        for number in (0, 1)
    ]
    generator = Curve(((0.0, 0.1), (19.0, 0.1)), optimizer="g")
    critic = Curve(((0.0, 0.3), (19.0, 0.3)), optimizer="d")
    assert len(report_of(Trace.of(both), [generator, critic]).compared) == 2
    said = text(Trace.of(both), generator, critic)
    assert "of group 0, optimizer 1, parts" in " ".join(said.split())
    assert "optimizer 0   0.1" in said
    assert "is about other optimizers or updates" in " ".join(text(Trace.of(both), generator).split())


def test_a_resumed_run_is_one_run() -> None:
    first, second = list(rows(updates=120))[:-1], list(rows(updates=100, first=100))
    report = report_of(Trace.of([*first, *second]), [predicted()])
    assert (report.pieces, report.updates, report.ended) == (2, TOTAL, "finished")
    assert report.curve is not None and [t for t, _ in report.curve.points] == [float(n) for n in range(TOTAL)]
    assert "2 pieces of one run" in next(terminal(report, Screen()))


def test_what_is_not_finite() -> None:
    good = [{"kind": "update", "update": n, "lr": [0.1], "loss": 1.0} for n in range(5)]
    bad = [{"kind": "update", "update": n, "lr": ["nan"], "loss": "nan"} for n in range(5, 9)]
    trace = Trace.of(
        [
            *good,
            *bad,
            {"kind": "metric", "name": "val_loss", "value": "inf", "update": 9},
            {"kind": "end", "reason": "crashed", "message": "RuntimeError: CUDA out of memory"},
        ]
    )
    flat = Curve(((0.0, 0.1), (8.0, 0.1)), optimizer="optimizer")
    shown = text(trace, flat)
    assert "4 NaN or infinite" in shown and "  RuntimeError: CUDA out of memory" in shown
    assert "parts from the one lright check predicted at update 5: nan instead" in " ".join(shown.split())
    data = valid(as_dict(trace, [flat]))
    assert data["compared"][0]["largest"] is None and data["compared"][0]["as_predicted"] is False


@pytest.mark.parametrize("given", [[], [{"kind": "start", "format": "lright-trace", "version": 1}], list(rows())[:2]])
def test_a_run_without_updates(given: list[Row]) -> None:
    assert "0 updates, no end is recorded" in text(Trace.of(given), predicted())
    assert valid(as_dict(Trace.of(given)))["curve"] is None


@pytest.mark.parametrize("width", [40, 60, 100])
def test_any_width(width: int) -> None:
    trace = Trace.of([*rows(groups=2), FINDING])
    assert text(trace, predicted(lambda n: 0.3), width=width)
    assert not set("".join(terminal(report_of(trace), Screen(unicode=False)))) & set("┤│⠒·")


def test_a_long_run_is_thinned_and_keeps_its_peaks() -> None:
    report = report_of(Trace.of(rows(lambda n: 9.0 if n == 4321 else 0.1, updates=20_000)))
    assert report.curve is not None and len(report.curve.points) <= POINTS + 2
    assert (4321.0, 9.0) in report.curve.points


def test_check_s_own_prediction() -> None:
    """The curve that the doctor draws of a script, against a training that does what torch does with it."""
    script = (
        "import torch\nfrom torch.optim.lr_scheduler import CosineAnnealingLR\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        f"scheduler = CosineAnnealingLR(optimizer, T_max={TOTAL})\n"
        f"for step in range({TOTAL}):\n    loss().backward()\n    optimizer.step()\n    scheduler.step()\n"
    )
    curves = check_source(script, "train.py").curves
    assert "as predicted by lright check" in verdict(report_of(Trace.of(rows()), curves))


# JSON


@functools.cache
def validator() -> Any:
    import jsonschema

    schema = json.loads(files("lright").joinpath("schemas/watch-v1.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def valid(data: object) -> Any:
    read = json.loads(json.dumps(data, allow_nan=False))
    validator().validate(read)
    return read


def test_the_json_form() -> None:
    trace = Trace.of([*rows(lambda n: cosine(n) * (0.1 if n >= 100 else 1)), FINDING])
    data = valid(as_dict(trace, [predicted()], 12.5))
    assert (data["version"], data["updates"], data["epochs"], data["seconds"]) == (1, TOTAL, EPOCHS, 12.5)
    [rates] = data["rates"]
    assert (rates["optimizer"], rates["name"], rates["groups"]) == (0, "SGD", [0])
    assert (rates["first"], rates["last"], rates["highest_at"]) == (0.1, cosine(199) * 0.1, 0)
    assert data["metrics"][0]["better"] == "higher" and data["metrics"][0]["highest_at"] == TOTAL
    assert data["compared"][0]["parts_at"] == 100 and data["predicted_updates"] == TOTAL
    assert data["findings"] == [{name: value for name, value in FINDING.items() if name != "kind"}]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.update(version=2),
        lambda data: data.update(extra=1),
        lambda data: data["curve"][0].pop(),
        lambda data: data["findings"][0].update(severity="fatal"),
        lambda data: data["compared"][0].pop("as_predicted"),
    ],
)
def test_the_schema_refuses_what_is_not_version_1(spoil: Callable[[Any], None]) -> None:
    data = valid(as_dict(Trace.of([*rows(), FINDING]), [predicted()]))
    spoil(data)
    assert not validator().is_valid(data)
