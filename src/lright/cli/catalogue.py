"""`lright rules` and `lright explain`: the rules, told."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..errors import UsageError
from .options import closest, one_of, parse, parser_of, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..rules.base import Rule


def rules(arguments: list[str]) -> int:
    """List the rules."""
    from ..render import rulepage
    from ..render.screen import screen_of
    from ..rules import all_rules

    parser = parser_of("rules", "[--format full|json]", rules)
    parser.add_argument("--format", type=one_of(("full", "json")), default="full", help="how to show them")
    if parse(parser, arguments).format == "json":
        print(rulepage.as_json(all_rules()))
    else:
        say(rulepage.table(all_rules(), screen_of(sys.stdout)))
    return 0


def explain(arguments: list[str]) -> int:
    """Explain rules: what, why, bad, good, how safe the fix is, sources."""
    from ..render import rulepage
    from ..render.screen import screen_of
    from ..rules import all_rules

    parser = parser_of("explain", "RULE...", explain)
    parser.add_argument("rules", nargs="+", metavar="RULE", help="an id such as LR101, or a slug")
    chosen = rule_ids(parse(parser, arguments).rules, "explain")
    for rule in all_rules():
        if rule.id in chosen:
            say(rulepage.page(rule, screen_of(sys.stdout)))
    return 0


def rule_ids(wanted: Sequence[str], option: str) -> tuple[str, ...]:
    """The ids that ids, slugs and family prefixes stand for. Raises UsageError for what stands for none."""
    names = [name.strip() for group in wanted for name in group.split(",") if name.strip()]
    if not names:
        return ()
    from ..rules import all_rules

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
