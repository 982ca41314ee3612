"""Facts from a file: a training script, a YAML mapping of facts, or the answer of a range test."""

from __future__ import annotations

from ..errors import ReadError
from ..setting import Setting


def facts_of(path: str) -> Setting:
    """The facts that a script, a YAML file or the answer of `lright find` (JSON) gives.

    :raises ReadError: if it cannot be read or is neither.
    """
    from ..observe.source import files

    return facts_in(files.read(path).text, path)


def facts_in(text: str, path: str) -> Setting:
    """The same of a file's text; the ending of ``path`` says which of them it is.

    :raises ReadError: if it is none of them.
    """
    if path.endswith((".yaml", ".yml")):
        return _of_yaml(text, path)
    if path.endswith(".json"):
        return _of_find(text, path)
    from ..observe import source

    situation = source.read(text, path)
    setting = situation.setting
    if setting is None or not setting.facts:
        raise ReadError(path, "no training is seen in it: name the facts as options (lright plan --help)")
    return setting


def _of_find(text: str, path: str) -> Setting:
    """What a range test measured: the answer that `lright find --save` wrote."""
    from ..find.result import LrFind

    found = LrFind.loads(text, path)
    if found.abstained:
        raise ReadError(path, f"the range test abstained ({found.reason}): there is no measured LR to plan with")
    setting = Setting()
    low, high = found.interval
    for name, value in (("measured_lr", found.suggestion), ("measured_low", low), ("measured_high", high)):
        setting.know(name, value, path)
    setting.know("optimizer", found.optimizer.lower(), path)
    return setting


def _of_yaml(text: str, path: str) -> Setting:
    import yaml

    try:
        table = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ReadError(path, " ".join(str(error).split())) from None
    if not isinstance(table, dict):
        raise ReadError(path, "is no mapping of facts, as in 'epochs: 90'")
    setting = Setting()
    for name, value in table.items():
        if not isinstance(name, str) or not isinstance(value, (str, int, float)):
            # No text is made of the value here: aliases can make that endless.
            raise ReadError(path, f"{name!r:.60} is no fact with one value, as in 'epochs: 90'")
        setting.know(str(name).replace("-", "_"), value, path)
    return setting
