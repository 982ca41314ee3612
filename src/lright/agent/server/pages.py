"""What the resources hold: the catalogue of rules and the published recipes, as Markdown and text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...errors import UsageError


def rules() -> str:
    """All rules, one line each."""
    from ...rules import all_rules

    return "\n".join(f"- {one.id} {one.slug} ({one.severity}): {one.summary}" for one in all_rules())


def rule(id: str) -> str:
    """One rule: what, why, bad, good, sources."""
    from ...naming import closest
    from ...render.rulepage import page
    from ...render.screen import Screen
    from ...rules import all_rules, find

    found = find(id)
    if found is None:
        raise UsageError(f"no rule is called {id[:60]!r}{closest(id[:60], [one.id for one in all_rules()])}")
    return "\n".join(page(found, Screen(width=100)))


def recipes() -> str:
    """All published recipes, one line each."""
    from ...advise.recipes import recipes as known
    from ...render.recipes import optimizer_name

    return "\n".join(
        f"- {one.id}: {one.title}; {optimizer_name(one)} at {one.peak:g}, {one.schedule}, {one.total}"
        for one in known()
    )


def recipe(id: str) -> str:
    """One recipe in full."""
    from ...advise.recipes import recipe as known
    from ...render.recipes import page
    from ...render.screen import Screen

    return "\n".join(page(known(id[:60]), Screen(width=100)))


PAGES: Mapping[str, Callable[..., str]] = {
    "page:rules": rules,
    "page:rule": rule,
    "page:recipes": recipes,
    "page:recipe": recipe,
}
