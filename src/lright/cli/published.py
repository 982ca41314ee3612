"""`lright recipes` and `lright compare`: what others published."""

from __future__ import annotations

import sys

from ..errors import LrightError, UsageError
from .options import one_of, parse, parser_of, say, training_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..advise.recipes import Recipe


def recipes(arguments: list[str]) -> int:
    """List published recipes, all or those about some words; or show one in full: curve, facts, source, code."""
    from ..advise import recipes as known
    from ..render import recipes as drawn
    from ..render.screen import screen_of

    asked = parse(_recipes_parser(), arguments)
    text, screen = " ".join(asked.paths), screen_of(sys.stdout)
    found = known.named(text) or known.having(text) or [known.recipe(text)]
    if len(found) == 1:
        print(drawn.page_command(found[0], screen, asked.framework, asked.output, asked.format))
    elif asked.output or asked.framework or asked.format not in (None, "text", "json"):
        raise UsageError("--framework, --output and the formats of pictures are for one recipe: name it")
    elif asked.format == "json":
        print(drawn.as_json(found))
    else:
        say(drawn.table(found, screen))
    return 0


def _recipes_parser() -> argparse.ArgumentParser:
    from ..render.recipes import FORMATS as formats

    parser = parser_of("recipes", "[NAME|WORDS...] [OPTIONS]", recipes)
    parser.add_argument("paths", nargs="*", metavar="NAME|WORDS", help="a recipe (gpt2), or what it is about (bert)")
    code = "the whole training as code for it: torch, transformers, keras ..."
    parser.add_argument("--framework", type=_exported, metavar="NAME", help=code)
    parser.add_argument("-o", "--output", metavar="FILE", help="write the curve to a file: .svg, .png, .html or .csv")
    shown = f"how to show it: {', '.join(formats)}"
    parser.add_argument("--format", type=one_of(formats), metavar="FORMAT", help=shown)
    return parser


def _exported(word: str) -> str:
    from ..schedule.export import FRAMEWORKS as frameworks

    return one_of(frameworks)(word)


def compare(arguments: list[str]) -> int:
    """Compare two schedules: recipes by name, schedules in words, or constructors as `lright plot` takes them."""
    from ..render.plot import Options
    from ..render.recipes import compare_command
    from ..render.screen import screen_of

    asked = parse(_compare_parser(), arguments)
    if len(asked.paths) != 2:
        raise UsageError(f"two schedules are compared, not {len(asked.paths)}: lright compare resnet50 vit-b16")
    known = Options(**{name: getattr(asked, name) for name in Options._fields})
    found = [_recipe_or_none(spec) for spec in asked.paths]
    print(compare_command(asked.paths, found, known, screen_of(sys.stdout), asked.output, asked.format))
    return 0


def _recipe_or_none(spec: str) -> Recipe | None:
    """The recipe that a spec names; None where it is a schedule. A word that is neither is no recipe."""
    from ..advise.recipes import find, recipe
    from ..schedule import Schedule

    found = find(spec)
    if found is None and spec.replace("-", "").replace("_", "").isalnum():
        try:
            Schedule.parse(spec)
        except LrightError:
            return recipe(spec)
    return found


def _compare_parser() -> argparse.ArgumentParser:
    from ..render.recipes import FORMATS as formats

    parser = parser_of("compare", "A B [OPTIONS]", compare)
    example = "gpt2, 'warmup 5ep > cosine to 0' or 'StepLR(30) every epoch'"
    parser.add_argument("paths", nargs="*", metavar="A B", help=example)
    training_options(parser.add_argument_group("the training, where it is not that of a recipe").add_argument)
    drawn = parser.add_argument_group("the comparison").add_argument
    drawn("-o", "--output", metavar="FILE", help="write the curves to a file: .svg, .png, .html, .csv or .json")
    drawn("--format", type=one_of(formats), metavar="FORMAT", help=f"how to show it: {', '.join(formats)}")
    return parser
