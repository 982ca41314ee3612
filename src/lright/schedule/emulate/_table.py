"""The names: which framework each scheduler belongs to, and what its arguments count."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TORCH = """
    LambdaLR MultiplicativeLR StepLR MultiStepLR ConstantLR LinearLR ExponentialLR PolynomialLR
    CosineAnnealingLR CosineAnnealingWarmRestarts CyclicLR OneCycleLR SWALR SequentialLR ChainedScheduler
    ReduceLROnPlateau
""".split()
TIMM = """
    CosineLRScheduler TanhLRScheduler PolyLRScheduler StepLRScheduler MultiStepLRScheduler WSDLRScheduler
    PlateauLRScheduler
""".split()
TRANSFORMERS = """
    get_scheduler get_constant_schedule get_constant_schedule_with_warmup get_linear_schedule_with_warmup
    get_cosine_schedule_with_warmup get_cosine_with_hard_restarts_schedule_with_warmup
    get_polynomial_decay_schedule_with_warmup get_inverse_sqrt_schedule
    get_cosine_with_min_lr_schedule_with_warmup get_cosine_with_min_lr_schedule_with_warmup_lr_rate
    get_wsd_schedule get_reduce_on_plateau_schedule get_greedy_schedule GreedyLR
""".split()

FRAMEWORKS = {
    **dict.fromkeys(TORCH, "torch"),
    **dict.fromkeys(TIMM, "timm"),
    **dict.fromkeys(TRANSFORMERS, "transformers"),
}
NAMES = frozenset(FRAMEWORKS)
# Where a scheduler is, if not in the module of its framework: only what is asked for is imported.
MODULES = {
    **dict.fromkeys(["CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR"], "_restarts"),
    **dict.fromkeys(["SequentialLR", "ChainedScheduler"], "_combined"),
    "ReduceLROnPlateau": "_plateau",
}

# What an argument of this name measures, in every scheduler that has it.
_COUNTS = {
    "ticks": """
        step_size total_iters T_max T_0 step_size_up step_size_down total_steps anneal_epochs patience
        cooldown warmup window_size num_warmup_steps num_training_steps num_decay_steps num_stable_steps
        timescale t_initial decay_t warmup_t patience_t cooldown_t stable_timescale
    """,
    "list of ticks": "milestones noise_range_t",
    "factor": "epochs steps_per_epoch",  # their product is a number of ticks
    "position": "last_epoch",  # ticks already taken
    "fraction": "pct_start",  # of the whole length
    "value": "eta_min base_lr max_lr min_lr swa_lr lr_end lr_min warmup_lr_init",  # an LR
    "ratio": """
        gamma factor start_factor end_factor T_mult div_factor final_div_factor min_lr_rate warmup_lr_rate
        min_lr_ratio cycle_mul cycle_decay decay_rate decay_ratio
    """,
    "function": "lr_lambda",  # of ticks
    "schedulers": "schedulers",
    "optimizer": "optimizer",
    "arguments": "scheduler_specific_kwargs",  # of another scheduler, by name
}
COUNTS = {name: kind for kind, names in _COUNTS.items() for name in names.split()}
_EXCEPTIONS = {("MultiStepLRScheduler", "decay_t"): "list of ticks"}
# Functions that hand all their keyword arguments to a class.
_PASSES_ON = {"get_reduce_on_plateau_schedule": "ReduceLROnPlateau", "get_greedy_schedule": "GreedyLR"}


class Parameter:
    """One parameter of a scheduler: its name, its default, whether it must be given, and what it counts.

    `counts` is "ticks", "list of ticks", "factor" (of a number of ticks: OneCycleLR's epochs and
    steps_per_epoch), "position" (ticks already taken), "fraction" (of the length), "value" (an LR),
    "ratio", "function", "schedulers", "optimizer", "arguments" (a dict of another scheduler's), or None.
    """

    __slots__ = ("counts", "default", "name", "required")

    def __init__(self, name: str, default: object, required: bool, counts: str | None) -> None:
        self.name = name
        self.default = default
        self.required = required
        self.counts = counts

    def __repr__(self) -> str:
        default = "" if self.required else f"={self.default!r}"
        return f"<{self.name}{default}: {self.counts}>"


def maker(name: str) -> Callable[..., Any]:
    """The class or function of that name."""
    from importlib import import_module

    module = import_module(f"{__package__}.{MODULES.get(name, f'_{FRAMEWORKS[name]}')}")
    made: Callable[..., Any] = getattr(module, name)
    return made


def parameters(name: str) -> tuple[Parameter, ...]:
    """The parameters of a known name, in order, read off the constructor itself."""
    shown = _PASSES_ON.get(name, name)
    made: Any = maker(shown)
    function = vars(made)["__init__"] if isinstance(made, type) else made
    code, defaults = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[: code.co_argcount]
    first_default = len(names) - len(defaults)
    skipped = 1 if isinstance(made, type) else 0
    found = []
    for index in range(skipped, len(names)):
        required = index < first_default
        default = None if required else defaults[index - first_default]
        counts = _EXCEPTIONS.get((shown, names[index]), COUNTS.get(names[index]))
        found.append(Parameter(names[index], default, required, counts))
    return tuple(found)


def bound(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, object]:
    """Arguments under their real names, defaults filled in, the optimizer left out."""
    known = [parameter for parameter in parameters(name) if parameter.name != "optimizer"]
    values: dict[str, object] = {parameter.name: parameter.default for parameter in known if not parameter.required}
    values.update(zip([parameter.name for parameter in known], args, strict=False))
    values.update({key: value for key, value in kwargs.items() if key != "optimizer"})
    return {parameter.name: values[parameter.name] for parameter in known}
