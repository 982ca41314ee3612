"""`lright rules` and `lright explain`: the rules, told."""

from __future__ import annotations

import sys

from ..naming import rule_ids
from .options import one_of, parse, parser_of, say


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
