"""What `lright ask` and `lright plan` cost and how often they hold: `python -m benchmarks.answers [--write]`.

The bars: 300 ms of CPU a command; every success criterion met by the six situations and their paraphrases; 5,000
situations planned without an exception, each with sources, and code that passes our own check.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from .measure import process_cpu, report, setting, table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
BAR = 0.300
PLANS = 5000
CHECKED = 500  # plans whose code is checked, which takes 20 times as long as making it
COMMANDS = {
    "`lright ask`, the plateau (words alone)": ["ask", "examples/questions/plateau.md"],
    "`lright ask`, the step placement (code proved and mended)": ["ask", "examples/questions/step_placement.md"],
    "`lright plan`, ViT-B/16": ["plan", "--model", "vit-b16", "--epochs", "100", "--batch-size", "128"],
    "`lright plan --from examples/cifar_cosine.py`": ["plan", "--from", "examples/cifar_cosine.py"],
}


def cost() -> tuple[str, bool]:
    lright = [sys.executable, "-m", "lright"]
    times = {name: process_cpu([*lright, *command]) for name, command in COMMANDS.items()}
    rows = [[name, f"{cpu * 1e3:.0f} ms"] for name, cpu in times.items()]
    return table(["what", "CPU"], rows), max(times.values()) <= BAR


def criteria() -> tuple[str, bool]:
    """How many paraphrases meet every criterion, and how many criteria are met."""
    import yaml

    from advise.criteria import MUST, missed
    from lright.consult import ask, pages
    from lright.render.advice import markdown

    asked: Counter[tuple[str, int]] = Counter()
    whole: Counter[tuple[str, int]] = Counter()
    met: Counter[tuple[str, int]] = Counter()
    files = {"written first": "seed_paraphrases.yaml", "written last": "seed_paraphrases_fresh.yaml"}
    for kind, name in files.items():
        for one in yaml.safe_load((ROOT / "tests/data/words" / name).read_text("utf-8")):
            lacking = missed(one["scenario"], "\n".join(markdown(pages.of_answer(ask(one["prompt"])))))
            key = (kind, one["scenario"])
            asked[key] += 1
            whole[key] += not lacking
            met[key] += len(MUST[one["scenario"]]) - len([name for name in lacking if name in MUST[one["scenario"]]])
    rows = []
    for kind in files:
        mine = [key for key in asked if key[0] == kind]
        prompts, points = sum(asked[key] for key in mine), sum(asked[key] * len(MUST[key[1]]) for key in mine)
        full, held = sum(whole[key] for key in mine), sum(met[key] for key in mine)
        rows.append([kind, f"{prompts}", f"{full} ({full / prompts:.0%})", f"{held} of {points} ({held / points:.1%})"])
    return table(["paraphrases", "prompts", "all criteria met", "criteria met"], rows), sum(whole.values()) == sum(
        asked.values()
    )


def plans() -> tuple[str, bool]:
    from advise.situations import situations
    from lright.advise.plan import plan
    from lright.consult.code import exported
    from lright.doctor import Options, check_source

    raised, flagged, unsourced = 0, 0, 0
    for number, one in enumerate(situations(PLANS, seed=20)):
        try:
            made = plan(one)
            step = None if made.unit == "validation" else made.unit
            code = exported(made.schedule, made.peak, made, step, "torch").code
        except Exception:
            raised += 1
            continue
        unsourced += not all(reason.sources for reason in made.reasons)
        if number < CHECKED:
            found = check_source(code, "plan.py", Options(fixes=False)).findings
            flagged += any(finding.severity != "info" for finding in found)
    rows = [
        [f"situations planned of {PLANS:,}", f"{PLANS - raised:,}"],
        ["plans with a choice without a source", f"{unsourced}"],
        [f"plans whose torch code our check flags, of {CHECKED}", f"{flagged}"],
    ]
    return table(["plans", "count"], rows), not (raised or flagged or unsourced)


def main() -> int:
    parts = [cost(), criteria(), plans()]
    text = f"{setting()}; the bar for each command: {BAR * 1e3:.0f} ms.\n\n" + "\n\n".join(part for part, _ in parts)
    report("answers", text, write="--write" in sys.argv)
    return int(not all(good for _, good in parts))


if __name__ == "__main__":
    raise SystemExit(main())
