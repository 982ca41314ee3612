"""Published recipes: by name, and the nearest ones to a setting.

>>> goyal = recipe("resnet50-goyal-8k")
>>> lr = goyal.resolve()
>>> lr(0), lr(785), round(lr(30 * 157), 3)
(0.1, 3.2, 0.32)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ..clock import Budget
from ..errors import UsageError
from ..knowledge import load
from ..knowledge.lookup import architecture
from ..records import field, record
from ..schedule import Schedule
from ..setting import closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..schedule import Resolved
    from ..setting import Setting


@record(frozen=True, slots=True)
class Recipe:
    """One published recipe. ``schedule`` is in lright's text form, ``peak`` the LR that 1 stands for in it (that of
    the first parameter group, where ``groups`` has several), ``batch_size`` counts all processes. ``code`` is
    ``schedule`` in sequence where that multiplies. ``verified`` says where the values come from: read, second-hand or
    memory; ``memory`` names the fields that are from memory."""

    id: str
    title: str
    domain: str
    family: str
    dataset: str
    optimizer: Mapping[str, Any]
    peak: float
    schedule: str
    total: str
    stepped: str
    source: Mapping[str, str]
    verified: str
    aliases: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    groups: Mapping[str, float] = field(default_factory=dict)
    samples: int | None = None
    batch_size: int | None = None
    batch: str = ""
    sequence: int | None = None
    updates_per_epoch: int | None = None
    pretrained: bool = False
    adapter: str = "none"
    algorithm: str = ""
    scaling: str = "none"
    code: str = ""
    clip: float | None = None
    memory: tuple[str, ...] = ()
    notes: str = ""

    def parsed(self) -> Schedule:
        """The schedule as phases."""
        return Schedule.parse(self.schedule)

    def sequential(self) -> Schedule:
        """The schedule as phases in sequence only, which frameworks can do; nearly the same curve."""
        return Schedule.parse(self.code or self.schedule)

    def budget(self) -> Budget:
        """The training it was published for.

        >>> recipe("resnet50").budget().updates
        450450
        """
        return Budget(
            self.total,
            dataset=self.samples,
            batches_per_epoch=self.updates_per_epoch,
            batch_size=self.batch_size,
            tokens_per_sample=self.sequence,
        )

    def resolve(self) -> Resolved:
        """Its curve in the training it was published for.

        >>> lr = recipe("gpt2").resolve()
        >>> lr(2000), round(lr(600_000), 6)
        (0.0006, 6e-05)
        """
        return self.parsed().resolve(self.budget(), self.peak)

    def to_json(self) -> dict[str, Any]:
        """Plain dicts and lists."""
        shown = {name: getattr(self, name) for name in self.__annotations__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in shown.items()}


@cache
def recipes() -> tuple[Recipe, ...]:
    """All of them, in the order in which they are listed."""
    return tuple(_recipe(entry) for entry in load("recipes").values())


def _recipe(entry: Mapping[str, Any]) -> Recipe:
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
    if isinstance(entry["peak"], dict):
        values["groups"] = entry["peak"]
        values["peak"] = next(iter(entry["peak"].values()))
    return Recipe(**values)


def recipe(name: str) -> Recipe:
    """The recipe that is called ``name``, or has it as another name.

    :raises UsageError: if there is none; the message names the closest.
    """
    found = find(name)
    if found is None:
        near = closest(_plain(name), _names())
        hint = f": did you mean {near!r}?" if near else ""
        raise UsageError(f"no recipe is called {name!r}{hint}; 'lright recipes' lists them")
    return found


def find(name: str) -> Recipe | None:
    """The recipe that is called ``name``, None where there is none."""
    return _names().get(_plain(name))


@cache
def _names() -> dict[str, Recipe]:
    """Every name to its recipe; a recipe's own name goes before another's second name."""
    aliases = {_plain(alias): one for one in recipes() for alias in one.aliases}
    return {**aliases, **{one.id: one for one in recipes()}}


def _plain(name: str) -> str:
    return "-".join(name.lower().replace("_", "-").split())


def named(name: str) -> list[Recipe]:
    """The recipe whose own name this is, if there is one."""
    return [one for one in recipes() if one.id == _plain(name)]


def having(words: str) -> list[Recipe]:
    """The recipes that all of ``words`` are about.

    >>> [one.id for one in having("bert adamw")]
    ['bert-pretrain', 'bert-finetune']
    """
    return [one for one in recipes() if all(_plain(word) in _about(one) for word in words.split())]


def _about(one: Recipe) -> str:
    tuned = "fine-tuning finetuning pretrained" if one.pretrained else ""
    parts = (one.id, *one.aliases, *one.models, one.title, one.domain, one.family, one.dataset, one.adapter,
             str(one.optimizer["name"]), one.schedule, one.source["title"], tuned)  # fmt: skip
    return " ".join(_plain(part) for part in parts)


# The nearest to a setting.

_SGD = ("sgd", "lars", "nag", "momentum")


def matching(setting: Setting) -> list[Recipe]:
    """The recipes of this kind of training, the nearest first: the same model, then the same task and network,
    from the same kind of start, with the same kind of optimizer.

    >>> from lright.setting import Setting
    >>> [one.id for one in matching(Setting.of(model="ResNet-50", batch_size=8192, optimizer="sgd"))][:2]
    ['resnet50-goyal-8k', 'resnet50']
    """
    usual = _usual(setting)
    ranked = [(_nearness(one, setting, one is usual), -place, one) for place, one in enumerate(recipes())]
    return [one for near, _, one in sorted(ranked, key=lambda entry: entry[:2], reverse=True) if near >= _ENOUGH]


_ENOUGH = 20.0  # the same task, or the same model
_SAME_MODEL = 60.0


def _usual(setting: Setting) -> Recipe | None:
    """What the architecture is usually trained with."""
    known = architecture(setting.text("model"))
    adapted = setting.text("adapter") in ("lora", "qlora")
    return find(known.get("adapter_recipe" if adapted else "recipe", ""))


def _nearness(one: Recipe, setting: Setting, usual: bool) -> float:
    """How near a recipe is to a setting; what nobody said counts for nothing."""
    if not any(setting.get(fact) for fact in ("model", "domain", "family", "algorithm")):
        return 0.0
    score = _model_nearness(one, setting.text("model"))
    score = max(score, _SAME_MODEL) + 2 if usual else score
    score += _agree(setting.get("domain"), one.domain, 20, -30)
    score += _agree(setting.get("family"), one.family, 10, -10)
    score += _agree(bool(setting.get("pretrained")), one.pretrained, 15, -25)
    score += _agree(setting.get("adapter") or "none", one.adapter, 5, -20)
    score += _agree(setting.text("algorithm").lower() or None, one.algorithm, 20, -20)
    optimizer = setting.text("optimizer").lower()
    if optimizer:
        score += 5 if optimizer == one.optimizer["name"] else 0
        score += 8 if (optimizer in _SGD) == (one.optimizer["name"] in _SGD) else -8
    dataset = setting.text("dataset").lower().replace("-", "")
    if dataset and dataset in one.dataset.lower().replace("-", ""):
        score += 6
    return score + _batch_nearness(one, setting)


def _model_nearness(one: Recipe, name: str) -> float:
    """Most for its first name, less for the name of its family."""
    squeezed = _squeezed(name)
    models = [_squeezed(model) for model in one.models]
    if not squeezed:
        return 0.0
    if squeezed in models:
        return _SAME_MODEL - 10.0 * models.index(squeezed)
    return 25.0 if any(squeezed.startswith(model) for model in models) else 0.0


def _squeezed(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())


def _agree(said: object, published: object, yes: float, no: float) -> float:
    if said is None:
        return 0.0
    return yes if said == published else no


def _batch_nearness(one: Recipe, setting: Setting) -> float:
    """Up to 4, for a global batch of about the same size."""
    batch = setting.number("batch_size")
    if batch is None or one.batch_size is None:
        return 0.0
    batch *= (setting.number("accumulation") or 1) * (setting.number("processes") or 1)
    apart = max(batch, one.batch_size) / min(batch, one.batch_size)
    return 4.0 / apart
