# ruff: noqa: E501 - hostile scripts stand on one line each
"""Broken, odd and hostile scripts: checking never fails but with an LrightError, and never takes long.

``python -m tests.observe.test_fuzz 10000 [SEED]`` runs as many mutations as wanted.
"""

from __future__ import annotations

import ast
import io
import random
import sys
import time
import tokenize
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lright import rules
from lright.doctor import check_source
from lright.errors import LrightError

ROOT = Path(__file__).parent.parent.parent
SECONDS = 10.0  # what would be a hang; about 1 s is usual for the longest, 2 on a slow Python
NAMES = (
    "optimizer", "scheduler", "loader", "epochs", "step", "lr", "model", "args", "range", "len", "int", "min", "self",
    "torch", "epoch", "i", "x", "None", "True", "enumerate", "lambda_", "print", "super", "len_loader", "group",
)  # fmt: skip


@cache
def scripts() -> tuple[str, ...]:
    """Real-looking scripts: examples, the rules' own, the traps, and generated ones."""
    from benchmarks.planted import generate

    found = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").glob("*.py"))]
    for folder in ("traps", "truth"):
        found += [path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / "data" / folder).glob("*.py"))]
    found += [text for rule in rules.chosen((), ()) for text in (*rule.bad, *rule.good)]
    found += [case.source for case in generate(seed=3, per_rule=1)]
    return tuple(found)


def tokens(source: str) -> list[tuple[int, str]]:
    return [token[:2] for token in tokenize.generate_tokens(io.StringIO(source).readline)]


def one_token(source: str, chance: random.Random) -> str:
    """A token less, twice, or swapped with another."""
    found = tokens(source)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, other = chance.randrange(len(found)), chance.randrange(len(found))
        kind = chance.randrange(3)
        if kind == 0:
            del found[at]
        elif kind == 1:
            found.insert(at, found[at])
        else:
            found[at], found[other] = found[other], found[at]
    try:
        return tokenize.untokenize(found)
    except (ValueError, IndexError, AssertionError):  # indentation that makes no sense at all
        return " ".join(text for _, text in found)


class _Renamed(ast.NodeTransformer):
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if self.chance.random() < 0.06:
            node.id = self.chance.choice(NAMES)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if self.chance.random() < 0.03:
            node.attr = self.chance.choice(
                ("step", "lr", "param_groups", "dataset", "append", "x", "__dict__", "split")
            )
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if self.chance.random() < 0.08:
            odd = (0, -1, 1, 10**30, 0.0, -0.5, 1e308, "text", None, True, b"bytes", 2j, ..., float("inf"))
            return ast.Constant(self.chance.choice(odd))
        return node


def renamed(source: str, chance: random.Random) -> str:
    """Names, attributes and constants changed; f-strings are taken out, whose parts must be text."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.JoinedStr):
                setattr(node, name, ast.Constant("text"))
            elif isinstance(value, list):
                setattr(node, name, [ast.Constant("text") if isinstance(v, ast.JoinedStr) else v for v in value])
    return ast.unparse(_Renamed(chance).visit(tree))


def shuffled(source: str, chance: random.Random) -> str:
    """Statements of some bodies in another order, doubled, dropped, or moved into another body."""
    tree = ast.parse(source)
    found: list[Any] = [getattr(node, "body", None) for node in ast.walk(tree)]
    bodies = [body for body in found if isinstance(body, list)]
    for _ in range(chance.choice((1, 2, 5))):
        body, other = chance.choice(bodies), chance.choice(bodies)
        kind = chance.randrange(4)
        if kind == 0:
            chance.shuffle(body)
        elif kind == 1:
            body.insert(chance.randrange(len(body) + 1), chance.choice(body))
        elif kind == 2 and len(body) > 1:
            del body[chance.randrange(len(body))]
        elif not any(inner is other for node in body for inner in _bodies(node)):
            other.append(chance.choice(body))
    return ast.unparse(tree)


def _bodies(node: ast.AST) -> Iterator[object]:
    for inner in ast.walk(node):
        yield getattr(inner, "body", None)


MUTATIONS: Sequence[Callable[[str, random.Random], str]] = (one_token, renamed, shuffled)


def mutant(seed: int) -> str:
    chance = random.Random(seed)
    source = chance.choice(scripts())
    for _ in range(chance.choice((1, 1, 2))):
        try:
            source = chance.choice(MUTATIONS)(source, chance)
        except (SyntaxError, tokenize.TokenError, RecursionError):
            break
    return source


def trouble(source: str) -> str:
    """What is wrong with the answer for a script, or nothing."""
    begin = time.process_time()
    try:
        check_source(source, "train.py")
    except LrightError:
        pass
    except BaseException as error:
        return f"raises {type(error).__name__}: {error}"
    seconds = time.process_time() - begin
    return f"takes {seconds:.1f} s" if seconds > SECONDS else ""


@pytest.mark.parametrize("block", range(6))
def test_mutated_scripts_are_answered(block: int) -> None:
    for seed in range(block * 50, block * 50 + 50):
        source = mutant(seed)
        found = trouble(source)
        assert not found, f"mutation {seed} {found}\n{source}"


LOOP = """
import torch
model = torch.nn.Linear(2, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
{}
for epoch in range(3):
    opt.step()
"""
HOSTILE = {
    "huge power": "x = 10**10**8",
    "huge power of a name": "n = 9\nx = n ** n ** n ** n",
    "huge text": 'x = "a" * 10**9',
    "huge text the other way": 'x = 10**9 * "a"',
    "huge list": "x = [0] * 10**9",
    "huge list squared": "x = [0] * 4000\ny = x * 4000\nz = y * 4000",
    "huge range": "for i in range(10**12):\n    opt.step()",
    "huge range by a step": "for i in range(0, 10**12, 7):\n    if i % 3 == 1:\n        opt.step()",
    "huge listed range": "x = list(range(10**12))\ny = [i for i in range(10**12)]",
    "huge shift": "x = 1 << 10**10",
    "huge shift of a name": "n = 10**10\nx = 1 << n >> n",
    "huge multiplication": "x = 10**4000\n" + "x = x * x\n" * 40,
    "huge text grown": "x = 'ab'\n" + "x = x + x\n" * 60,
    "huge list grown": "x = [1, 2]\n" + "x = x + x\n" * 60,
    "huge padding": "x = f'{1:>1000000000}'\ny = 'a'.ljust(10**10)\nz = '%1000000000d' % 1",
    "huge factor in a schedule": "s = torch.optim.lr_scheduler.StepLR(opt, 10**400)\nfor e in range(9):\n    opt.step()\n    s.step()",
    "huge milestones": "s = torch.optim.lr_scheduler.MultiStepLR(opt, list(range(0, 10**9)))\nopt.step()\ns.step()",
    "many ticks": "s = torch.optim.lr_scheduler.OneCycleLR(opt, 0.1, 10**9)\nfor i in range(10**9):\n    opt.step()\n    s.step()",
    "many ticks one by one": (
        "s = torch.optim.lr_scheduler.MultiplicativeLR(opt, lambda t: 0.999)\nfor i in range(10**8):\n    opt.step()\n    s.step()"
    ),
    "a slow lambda": (
        "def f(t):\n    for i in range(10**7):\n        t = t * 0.5 + 1\n    return t\n"
        "s = torch.optim.lr_scheduler.LambdaLR(opt, f)\nfor i in range(1000):\n    opt.step()\n    s.step()"
    ),
    "nested comprehensions": "x = [[[[[[a for a in range(60)] for b in range(60)] for c in range(60)] for d in range(60)]"
    " for e in range(60)] for f in range(60)]",
    "nested dict comprehensions": "x = {a: {b: {c: {d: 0 for d in range(60)} for c in range(60)} for b in range(60)} for a in range(60)}",
    "deep parentheses": "x = " + "(" * 150 + "1" + ")" * 150,
    "deep lists": "x = " + "[" * 150 + "]" * 150,
    "deep negation": "x = " + "-" * 3000 + "1",
    "deep attribute": "x = opt" + ".a" * 3000,
    "deep calls": "x = opt" + ".a()" * 900,
    "long sum": "x = " + " + ".join(["1"] * 5000),
    "long sum of unknowns": "x = " + " + ".join(f"unknown_{i}" for i in range(900)),
    "long text sum": "x = " + " + ".join(["'a'"] * 900),
    "deep blocks": "".join(" " * i + f"if unknown_{i}:\n" for i in range(90)) + " " * 90 + "opt.step()",
    "deep loops": "".join(" " * i + f"for i{i} in range(9):\n" for i in range(19)) + " " * 19 + "opt.step()",
    "doubling branches": "n = 0\n" + "".join(f"if unknown_{i}:\n    n = n * 2 + {i}\nelse:\n    n = n + 1\n" for i in range(60)) + "for i in range(n):\n    opt.step()",
    "doubling names": "a0 = unknown\n" + "".join(f"a{i + 1} = a{i} + a{i}\n" for i in range(60)) + "for i in range(a60):\n    opt.step()",
    "doubling settings": "a0 = 3\n" + "".join(f"a{i + 1} = a{i} + a{i}\n" for i in range(60)) + "for i in range(a60):\n    opt.step()",
    "doubling choices": "".join(f"f{i} = opt if unknown_{i} else f{i - 1 if i else 0}\n" for i in range(60)) + "f59.step()",
    "doubling calls": "def f0():\n    opt.step()\n" + "".join(f"def f{i + 1}():\n    f{i}()\n    f{i}()\n" for i in range(30)) + "f30()",
    "elif chain": "if a == 0:\n    opt.step()\n" + "".join(f"elif a == {i}:\n    opt.step()\n" for i in range(1, 900)),
    "recursion": "def f(n):\n    opt.step()\n    return f(n - 1)\nf(10)",
    "mutual recursion": "def f(n):\n    return g(n)\ndef g(n):\n    opt.step()\n    return f(n)\nf(10)",
    "recursive lambda": "f = lambda n: f(n) + f(n - 1)\ns = torch.optim.lr_scheduler.LambdaLR(opt, f)\nfor i in range(5):\n    opt.step()\n    s.step()",
    "recursive property": "class A:\n    @property\n    def x(self):\n        return self.x + 1\nprint(A().x)",
    "recursive default": "def f(x=lambda: f()):\n    return x()\nf()",
    "decorator that recurses": "def d(f):\n    return d(f)\n@d\ndef g():\n    opt.step()\ng()",
    "generator that recurses": "def g():\n    yield from g()\n    opt.step()\nfor x in g():\n    opt.step()",
    "class cycle": "class A(B):\n    pass\nclass B(A):\n    pass\nclass A(B):\n    pass\na = A()\na.step()\nsuper().x",
    "class of itself": "class A:\n    pass\nclass A(A):\n    def __init__(self):\n        super().__init__()\nA()",
    "instance in itself": "class A:\n    pass\na = A()\na.a = a\nprint(a.a.a)\nunknown(a)",
    "list in itself": "x = []\nx.append(x)\nunknown(x)\nfor y in x:\n    opt.step()",
    "dict in itself": "x = {}\nx['x'] = x\nunknown(x)\nunknown(**x)",
    "partial of itself": "from functools import partial\nf = print\nfor i in range(5):\n    f = partial(f, i)\nf()",
    "name of itself": "x = x\nfor i in range(x):\n    opt.step()",
    "loop that grows": "n = 1\nwhile n < 10**100:\n    n *= 2\n    opt.step()",
    "loop that never ends": "n = 1\nwhile n > 0:\n    n += 1\n    opt.step()\n    if n % 7 == 8:\n        break",
    "loops that break late": "n = 0\nfor a in range(10**6):\n    for b in range(10**6):\n        n += a * b % 3\n        opt.step()\n        if n > 10**9:\n            break",
    "division by nothing": "n = 0\nfor i in range(10 // n):\n    opt.step()\nx = 1 % 0\ny = 0 ** -1\nz = 1 / 0.0",
    "infinite trips": "for i in range(int(float('inf'))):\n    opt.step()\nfor j in range(float('nan')):\n    opt.step()",
    "negative trips": "for i in range(-5):\n    opt.step()",
    "trips of text": "for i in range('abc'):\n    opt.step()",
    "stars": "from torch import *\nfrom torch.optim import *\nfrom os import *\nfrom . import *\nfrom .. import x\nSGD(*a, **b).step()",
    "odd calls": "opt.step(*[1], **{'a': 1})\nprint(*opt, **opt)\ntorch.optim.SGD()\ntorch.optim.lr_scheduler.StepLR()",
    "odd arguments": "torch.optim.lr_scheduler.SequentialLR(opt, [], [])\ntorch.optim.lr_scheduler.ChainedScheduler([])\n"
    "torch.optim.lr_scheduler.MultiStepLR(opt, 5)\ntorch.utils.data.DataLoader(0, -1)\ntorch.utils.data.DataLoader(batch_size='a')",
    "odd parser": "import argparse\np = argparse.ArgumentParser()\np.add_argument()\np.add_argument(1)\np.add_argument('--a', type=int, default='x')\n"
    "p.add_argument('--b', nargs='*', choices=5)\nargs = p.parse_args()\nfor i in range(args.a):\n    opt.step()",
    "match": "match opt:\n    case {'a': 1, **rest}:\n        opt.step()\n    case [x, *y] if x:\n        opt.step()\n    case A(b=1) | None:\n        pass",
    "everything in one": "async def f():\n    async for x in y:\n        async with z as (a, *b):\n            await opt.step()\n"
    "try:\n    global g\n    del opt.x[0], g\nexcept* ValueError:\n    raise\n",
    "form feed and tabs": "if 1:\n\topt.step()\n\x0c\nopt.step()",
    "null": "x = '\\0'\n",
    "unicode": "größe = 3\nfor ε in range(größe):\n    opt.step()\nx = '\\ud800'",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_scripts_are_answered(name: str) -> None:
    assert not trouble(LOOP.replace("{}", HOSTILE[name]))


@pytest.mark.parametrize(
    "source", ["", "\n", "\ufeff", "x = (", "\x00", "print 'python 2'", "\t\n  x\n y", "x = '\ud800'", "#" * 9999]
)
def test_what_is_no_script_is_refused_or_empty(source: str) -> None:
    assert not trouble(source)


def test_very_long_scripts() -> None:
    body = "".join(f"value_{i} = {i} + len(model.layers[{i}].weights) * 2\nprint(value_{i})\n" for i in range(2500))
    begin = time.process_time()
    report = check_source(LOOP.replace("{}", body), "train.py")
    assert time.process_time() - begin < SECONDS
    assert report.curves  # what came after the long part was still read


def test_many_functions() -> None:
    body = "".join(f"def f{i}(x):\n    opt.step()\n    return x + {i}\n" for i in range(800))
    calls = "".join(f"f{i}({i})\n" for i in range(800))
    assert not trouble(LOOP.replace("{}", body + calls))


def main(count: int, seed: int) -> int:
    """Run mutations; print the ones that are trouble, and where the time goes."""
    bad, slowest = 0, 0.0
    begin = time.process_time()
    for number in range(seed, seed + count):
        source = mutant(number)
        start = time.process_time()
        found = trouble(source)
        slowest = max(slowest, time.process_time() - start)
        if found:
            bad += 1
            print(f"mutation {number}: {found[:200]}", flush=True)
    seconds = time.process_time() - begin
    print(f"{count} mutations, {bad} in trouble, {seconds / count * 1e3:.0f} ms each, slowest {slowest:.2f} s")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300, int(sys.argv[2]) if len(sys.argv) > 2 else 0))
