"""The answer of a range test: what to set, how sure, what for, and what was seen."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import LrightError
from ..records import field, record

FORMAT, VERSION = "lright-find", 1


@record(frozen=True)
class Curve:
    """One sweep: ``losses`` over ``lrs`` as they were seen, and ``smoothed`` (both NaN where there was none)."""

    lrs: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    smoothed: tuple[float, ...] = ()


@record(frozen=True)
class Trial:
    """One short training with the LR falling linearly from ``lr`` to 0.

    ``loss`` is what it is judged by: the ``validation`` loss at its end if there is one, otherwise the mean training
    loss of its last fifth; infinity if it ``diverged``.
    """

    lr: float
    loss: float
    validation: float | None = None
    diverged: bool = False
    steps: int = 0


@record(frozen=True)
class Use:
    """The LR for one purpose, and ``why``; ``groups``: that of each parameter group, where there are several."""

    lr: float
    why: str
    groups: tuple[float, ...] = ()


@record(frozen=True)
class LrFind:
    """The answer of a range test. LRs are those of the driven level: the parameter group with the largest LR.

    ``suggestion``: the LR to set, for a schedule that decays; the default of the optimizer's family where the test
    ``abstained``. ``interval``: (low, high) that should hold the best LR. ``confidence``: high, fair or low;
    ``chance``: how often, on our development tasks, such an interval held an LR within 5% of the best.
    ``curves``: one per sweep. ``unstable_from``: the LR where the loss began to rise for good, None if it never did.
    ``uses``: the LR for "decaying", "one_cycle", "constant" and "fine_tuning". ``notes``: what else is to be known.
    """

    suggestion: float
    abstained: bool
    interval: tuple[float, float]
    confidence: str
    chance: float
    reason: str
    curves: tuple[Curve, ...] = ()
    unstable_from: float | None = None
    trials: tuple[Trial, ...] = ()
    uses: Mapping[str, Use] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    optimizer: str = ""
    base_lrs: tuple[float, ...] = ()
    interrupted: bool = False

    @property
    def curve(self) -> Curve:
        """The first sweep: lrs, losses, smoothed."""
        return self.curves[0] if self.curves else Curve()

    def __str__(self) -> str:
        return self.plot()

    def __repr__(self) -> str:
        return f"<LrFind {self.suggestion:.3g}{' (abstained)' if self.abstained else ''}: {self.confidence} confidence>"

    def _repr_html_(self) -> str:
        from ..render.find import html

        return html(self)

    def plot(self, path: str | os.PathLike[str] | None = None, *, kind: str | None = None) -> str:
        """Draw it: as text for the terminal, or to a file ``path`` as svg, png (needs matplotlib), html or text.

        ``kind`` is "text", "svg", "html" or "png"; by default what the ending of ``path`` says, and text without one.
        Returns the text, the svg or the page, or for a file the path. Raises :class:`UsageError` for another kind.
        """
        from ..render.find import draw

        return draw(self, None if path is None else os.fspath(path), kind)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, version 1; the schema is ``lright/schemas/find-v1.schema.json``. No number is NaN: null is."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "suggestion": self.suggestion,
            "abstained": self.abstained,
            "interval": list(self.interval),
            "confidence": self.confidence,
            "chance": self.chance,
            "reason": self.reason,
            "unstable_from": self.unstable_from,
            "uses": {
                name: {"lr": use.lr, "why": use.why, "groups": list(use.groups)} for name, use in self.uses.items()
            },
            "notes": list(self.notes),
            "trials": [
                {
                    "lr": trial.lr,
                    "loss": _plain(trial.loss),
                    "validation": None if trial.validation is None else _plain(trial.validation),
                    "diverged": trial.diverged,
                    "steps": trial.steps,
                }
                for trial in self.trials
            ],
            "optimizer": self.optimizer,
            "base_lrs": list(self.base_lrs),
            "interrupted": self.interrupted,
            "curves": [
                {
                    "lrs": list(curve.lrs),
                    "losses": [_plain(loss) for loss in curve.losses],
                    "smoothed": [_plain(loss) for loss in curve.smoothed],
                }
                for curve in self.curves
            ],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LrFind:
        """The answer that :meth:`to_dict` wrote. Raises :class:`LrightError` for anything else."""
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            raise LrightError("this is no answer of `lright find`: write one with --output FILE.json, or found.save()")
        if data.get("version") != VERSION:
            raise LrightError(
                f"this answer of `lright find` has version {data.get('version')!r}, and this lright reads {VERSION}: "
                "run the test again, or update lright"
            )
        try:
            return cls._read(data)
        except (KeyError, TypeError, ValueError) as error:
            raise LrightError(
                f"this answer of `lright find` is damaged ({type(error).__name__}: {error}): run the test again"
            ) from None

    @classmethod
    def _read(cls, data: Mapping[str, Any]) -> LrFind:
        low, high = data["interval"]
        return cls(
            suggestion=float(data["suggestion"]),
            abstained=bool(data["abstained"]),
            interval=(float(low), float(high)),
            confidence=str(data["confidence"]),
            chance=float(data["chance"]),
            reason=str(data["reason"]),
            curves=tuple(
                Curve(_numbers(curve["lrs"]), _numbers(curve["losses"]), _numbers(curve["smoothed"]))
                for curve in data["curves"]
            ),
            unstable_from=None if data["unstable_from"] is None else float(data["unstable_from"]),
            trials=tuple(
                Trial(
                    float(trial["lr"]),
                    math.inf if trial["loss"] is None else float(trial["loss"]),
                    None if trial["validation"] is None else float(trial["validation"]),
                    bool(trial["diverged"]),
                    int(trial["steps"]),
                )
                for trial in data["trials"]
            ),
            uses={
                str(name): Use(float(use["lr"]), str(use["why"]), _numbers(use["groups"]))
                for name, use in data["uses"].items()
            },
            notes=tuple(map(str, data["notes"])),
            optimizer=str(data["optimizer"]),
            base_lrs=_numbers(data["base_lrs"]),
            interrupted=bool(data["interrupted"]),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON, for ``lright plan --from-find`` and :meth:`load`."""
        text = json.dumps(self.to_dict(), allow_nan=False)
        try:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text + "\n")
        except OSError as error:
            raise LrightError(f"cannot write {os.fspath(path)}: {error.strerror}") from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LrFind:
        """Read what :meth:`save` wrote. Raises :class:`LrightError` if that is not what the file holds."""
        name = os.fspath(path)
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except OSError as error:
            raise LrightError(f"cannot read {name}: {error.strerror}") from None
        except ValueError as error:
            raise LrightError(f"{name} is no JSON ({error}): give what `lright find --output` wrote") from None
        return cls.loads(text, name)

    @classmethod
    def loads(cls, text: str, name: str) -> LrFind:
        """The same of the text of the file that is called ``name``."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise LrightError(f"{name} is no JSON ({error}): give what `lright find --output` wrote") from None
        try:
            return cls.from_dict(data)
        except LrightError as error:
            raise LrightError(f"{name}: {error}") from None


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _numbers(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if value is None else float(value) for value in values)
