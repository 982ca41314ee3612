"""Questions in a person's own words: what was heard, what their code proves, and the answer.

>>> from lright.consult import ask
>>> answer = ask("My val loss has plateaued after epoch 20, stuck at 0.15. Adam with a constant lr of 1e-3.")
>>> answer.diagnoses[0].rule
'LR601'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..advise import answer as answering
from ..advise import excuses
from ..advise.answer import Answer, Diagnosis, Snippet
from ..advise.facts import Facts
from ..advise.plan import Plan, completed, named, plan
from ..advise.template import fill
from ..errors import LrightError, UsageError
from ..finding import FileReport, Finding
from ..knowledge import load, matter
from ..knowledge.conditions import holds
from ..records import record
from ..setting import ASSUMED, SAID, Setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..observe.words import Heard

FINDINGS = ("LR1", "LR2", "LR3", "LR4")  # what a script proves; choices (5xx) are the matters' own business


@record(slots=True)
class Case:
    """One question, worked through."""

    heard: Heard
    setting: Setting
    report: FileReport | None
    preamble: int  # lines put before the code of the question, to make it whole
    findings: list[Finding]
    facts: Facts


def ask(
    text: str, code: str | None = None, settings: Mapping[str, str] | None = None, path: str = "train.py"
) -> Answer:
    """The answer to a question. ``code`` is a script that belongs to it, ``settings`` are facts by name as text, which
    outrank what was heard.

    :raises LrightError: for a fact that does not exist or a value it cannot have.
    """
    case = examine(text, code, settings or {}, path)
    made = _plan(case)
    return _answer(case, made)


def planned(told: Mapping[str, str], *origins: str) -> Plan:
    """The plan for facts by name, and those of files where they are silent: a script, a YAML file, the answer of
    `lright find`; of several the first that knows a fact.

    :raises LrightError: for facts that do not exist, a value they cannot have, a file that cannot be read.
    """
    setting = Setting()
    for name, value in told.items():
        setting.know(name, value, f"--{name.replace('_', '-')}")
    for origin in origins:
        from .origins import facts_of

        setting = setting.merged(facts_of(origin))
    if not setting.facts:
        raise UsageError("nothing is known of the training: say --model resnet50 --epochs 90, or --from train.py")
    return plan(named(setting))


def examine(text: str, code: str | None, settings: Mapping[str, str], path: str) -> Case:
    """Hear a question, check its code and gather the facts."""
    from ..observe.words import hear
    from . import proof

    if not text.strip() and not (code or "").strip():
        raise LrightError("there is no question: write what you train and what happens")
    heard = hear(text)
    setting = Setting(dict(heard.setting.facts), list(heard.setting.symptoms))
    for name, value in settings.items():
        setting.know(name, value, "--set", SAID)
    report, preamble = proof.checked(heard, setting, code, path)
    if report is not None:
        setting = setting.merged(_read(report.setting, preamble))
    elif heard.code:
        setting = setting.merged(proof.shown(heard))
    if heard.calls:
        setting.suppose("scheduler", heard.calls[0].name, heard.calls[0].text)
    peaks = heard.numbers.get("max_lr", ())
    if peaks and max(peaks) >= 0.02:
        setting.suppose("optimizer", "sgd", f"an LR of {max(peaks):g} is one for SGD", ASSUMED)
    known, _ = completed(named(setting))
    findings = [one for one in (report.findings if report else ()) if one.rule[:3] in FINDINGS]
    findings = [one for one in findings if one.severity != "info"]
    return Case(heard, setting, report, preamble, findings, Facts(known, _numbers(heard), _marks(heard, findings)))


def _read(shown: Setting, preamble: int) -> Setting:
    """What a report shows of the setting; of lines that were put before the code nothing."""
    if not preamble:
        return shown
    own = {}
    for name, fact in shown.facts.items():
        line = fact.origin.rpartition(":")[2]
        if line.isdigit() and int(line) > preamble:
            own[name] = fact
    return Setting(own, shown.symptoms)


def _numbers(heard: Heard) -> Mapping[str, Any]:
    return {name: tuple(values) for name, values in heard.numbers.items()}


def _marks(heard: Heard, findings: list[Finding]) -> dict[str, Any]:
    """What the words touch, what the code proves and the series that were told, as the conditions name them."""
    from ..observe.words.topics import topics

    about = topics(heard.prose, load("lexicon"))
    marks: dict[str, Any] = {f"about:{topic}": words for topic, words in about.items()}
    marks.update({f"found:{finding.rule}": True for finding in findings})
    if findings:
        marks["proved"] = findings[0].message
    for name in _identifiers(heard):
        marks[f"code:{name}"] = True
    for metric, values in [*((one.metric, one.values) for one in heard.series), *_listed(heard)]:
        marks.setdefault(f"series:{metric}", values)
    return marks


def _listed(heard: Heard) -> list[tuple[str, tuple[float, ...]]]:
    """Losses that the code of a question lists: ``val_losses = [1.2, 0.9, 0.9]``."""
    import re

    found = []
    for code in heard.code:
        for name, listed in re.findall(r"(\w*loss\w*)\s*=\s*\[([^\][]*)\]", code.text):
            values = re.findall(r"-?\d*\.?\d+(?:e-?\d+)?", listed)
            found.append(("val loss" if "val" in name else "loss", tuple(map(float, values))))
    return [(metric, values) for metric, values in found if len(values) > 2]


def _identifiers(heard: Heard) -> set[str]:
    import re

    return {name for code in heard.code for name in re.findall(r"[A-Za-z_]\w+", code.text)}


def _plan(case: Case) -> Plan:
    """What we would do, also by name among the facts."""
    made = plan(case.setting, case.facts.marks)
    warmup = next((reason.choice for reason in made.reasons if reason.topic == "warmup"), "none")
    case.facts.marks.update(
        plan_text=made.text, plan_title=made.title, plan_peak=made.peak, plan_low=made.low, plan_high=made.high,
        plan_warmup=warmup, plan_warmup_length=_warmup_length(made),
    )  # fmt: skip
    return made


def _warmup_length(made: Plan) -> str | None:
    first = made.text.split(" > ")[0]
    return first[len("warmup ") :].split(" from ")[0] if first.startswith("warmup ") else None


def _answer(case: Case, made: Plan) -> Answer:
    told = answering.told(answering.ranked(case.facts, case.findings, case.heard.prose)) or _unasked(case)
    given = Answer("", case.setting, findings=case.findings, plan=made)
    given.unknown = list(made.questions)
    _findings(case, given, [str(one.get("rule")) for _, one in told])
    for evidence, one in told:
        given.diagnoses.append(_diagnosis(evidence, one, case))
        given.points += answering.points(one, case.facts)
        given.questions += answering.questions(one, case.facts)
        if not given.code:
            given.code += [snippet for snippet in _snippets(one, case, made) if snippet.text]
    _excuses(case, given)
    _choices(case, given)
    given.points = answering.distinct(given.points)
    given.diagnoses.sort(key=lambda one: -one.evidence)
    if not given.diagnoses:
        return _nothing(case, given, made)
    given.verdict = given.diagnoses[0].message
    given.on_topic = not any(one.get("off_topic") for _, one in told[:1])
    if not given.on_topic:
        given.plan = None
    given.questions = list(dict.fromkeys(given.questions))[:4]
    return given


CHOICES = ("should-schedule", "transformer-no-warmup")  # matters about doing without


def _excuses(case: Case, given: Answer) -> None:
    """What is to be said to the reasons for doing without that the question gives."""
    welcome = any(one.topic in CHOICES for one in given.diagnoses)
    said = excuses.points(case.heard.prose, case.facts, welcome)
    told = [one for one in said if one.id != "excuse.constant-is-simpler"]  # should-schedule says that already
    given.points[:0] = told if given.diagnoses else []


def _choices(case: Case, given: Answer) -> None:
    """What the rules on choices say of the facts, where no matter says it."""
    from ..rules import family
    from ..rules.choices import judged

    told = {one.rule for one in given.diagnoses}
    for verdict in judged(case.setting, family("5")):
        if verdict.severity != "info" and verdict.rule not in told:
            given.points.append(
                answering.Point(f"rule.{verdict.rule}", "cautions", f"{verdict.message}.", (verdict.rule,))
            )


def _unasked(case: Case) -> list[tuple[float, Mapping[str, Any]]]:
    """Where nothing is said to be wrong and a training is described, the question is whether to schedule it."""
    touched = any(case.facts.get(f"about:{topic}") for topic in ("lr", "schedule-word", "should-i"))
    described = case.facts.get("known_end") and case.facts.get("no_symptoms") and case.facts.get("told:family")
    open_choice = case.setting.text("scheduler") in ("", "constant")
    return [(answering.ENOUGH, matter("should-schedule"))] if touched and described and open_choice else []


def _diagnosis(evidence: float, one: Mapping[str, Any], case: Case) -> Diagnosis:
    proven = any(finding.rule == one.get("rule") for finding in case.findings)
    certainty = "proven" if proven else "likely" if evidence >= 2 * answering.ENOUGH else "possible"
    said = answering.verdict(one, case.facts)
    return Diagnosis(str(one["id"]), certainty, said, str(one.get("rule", "")), evidence)


def _findings(case: Case, given: Answer, explained: list[str]) -> None:
    """What the code proves, as points; and as diagnoses of their own where no matter explains them."""
    for finding in case.findings:
        line = finding.place.line - case.preamble
        where = f"line {line}" if line > 0 else "the script"
        said = f"Proved on your code ({where}): {finding.message}."
        given.points.append(answering.Point(f"code.{finding.rule}", "why", said, (finding.rule,)))
        if finding.rule not in explained:
            given.diagnoses.append(
                Diagnosis(finding.slug, finding.certainty, finding.message, finding.rule, answering.PROVEN)
            )
        if finding.fix is not None and not given.code:
            from .proof import mended

            text = mended(case.report, finding, case.preamble)
            if text:
                title = f"your code, mended ({finding.fix.title}); checked again, the finding is gone"
                given.code.append(Snippet(title, text))


def _snippets(one: Mapping[str, Any], case: Case, made: Plan) -> list[Snippet]:
    for entry in one.get("code", ()):
        if "when" in entry and not holds(entry["when"], case.facts):
            continue
        if "text" in entry:
            text = fill(entry["text"], case.facts)
            return [Snippet(entry["title"], text)] if text else []
        from .code import of_plan, of_schedule

        if "plan" in entry:
            return [of_plan(made, entry["title"])]
        peak = entry.get("peak", "plan_peak")
        value = case.facts.number(peak) if isinstance(peak, str) else float(peak)
        return [of_schedule(entry["schedule"], value or made.peak, made, entry["title"])]
    return []


def _nothing(case: Case, given: Answer, made: Plan) -> Answer:
    """No matter is up: off topic is said to be so; else what holds of any training, and what would have to be known."""
    marks = case.facts.marks
    touched = marks.get("about:lr") or marks.get("about:schedule-word")
    if not touched and not any(name in case.heard.setting for name in ("lr", "scheduler", "warmup", "optimizer")):
        given.on_topic, given.plan = False, None
        given.verdict = (
            "lright sees no question on a learning rate here, which is all it knows about; if the LR is in doubt, say "
            "which optimizer, LR and schedule you use and what you see."
        )
        return given
    nothing = matter("nothing-specific")
    given.verdict = answering.verdict(nothing, case.facts)
    given.points += answering.points(nothing, case.facts)
    given.questions = [*answering.questions(nothing, case.facts), *made.questions][:4]
    return given

