"""Names as people type them: the rules that they stand for, and the nearest known one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .rules.base import Rule


def rule_ids(wanted: Sequence[str], option: str) -> tuple[str, ...]:
    """The ids that ids, slugs and family prefixes stand for. Raises UsageError for what stands for none.

    >>> rule_ids(["LR101,gamma-does-not-decay"], "--select")
    ('LR101', 'LR211')
    """
    names = [name.strip() for group in wanted for name in group.split(",") if name.strip()]
    if not names:
        return ()
    from .rules import all_rules

    known = all_rules()
    chosen: list[str] = []
    for name in names:
        found = [rule.id for rule in known if _is_meant(rule, name)]
        if not found:
            everything = [word for rule in known for word in (rule.id, rule.slug)]
            raise UsageError(f"{option}: no rule {name!r}{closest(name, everything)}; 'lright rules' lists them")
        chosen += [rule for rule in found if rule not in chosen]
    return tuple(chosen)


def _is_meant(rule: Rule, name: str) -> bool:
    upper = name.upper()
    return name.lower() == rule.slug or (upper.startswith("LR") and rule.id.startswith(upper))


def closest(word: str, known: Iterable[str]) -> str:
    """A question to append: the known word that looks most like ``word``, or nothing.

    >>> closest("ceck", ["check", "plan"])
    ": did you mean 'check'?"
    """
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), by_lower, n=1)
    return f": did you mean {by_lower[close[0]]!r}?" if close else ""
