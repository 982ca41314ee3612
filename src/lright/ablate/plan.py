"""What is to be run: schedules x peaks x seeds, and the name under which each run is kept."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import LrightError, ReadError, UsageError
from ..records import record
from ..schedule import Schedule
from .job import OWN, Cell, Job, Peak

FORMAT = 1  # of what is kept: runs of another one are run again
# Half a decade from one peak to the next, in round numbers: our judgement. The loss over the log of the peak is a bowl
# that changes visibly over a factor of 3 and little over one of 1.5.
LADDER = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
SEED = "{seed}"  # in an argument of the script: the seed of the run


@record(frozen=True)
class Plan:
    """An ablation. ``mode`` is "min" or "max"; ``take`` says which value of the metric counts, "final" or "best"."""

    script: str
    arguments: tuple[str, ...]
    schedules: tuple[str, ...]
    peaks: tuple[Peak, ...]
    seeds: tuple[int, ...]
    metric: str
    mode: str
    take: str = "final"
    module: bool = False  # the script is named as for python -m

    @property
    def baseline(self) -> str:
        """What the others are compared with: the script's own schedule, or the first one."""
        return OWN if OWN in self.schedules else self.schedules[0]

    @property
    def untouched(self) -> Job | None:
        """The script as it stands, which is run first: it shows that it runs, how long it takes, and its own peak.

        None where its schedule is not among those that are compared.
        """
        return Job(Cell(OWN, Peak(factor=1)), self.seeds[0]) if OWN in self.schedules else None

    def jobs(self) -> list[Job]:
        """All runs, seed by seed: whenever it is stopped, the schedules have been through nearly the same."""
        grid = [Job(Cell(s, peak), seed) for seed in self.seeds for peak in self.peaks for s in self.schedules]
        first = self.untouched
        return [first, *(job for job in grid if job != first)] if first else grid

    def arguments_of(self, job: Job) -> tuple[str, ...]:
        """The script's arguments in a run."""
        return tuple(argument.replace(SEED, str(job.seed)) for argument in self.arguments)

    def keys(self) -> dict[Job, str]:
        """The name of each run: a hash of all that decides what comes out of it."""
        script = _file_of(self.script) if self.module else Path(self.script)
        texts = [(path.name, path.read_bytes().hex()) for path in sources(script, Path() if self.module else None)]
        common = json.dumps([FORMAT, texts, self.metric])
        return {job: _digest(common, self.arguments_of(job), job) for job in self.jobs()}


def _digest(common: str, arguments: Sequence[str], job: Job) -> str:
    text = json.dumps([common, arguments, job.cell.schedule, job.cell.peak.factor, job.cell.peak.lr, job.seed])
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _file_of(module: str) -> Path:
    """The file of a module that is found from this folder; ReadError where there is none."""
    path = Path(*module.split("."))
    found = [file for file in (path.with_suffix(".py"), path / "__main__.py") if file.is_file()]
    if not found:
        raise ReadError(module, "is no module in this folder: lright ablate reads it to know when it has changed")
    return found[0]


def sources(script: Path, folder: Path | None = None) -> list[Path]:
    """The script, the modules beside it that it imports, and those that they import: a change in any is another run.

    Beside it means in ``folder``, which is that of the script. What is imported from elsewhere, or by a name made at
    run time, is not seen. Raises ReadError for no script.
    """
    if not script.is_file():
        raise ReadError(str(script), "is no file: name the training script")
    found, folder = [script], script.parent if folder is None else folder
    for path in found:
        for name in _imported(path):
            for beside in (folder / f"{name}.py", *sorted((folder / name).glob("**/*.py"))):
                if beside.is_file() and beside not in found:
                    found.append(beside)
    return found


def _imported(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # the run will say so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from [node.module.split(".")[0]] if node.module else (alias.name for alias in node.names)


# Reading what was asked for


def read_schedules(texts: Sequence[str]) -> tuple[str, ...]:
    """The schedules in lists of them. "own" is the script's; the others are brought to their usual spelling.

    A comma separates schedules, unless what follows is a number of a list that a schedule has in it.

    >>> read_schedules(["own,cosine to 0", "multi-step at 30ep, 60ep gamma 0.1,1-sqrt to 0"])
    ('own', 'cosine to 0', 'multi-step at 30ep, 60ep gamma 0.1', '1-sqrt to 0')
    """
    schedules: list[str] = []
    for text in texts:
        for piece in text.split(","):
            if schedules and not _begins(piece):
                schedules[-1] += "," + piece
            elif piece.strip():
                schedules.append(piece)
    read = [text.strip() if text.strip() == OWN else str(Schedule.parse(text.strip())) for text in schedules]
    if not read:
        raise UsageError("no schedule is named: --schedules own,'cosine to 0'")
    twice = next((one for one in read if read.count(one) > 1), None)
    if twice is not None:
        raise UsageError(f"--schedules has {twice!r} twice")
    return tuple(read)


def _begins(piece: str) -> bool:
    """Whether a piece between commas is a schedule, not a further number of the one before."""
    text = piece.strip()
    if not text or text[0].isalpha() or text[0] == "(":
        return True
    try:
        Schedule.parse(text)
    except LrightError:
        return False
    return True


def read_peaks(text: str, around: float | None = None) -> tuple[Peak, ...]:
    """A number of peaks half a decade apart around the script's own LR, or around ``around``; or a list of LRs.

    >>> [str(peak) for peak in read_peaks("3")], [str(peak) for peak in read_peaks("2", around=0.02)]
    (['x0.3', 'own LR', 'x3'], ['0.02', '0.06'])
    >>> [str(peak) for peak in read_peaks("1e-3,3e-3")]
    ['0.001', '0.003']
    """
    if text.strip().isdigit():
        count = int(text)
        if not 1 <= count <= len(LADDER):
            raise UsageError(f"--peaks {count}: give 1 to {len(LADDER)} peaks, or LRs such as 1e-3,3e-3")
        first = len(LADDER) // 2 - (count - 1) // 2
        factors = LADDER[first : first + count]
        return tuple(Peak(factor) if around is None else Peak(lr=float(f"{factor * around:.3g}")) for factor in factors)
    lrs = sorted({_rate(word) for word in text.split(",") if word.strip()})
    if not lrs:
        raise UsageError("--peaks is empty: give a number of peaks, or LRs such as 1e-3,3e-3")
    return tuple(Peak(lr=lr) for lr in lrs)


def _rate(word: str) -> float:
    try:
        lr = float(word)
    except ValueError:
        lr = -1.0
    if 0 < lr < float("inf"):
        return lr
    raise UsageError(f"--peaks: {word.strip()!r} is no learning rate: give a number of peaks, or LRs such as 1e-3,3e-3")


def read_seeds(text: str) -> tuple[int, ...]:
    """A number of seeds from 0, or a list of them.

    >>> read_seeds("3"), read_seeds("7,11"), read_seeds("5,")
    ((0, 1, 2), (7, 11), (5,))
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(word.isascii() and word.isdigit() for word in words) or words == ["0"] and "," not in text:
        raise UsageError(f"--seeds {text!r}: give a number of seeds from 1, or a list such as 0,1,2")
    return tuple(dict.fromkeys(map(int, words))) if "," in text else tuple(range(int(words[0])))


def found_peak(path: str) -> float:
    """The LR that `lright find` suggested, from the file it was saved to."""
    try:
        told = json.loads(Path(path).read_text("utf-8"))
        return _rate(str(told["suggestion"]))
    except OSError as error:
        raise ReadError(path, f"{error.strerror}: give the file that lright find --save wrote") from None
    except (ValueError, KeyError, TypeError, UsageError):
        raise ReadError(path, "is no result of lright find: give the file that lright find --save wrote") from None


# Kinds of metrics by the words of their names.
LOW = {"loss", "err", "error", "ppl", "perplexity", "nll", "mse", "rmse", "mae", "bpc", "bpb", "bits", "wer", "cer",
       "fid"}  # fmt: skip
HIGH = {"acc", "accuracy", "top1", "top5", "f1", "auc", "auroc", "map", "ap", "iou", "dice", "bleu", "rouge", "psnr",
        "ssim", "r2", "precision", "recall", "reward", "return", "score", "em", "mcc"}  # fmt: skip


def direction(metric: str) -> str:
    """Whether a metric of this name is better "min" or "max". Raises UsageError where the name does not say.

    >>> direction("val_loss"), direction("eval/top1"), direction("valAcc")
    ('min', 'max', 'max')
    """
    parts = re.findall(r"[a-z]+[0-9]*", re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", metric).lower())
    words = [word.removeprefix("m") if word not in LOW | HIGH else word for word in parts]  # mIoU, mDice
    for word in reversed(words):  # the last word is what it is: "error_rate", but "val_acc_loss" is a loss
        if word in LOW:
            return "min"
        if word in HIGH:
            return "max"
    raise UsageError(f"--metric {metric!r}: is lower or higher better? Say --mode min or --mode max")


def checked(plan: Plan) -> Plan:
    """The plan, or a UsageError for one from which nothing could be learnt."""
    if len(plan.schedules) * len(plan.peaks) < 2:
        raise UsageError("one schedule at one peak leaves nothing to compare: name several with --schedules or --peaks")
    return plan
