"""Facts from a file: a training script, or a YAML mapping of facts."""

from __future__ import annotations

from ..errors import ReadError
from ..setting import Setting


def facts_of(path: str) -> Setting:
    """The facts that a script or a YAML file gives.

    :raises ReadError: if it cannot be read or is neither.
    """
    from ..observe.source import files

    text = files.read(path).text
    if path.endswith((".yaml", ".yml")):
        return _of_yaml(text, path)
    from ..observe import source

    situation = source.read(text, path)
    setting = situation.setting
    if setting is None or not setting.facts:
        raise ReadError(path, "no training is seen in it: name the facts as options (lright plan --help)")
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
        setting.know(str(name).replace("-", "_"), value, path)
    return setting
