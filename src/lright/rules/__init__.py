"""The catalogue of mistakes: one file a rule (``RULES`` below is their list, in the order of their numbers)."""

from __future__ import annotations

from .base import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_found: tuple[Rule, ...] = ()


def all_rules() -> tuple[Rule, ...]:
    """Every rule, by number."""
    global _found
    if not _found:
        from importlib import import_module

        modules = (import_module(f".{name}", __package__) for name in MODULES)
        _found = tuple(module.RULE for module in modules)
    return _found


def find(name: str) -> Rule | None:
    """The rule of an id (``LR101``) or slug, None where there is none."""
    wanted = name.strip().lower()
    return next((rule for rule in all_rules() if wanted in (rule.id.lower(), rule.slug)), None)


def family(digit: str) -> tuple[Rule, ...]:
    """The rules of one family, without importing the others: "5" are those on choices."""
    from importlib import import_module

    modules = (import_module(f".{name}", __package__) for name in MODULES if name.startswith(f"lr{digit}"))
    return tuple(module.RULE for module in modules)


def chosen(select: Iterable[str], ignore: Iterable[str], runs: bool = True) -> tuple[Rule, ...]:
    """The rules that ``select`` names (all that are on, if it names none) less those that ``ignore`` names; both take
    ids, slugs and prefixes such as ``LR2``. ``runs``: also those that judge nothing but recorded runs."""
    selected = [name.strip().lower() for name in select]
    ignored = [name.strip().lower() for name in ignore]

    def named(rule: Rule, names: list[str]) -> bool:
        return any(name == rule.slug or rule.id.lower().startswith(name) for name in names)

    def wanted(rule: Rule) -> bool:
        return (named(rule, selected) if selected else rule.on) and not named(rule, ignored)

    return tuple(rule for rule in (all_rules() if runs else _of_scripts()) if wanted(rule))


def _of_scripts() -> tuple[Rule, ...]:
    """The rules that judge scripts; the others are not imported."""
    from importlib import import_module

    modules = (import_module(f".{name}", __package__) for name in MODULES if not name.startswith(OF_RUNS))
    return tuple(module.RULE for module in modules)


OF_RUNS = ("lr308", "lr6")  # the modules of rules that judge nothing but recorded runs
# One line a rule, in the order of their numbers.
MODULES = (
    "lr101_epoch_schedule_stepped_per_batch",
    "lr102_batch_schedule_stepped_per_epoch",
    "lr103_scheduler_before_optimizer",
    "lr104_stepped_at_two_rates",
    "lr105_stepped_per_micro_batch",
    "lr106_stepped_in_evaluation",
    "lr108_scheduler_never_stepped",
    "lr109_step_with_epoch_argument",
    "lr111_plateau_without_metric",
    "lr112_plateau_wrong_mode",
    "lr113_plateau_wrong_metric",
    "lr114_plateau_stepped_per_batch",
    "lr115_plateau_negated_metric",
    "lr116_stepped_on_one_rank",
    "lr201_schedule_ends_early",
    "lr202_schedule_never_finishes",
    "lr203_one_cycle_total_mismatch",
    "lr204_milestone_never_reached",
    "lr205_accumulation_ignored_in_length",
    "lr206_processes_ignored_in_length",
    "lr207_dataset_length_for_loader",
    "lr208_warmup_too_long",
    "lr209_warmup_not_subtracted",
    "lr210_sequential_lengths_mismatch",
    "lr211_gamma_does_not_decay",
    "lr212_floor_not_below_peak",
    "lr213_zero_lr_start",
    "lr214_restart_at_the_end",
    "lr215_one_cycle_degenerate",
    "lr216_warmup_arguments_ignored",
    "lr217_schedule_raises",
    "lr218_fraction_for_steps",
    "lr219_patience_outlives_training",
    "lr301_scheduler_on_another_optimizer",
    "lr302_lr_overwritten_by_hand",
    "lr303_decay_compounds",
    "lr304_lr_variable_not_applied",
    "lr305_two_schedulers_fight",
    "lr306_group_added_after_scheduler",
    "lr307_chained_schedulers_wipe",
    "lr308_scheduler_steps_on_skipped_update",
    "lr309_scheduler_rebuilt_in_loop",
    "lr310_group_ratios_flattened",
    "lr311_lr_scaled_twice",
    "lr312_lr_is_text",
    "lr401_scheduler_not_checkpointed",
    "lr402_resume_order_resets_lr",
    "lr403_last_epoch_misused",
    "lr404_extended_run_keeps_old_length",
    "lr501_transformer_without_warmup",
    "lr502_fixed_budget_constant_lr",
    "lr503_large_batch_without_warmup",
    "lr504_lr_out_of_range",
    "lr505_one_cycle_peak_untuned",
    "lr506_one_cycle_for_open_end",
    "lr507_fine_tune_lr_too_high",
    "lr508_lr_not_logged",
    "lr509_weight_decay_out_of_range",
    "lr601_plateau_at_constant_lr",
    "lr602_early_instability",
    "lr603_unstable_at_peak",
    "lr604_lr_vanished_early",
    "lr605_lr_rises_again",
    "lr606_lr_too_low",
    "lr607_diverged",
    "lr609_restart_spike",
    "lr610_plateau_never_reduces",
    "lr611_ended_at_high_lr",
)
