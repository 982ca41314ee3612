"""``python -m benchmarks.planted``: plant, check, count."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.planted.score import miss, score, summary, write
from lright.evals.planted import generate


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted", description="Score check on planted faults.")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other scripts (default: 0)")
    parser.add_argument("--per-rule", type=int, default=20, help="scripts for each rule (default: 20)")
    parser.add_argument("--rule", default="", help="only rules that begin with this, such as LR1 or LR203")
    parser.add_argument("--show", action="store_true", help="list misses and false findings (with --keep, to look)")
    parser.add_argument("--dump", type=Path, help="write the scripts and cases.json here and stop")
    parser.add_argument("--keep", type=Path, help="check in this folder and leave the scripts there")
    options = parser.parse_args(argv)

    cases = [case for case in generate(options.seed, options.per_rule) if case.rule.startswith(options.rule)]
    if options.dump:
        write(cases, options.dump)
        facts = [
            {
                "name": case.name,
                "rule": case.rule,
                "fits": sorted(case.fits),
                "lines": case.lines,
                "conditions": sorted(case.conditions),
            }
            for case in cases
        ]
        (options.dump / "cases.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        print(f"{len(cases)} planted scripts and their originals in {options.dump}")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        verdicts, seconds = score(cases, folder)
        if options.show:
            for verdict in verdicts:
                text = miss(verdict, folder)
                if text:
                    print(text)
        print(summary(verdicts))
        print(f"{2 * len(cases)} files in {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
