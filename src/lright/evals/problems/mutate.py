"""Faults put into any clean script: edits of its text at places that its syntax tree shows.

Each operator takes the script as a :class:`Text` and yields versions that differ from it by one mistake. Whether a
version is a mistake is not decided here: :mod:`.repair` keeps those whose learning rate changes or that a rule names.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cached_property

SCHEDULER = re.compile(r"(?:LR|Scheduler|WarmRestarts|ReduceLROnPlateau|get_(?:\w+_)?schedule(?:r|_with_warmup)?)$")
OPTIMIZER = re.compile(r"^(?:SGD|Adam|AdamW|RMSprop|NAdam|RAdam|Adagrad|Adadelta|Adafactor|Lion|LAMB|Lamb)$")
LENGTHS = ("T_max", "total_iters", "num_training_steps", "total_steps", "epochs", "T_0", "step_size")
Span = tuple[int, int]  # offsets in the text


class Text:
    """A script's text and tree, and what an operator asks of them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line))
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def offset(self, line: int, column: int) -> int:
        """The place of a node in the text: columns of a tree count bytes."""
        return self._starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode("utf-8", "ignore"))

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> Span:
        """Where a node stands."""
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno or node.lineno, node.end_col_offset or 0),
        )

    def of(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def put(self, node: ast.expr | ast.keyword, new: str) -> str:
        """The script with another text for an expression."""
        start, end = self.span(node)
        return self.text[:start] + new + self.text[end:]

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call, in the order of the text."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]
        return sorted(found, key=lambda call: (call.lineno, call.col_offset))

    def made(self, pattern: re.Pattern[str]) -> list[tuple[str, ast.Assign, ast.Call]]:
        """Statements ``name = Class(...)`` of classes by their last name."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and len(node.targets) == 1:
                if pattern.search(last(node.value.func)):
                    found.append((ast.unparse(node.targets[0]), node, node.value))
        return sorted(found, key=lambda item: item[1].lineno)

    @cached_property
    def ticks(self) -> list[ast.Expr]:
        """The statements that step a scheduler: by its name, or one that is called like one."""
        known = {last_of(name) for name, _, _ in self.made(SCHEDULER)}
        found = []
        for call in self.calls:
            parent = self.parents.get(call)
            if isinstance(parent, ast.Expr) and isinstance(call.func, ast.Attribute) and call.func.attr == "step":
                name = last(call.func.value)
                if name in known or re.search(r"sched|^lrs$|lr_", name):
                    found.append(parent)
        return found

    def loops(self, node: ast.AST) -> list[ast.For | ast.While]:
        """The loops around a node in its function, the innermost first."""
        found: list[ast.For | ast.While] = []
        above = self.parents.get(node)
        while above is not None and not isinstance(above, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            if isinstance(above, (ast.For, ast.While)):
                found.append(above)
            above = self.parents.get(above)
        return found

    def without(self, statement: ast.stmt) -> list[str]:
        """The lines with a statement blanked, or ``pass`` in its place where its block would be empty."""
        lines = list(self.lines)
        first, end = statement.lineno - 1, statement.end_lineno or statement.lineno
        alone = self._alone(statement)
        indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
        lines[first:end] = [f"{indent}pass\n" if alone else "", *[""] * (end - first - 1)]
        return lines

    def _alone(self, statement: ast.stmt) -> bool:
        parent = self.parents.get(statement)
        blocks = [getattr(parent, name, None) for name in ("body", "orelse", "finalbody")]
        return any(isinstance(block, list) and block == [statement] for block in blocks)

    def moved(self, statement: ast.stmt, after: ast.stmt, indent: int, before: bool = False) -> str:
        """The script with a statement taken out and put after (or before) another, at a column."""
        return self.with_line(self.without(statement), self.of(statement), after, indent, before)

    def with_line(
        self, lines: list[str], text: str, beside: ast.stmt, indent: int | None = None, before: bool = False
    ) -> str:
        """Lines with one more after (or before) a statement."""
        column = beside.col_offset if indent is None else indent
        at = (beside.lineno if before else (beside.end_lineno or beside.lineno) + 1) - 1
        body = " " * column + text.rstrip("\n") + "\n"
        if at and lines[at - 1] and not lines[at - 1].endswith("\n"):
            lines[at - 1] += "\n"
        return "".join([*lines[:at], body, *lines[at:]])

    def lengths(self) -> list[tuple[ast.Call, ast.keyword]]:
        """The keyword arguments of schedulers that are lengths."""
        return [
            (call, keyword)
            for call in self.calls
            if SCHEDULER.search(last(call.func))
            for keyword in call.keywords
            if keyword.arg in LENGTHS
        ]

    @cached_property
    def loader(self) -> str:
        """What the innermost training loop runs over, as an expression for ``len``."""
        for call in self.calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr == "backward":
                loops = self.loops(call)
                if loops and isinstance(loops[0], ast.For):
                    return loader_of(loops[0].iter)
        return ""


def last(node: ast.expr) -> str:
    """The last name of a dotted expression."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def last_of(name: str) -> str:
    """The last name of a dotted name as text."""
    return name.rsplit(".", 1)[-1]


def loader_of(node: ast.expr) -> str:
    """The loader in what a loop runs over: ``dl`` of ``enumerate(tqdm(dl))``; empty where it is no name."""
    while isinstance(node, ast.Call) and node.args and last(node.func) in ("enumerate", "tqdm", "zip"):
        node = node.args[0]
    return ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute)) else ""


# -- the operators ----------------------------------------------------------------------------------------------------

Operator = Callable[[Text], Iterator[str]]


def tick_into_batch_loop(text: Text) -> Iterator[str]:
    """An epoch's step of the scheduler, moved into the batch loop."""
    for tick in text.ticks:
        loops = text.loops(tick)
        if len(loops) != 1 or tick not in loops[0].body or tick_argument(tick):
            continue
        inner = [one for one in loops[0].body if isinstance(one, ast.For) and one.lineno < tick.lineno]
        inner = [one for one in inner if any(isinstance(node, ast.Attribute) and node.attr == "backward"
                                             for node in ast.walk(one))]  # fmt: skip
        if inner:
            yield text.moved(tick, inner[-1].body[-1], inner[-1].body[-1].col_offset)


def tick_out_of_batch_loop(text: Text) -> Iterator[str]:
    """A batch's step of the scheduler, moved to the end of the epoch."""
    for tick in text.ticks:
        loops = text.loops(tick)
        if len(loops) == 2 and not tick_argument(tick):
            yield text.moved(tick, loops[0], loops[0].col_offset)


def tick_before_update(text: Text) -> Iterator[str]:
    """The step of the scheduler at the head of its loop, before any update."""
    for tick in text.ticks:
        loops = text.loops(tick)
        if loops and tick in loops[0].body and tick is not loops[0].body[0] and not tick_argument(tick):
            yield text.moved(tick, loops[0].body[0], loops[0].body[0].col_offset, before=True)


def tick_twice(text: Text) -> Iterator[str]:
    """The step of the scheduler, written a second time."""
    for tick in text.ticks:
        if not tick_argument(tick):
            yield text.with_line(list(text.lines), text.of(tick), tick)


def tick_removed(text: Text) -> Iterator[str]:
    """The scheduler is never stepped."""
    for tick in text.ticks:
        yield "".join(text.without(tick))


def length_in_batches(text: Text) -> Iterator[str]:
    """A length in epochs, given in batches."""
    for _, keyword in text.lengths():
        if text.loader and keyword.arg in ("T_max", "total_iters") and "len(" not in text.of(keyword.value):
            yield text.put(keyword.value, f"{atom(text.of(keyword.value))} * len({text.loader})")


def length_in_epochs(text: Text) -> Iterator[str]:
    """A length in batches, given in epochs."""
    for _, keyword in text.lengths():
        bare = re.sub(r"\s*\*\s*len\([\w.]+\)|len\([\w.]+\)\s*\*\s*", "", text.of(keyword.value))
        if bare != text.of(keyword.value):
            yield text.put(keyword.value, bare)


def length_cut(text: Text) -> Iterator[str]:
    """A length that is a third of what it was."""
    for _, keyword in text.lengths():
        if keyword.arg != "step_size":
            yield text.put(keyword.value, f"{atom(text.of(keyword.value))} // 3")


def length_stretched(text: Text) -> Iterator[str]:
    """A length that is four times what it was."""
    for _, keyword in text.lengths():
        yield text.put(keyword.value, f"{atom(text.of(keyword.value))} * 4")


def milestones_past_the_end(text: Text) -> Iterator[str]:
    """Milestones that are never reached."""
    for call in text.calls:
        for keyword in call.keywords:
            if last(call.func) == "MultiStepLR" and keyword.arg == "milestones":
                if isinstance(keyword.value, (ast.List, ast.Tuple)):
                    later = [f"{atom(text.of(one))} * 4" for one in keyword.value.elts]
                    numbers = [getattr(one, "value", None) for one in keyword.value.elts]
                    if all(isinstance(number, int) for number in numbers):
                        later = [str(int(number) * 4) for number in numbers if number is not None]
                    yield text.put(keyword.value, f"[{', '.join(later)}]")


def gamma_changed(text: Text) -> Iterator[str]:
    """A factor that hardly decays, or one that raises the rate."""
    for call in text.calls:
        for keyword in call.keywords:
            if keyword.arg == "gamma" and SCHEDULER.search(last(call.func)):
                for new in ("1.0", "1.1", "0.999"):
                    yield text.put(keyword.value, new)


def warmup_not_subtracted(text: Text) -> Iterator[str]:
    """The length of what follows a warmup, not shortened by it."""
    for _, keyword in text.lengths():
        value = keyword.value
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub):
            yield text.put(value, text.of(value.left))


def mode_reversed(text: Text) -> Iterator[str]:
    """A plateau scheduler that waits for the wrong direction."""
    for call in text.calls:
        if last(call.func) != "ReduceLROnPlateau":
            continue
        mode = next((keyword for keyword in call.keywords if keyword.arg == "mode"), None)
        if mode is None:
            _, end = text.span(call)
            yield f'{text.text[: end - 1]}, mode="max"{text.text[end - 1 :]}'
        elif isinstance(mode.value, ast.Constant):
            yield text.put(mode.value, '"min"' if mode.value.value == "max" else '"max"')


def metric_dropped(text: Text) -> Iterator[str]:
    """A plateau scheduler that is stepped without its metric."""
    for tick in text.ticks:
        argument = tick_argument(tick)
        if argument is not None:
            yield text.put(argument, "")


def metric_of_training(text: Text) -> Iterator[str]:
    """A plateau scheduler that is fed the training loss."""
    for tick in text.ticks:
        argument = tick_argument(tick)
        if argument is not None and re.search(r"val|test|eval", text.of(argument)):
            for name in ("train_loss", "loss.item()", "loss"):
                if re.search(rf"\b{name.split('.')[0]}\b", text.text):
                    yield text.put(argument, name)


def optimizer_made_again(text: Text) -> Iterator[str]:
    """The optimizer, made again after the scheduler was built on it."""
    optimizers = {name: node for name, node, _ in text.made(OPTIMIZER)}
    for _, node, call in text.made(SCHEDULER):
        name = ast.unparse(call.args[0]) if call.args else ""
        if name in optimizers:
            again = optimizers[name]
            if again.col_offset == node.col_offset and again.lineno < node.lineno:
                yield text.with_line(list(text.lines), text.of(again), node)


def scheduler_made_every_epoch(text: Text) -> Iterator[str]:
    """The scheduler, made again in every epoch."""
    for name, node, _ in text.made(SCHEDULER):
        for tick in text.ticks:
            loops = text.loops(tick)
            if tick.lineno > node.lineno and text.of(tick).startswith(name + ".") and loops and not text.loops(node):
                first = loops[-1].body[0]
                yield text.moved(node, first, first.col_offset, before=True)


def state_not_restored(text: Text) -> Iterator[str]:
    """A checkpoint whose scheduler is not restored."""
    for call in text.calls:
        parent = text.parents.get(call)
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == "load_state_dict"
            and isinstance(parent, ast.Expr)
        ):
            if re.search(r"sched|lrs", ast.unparse(call.func.value)):
                yield "".join(text.without(parent))


def gradients_not_zeroed(text: Text) -> Iterator[str]:
    """The gradients of all batches pile up. No rule speaks of it: it is looked for in the text."""
    for call in text.calls:
        parent = text.parents.get(call)
        if isinstance(call.func, ast.Attribute) and call.func.attr == "zero_grad" and isinstance(parent, ast.Expr):
            if text.text.count("zero_grad(") == 1 and text.loops(parent):
                yield "".join(text.without(parent))


def tick_argument(tick: ast.Expr) -> ast.expr | None:
    """What a scheduler is told at its step."""
    call = tick.value
    return call.args[0] if isinstance(call, ast.Call) and call.args else None


def atom(text: str) -> str:
    """An expression that can be multiplied."""
    return text if re.fullmatch(r"[\w.\[\]\"']+", text) else f"({text})"


OPERATORS: dict[str, Operator] = {
    one.__name__.replace("_", "-"): one
    for one in (
        tick_into_batch_loop, tick_out_of_batch_loop, tick_before_update, tick_twice, tick_removed, length_in_batches,
        length_in_epochs, length_cut, length_stretched, milestones_past_the_end, gamma_changed, warmup_not_subtracted,
        mode_reversed, metric_dropped, metric_of_training, optimizer_made_again, scheduler_made_every_epoch,
        state_not_restored, gradients_not_zeroed,
    )
}  # fmt: skip
