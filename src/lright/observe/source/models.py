"""What the names in a script tell of the model and the task. Looked for once for all worlds and trainings."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from ...records import field, record
from ...setting import INFERRED, READ
from ...timeline import Place
from . import spelling, words
from .vocabulary import identifiers, parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .reader import Reader

    Entry = Mapping[str, Any]
    Fact = tuple[str | float | int | bool, Place | None, str]


@record(slots=True)
class Seen:
    """Facts by their names, each with its place and certainty, and what else the text shows."""

    facts: dict[str, Fact] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    frozen: bool = False  # some weights are not trained
    moves_rate: bool = False  # something may set the rate, by the names that are used

    @staticmethod
    def names_head(parameters: str) -> bool:
        """Whether the parameters of an optimizer are those of the last layers only."""
        return bool({part for name in identifiers(parameters) for part in parts(name)} & _HEADS)


_HEADS = frozenset(("head", "heads", "fc", "classifier", "linear", "lora", "adapter"))


@record(slots=True)
class _Candidate:
    """A call that makes a model: what its name tells, and whether it has trained weights (None: not known)."""

    place: Place
    model: str = ""
    family: str = ""
    domain: str = ""
    norm: str | None = None
    pretrained: bool | None = None
    library: bool = False


def seen(reader: Reader) -> Seen:
    """What the text of a script shows."""
    known: Seen | None = getattr(reader.tree, "_lright_seen", None)
    if known is None:
        known = _Text(reader).seen()
        reader.tree._lright_seen = known  # type: ignore[attr-defined]
    return known


_FRAMEWORKS = {
    "pytorch_lightning": "lightning", "lightning": "lightning", "accelerate": "accelerate", "fastai": "fastai",
    "keras": "keras", "tensorflow": "keras", "optax": "optax",
}  # fmt: skip
_ROOTS = {
    "gym": "rl", "gymnasium": "rl", "stable_baselines3": "rl", "pettingzoo": "rl", "dm_control": "rl", "tianshou": "rl",
    "diffusers": "diffusion", "torch_geometric": "graph", "dgl": "graph", "ultralytics": "detection",
    "segmentation_models_pytorch": "segmentation", "torchaudio": "speech",
}  # fmt: skip
_WORDS: dict[str, frozenset[str]] = {
    "gan": frozenset("gan gans dcgan wgan cyclegan stylegan discriminator netd netg".split()),
    "rl": frozenset("reinforce replay actor critic dqn ppo".split()),
    "diffusion": frozenset("diffusion ddpm ddim".split()),
    "graph": frozenset("gcn gat gnn".split()),
    "self-supervised": frozenset("simclr moco byol dino simsiam contrastive".split()),
}
_IMAGES = frozenset(
    "ImageFolder ImageNet MNIST FashionMNIST KMNIST CIFAR10 CIFAR100 SVHN STL10 Flowers102 Food101".split()
)
_AVERAGES = frozenset("ema swa polyak averaged".split())
_MOVES = frozenset("warmup anneal annealing sched schedule scheduler schedulers".split())
_LOGS = frozenset(
    """print log info debug warning write add_scalar add_scalars set_postfix set_description set_postfix_str append
    update log_metrics log_metric track format report""".split()
)
_NO_MODELS = ("tokenizer", "tokenizerfast", "processor", "config", "extractor", "scheduler", "pipeline", "vae")
_TORCH_LAYERS = {
    "TransformerEncoderLayer": "transformer", "TransformerDecoderLayer": "transformer", "Transformer": "transformer",
    "TransformerEncoder": "", "LSTM": "rnn", "GRU": "rnn", "RNN": "rnn",
}  # fmt: skip


class _Text:
    """The names and calls of one file."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.nodes = words.nodes(reader.tree)
        self.calls = [node for node in self.nodes if isinstance(node, ast.Call)]
        self.paths = dict(_imports(self.nodes))
        self.roots = {path.split(".")[0] for path in self.paths.values()}
        self.mentioned = set(spelling.mentions(reader.tree))
        self.names = names = set(map(_named, self.nodes)) | set(self.paths) - {""}
        self.words = {part for name in names for part in parts(name)}

    def seen(self) -> Seen:
        found = Seen()
        candidates = list(self._candidates())
        self._model(candidates, found.facts)
        if self.words & {"lora", "peft"}:  # an adapter, and so on trained weights
            found.facts["adapter"] = ("lora", None, INFERRED)
            found.facts.setdefault("pretrained", (True, None, INFERRED))
        domain = self._domain(candidates)
        if domain:
            found.facts["domain"] = (domain, None, INFERRED)
        found.facts["framework"] = (self._framework(), None, INFERRED)
        if self.words & _AVERAGES:
            found.facts["ema"] = (True, None, INFERRED)
        if self.names & {"autocast", "GradScaler"}:
            found.facts["amp"] = (True, None, READ)
        if any(name.startswith("BatchNorm") or name == "SyncBatchNorm" for name in self.names):
            found.facts["batch_norm"] = (True, None, READ)
        for call in self.calls:
            if words.dotted(call.func).endswith("clip_grad_norm_"):
                self._clip(call, found.facts)
        found.frozen = any(_freezes(node) for node in self.nodes)
        found.moves_rate = bool(self.words & _MOVES) or any("adjust" in n and "lr" in parts(n) for n in self.names)
        found.marks = frozenset(self._marks())
        return found

    # -- models -----------------------------------------------------------------------------------------------------

    def _model(self, candidates: Sequence[_Candidate], facts: dict[str, Fact]) -> None:
        """The facts on which the calls that make models agree."""
        families = {one.family for one in candidates if one.family}
        if not candidates or len(families) > 1:
            return
        place = candidates[0].place
        if families:
            facts["family"] = (families.pop(), place, INFERRED)
        models = {one.model for one in candidates if one.model}
        if len(models) == 1:
            facts["model"] = (models.pop(), next(one.place for one in candidates if one.model), READ)
        norms = {one.norm for one in candidates if one.family}
        norm = norms.pop() if len(norms) == 1 else None
        if norm:
            facts["norm"] = (norm, place, READ)
        trained = {one.pretrained for one in candidates}
        pretrained = trained.pop() if len(trained) == 1 else None
        if pretrained is not None:
            facts["pretrained"] = (pretrained, place, READ)

    def _candidates(self) -> Iterator[_Candidate]:
        for call in self.calls:
            name = words.dotted(call.func)
            head, _, rest = name.partition(".")
            path = ".".join(part for part in (self.paths.get(head, head), rest) if part)
            found = self._candidate(call, path, path.rsplit(".", 1)[-1]) if path else None
            if found is not None:
                yield found

    def _candidate(self, call: ast.Call, path: str, short: str) -> _Candidate | None:
        root = path.split(".")[0]
        if path.startswith("torchvision.models."):
            name = self._text(call, 0) if short == "get_model" else short
            return self._of_library(call, name, self._weights(call), path.split(".")[2]) if name else None
        if root == "timm" and short == "create_model":
            return self._of_library(call, self._text(call, 0), self._weights(call, 1))
        if root == "transformers" and short in ("from_pretrained", "from_config"):
            return self._of_transformers(call, path.split(".")[-2], short)
        if path.startswith("torch.nn.") and short in _TORCH_LAYERS:
            return self._of_torch(call, short)
        if root in ("torch", "np", "numpy") or not short[:1].isupper() or short.isupper() and len(short) < 4:
            return None
        entry = _architecture(short) if _sounds_like_a_model(short) else {}
        if entry.get("family") not in ("cnn", "transformer") or not self._matches(short, entry):
            return None
        return _Candidate(self._place(call), str(entry["id"]), str(entry["family"]), pretrained=self._untrained())

    def _matches(self, short: str, entry: Entry) -> bool:
        """Whether the entry is called so, and not only by the beginning of the name; transformers attend."""
        attends = any(part.startswith(("attention", "attn", "multihead", "transformer", "qkv")) for part in self.words)
        return short.lower() in entry["names"] and (entry.get("family") != "transformer" or attends)

    def _of_library(self, call: ast.Call, name: str, pretrained: bool | None, part: str = "") -> _Candidate | None:
        entry = _architecture(name) if name else {}
        if not entry:
            return None
        domain = part if part in ("detection", "segmentation") else str(entry.get("domain", ""))
        model, family = str(entry["id"]), str(entry.get("family", ""))
        return _Candidate(self._place(call), model, family, domain, entry.get("norm"), pretrained, True)

    def _of_transformers(self, call: ast.Call, owner: str, method: str) -> _Candidate | None:
        if owner.lower().endswith(_NO_MODELS):
            return None
        entry = _architecture(self._text(call, 0)) or _architecture(owner)
        family = str(entry.get("family", "transformer"))
        domain = _task(owner) or str(entry.get("domain", ""))
        model, norm = str(entry.get("id", "")), entry.get("norm")
        return _Candidate(self._place(call), model, family, domain, norm, method == "from_pretrained", True)

    def _of_torch(self, call: ast.Call, short: str) -> _Candidate | None:
        family = _TORCH_LAYERS[short]
        norm = None
        if family == "transformer":
            first = next((k.value for k in call.keywords if k.arg == "norm_first"), ast.Constant(False))
            known = self._constant(first)
            norm = "pre" if known is True else "post" if known is False and not _spread(call) else None
        return _Candidate(self._place(call), "", family, "", norm, self._untrained()) if family else None

    def _untrained(self) -> bool | None:
        """False where a model of the script's own certainly begins with random weights."""
        if any(part.startswith(("pretrain", "finetun", "checkpoint", "ckpt")) for part in self.words):
            return None
        loads = [name.lower() for name in self.mentioned if name.endswith(".load_state_dict")]
        return None if any("optim" not in name and "sched" not in name for name in loads) else False

    def _weights(self, call: ast.Call, position: int = 0) -> bool | None:
        """Whether a call of torchvision or timm asks for trained weights."""
        given = {k.arg: k.value for k in call.keywords}
        if None in given:
            return None
        node = given.get("weights", given.get("pretrained"))
        if node is None and len(call.args) > position and not isinstance(call.args[position], ast.Starred):
            node = call.args[position]
        if node is None:
            return False
        if "Weights" in words.source(node):
            return True
        value = self._constant(node)
        return value if isinstance(value, bool) else False if value == "" else True if isinstance(value, str) else None

    # -- values -----------------------------------------------------------------------------------------------------

    def _text(self, call: ast.Call, position: int) -> str:
        node = call.args[position] if len(call.args) > position else None
        value = None if node is None else self._constant(node)
        return value if isinstance(value, str) else ""

    def _constant(self, node: ast.expr) -> object:
        """A value that stands there, or that a setting has; "" for a None that stands there."""
        if isinstance(node, ast.Constant):
            return "" if node.value is None else node.value
        text = words.source(node)
        for fact in self.reader.facts.values():
            if fact.text == text and fact.known:
                return fact.value
        return None

    def _clip(self, call: ast.Call, facts: dict[str, Fact]) -> None:
        given = {k.arg: k.value for k in call.keywords}
        node = given.get("max_norm", call.args[1] if len(call.args) > 1 else None)
        value = None if node is None else self._constant(node)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            facts.setdefault("clip", (value, self._place(call), READ))

    def _place(self, node: ast.AST) -> Place:
        return self.reader.place(node)

    # -- the task ---------------------------------------------------------------------------------------------------

    def _framework(self) -> str:
        named = [_FRAMEWORKS[root] for root in sorted(self.roots) if root in _FRAMEWORKS]
        if "Trainer" in self.names and "transformers" in self.roots and not named:
            return "transformers"
        return named[0] if named else "torch"

    def _domain(self, candidates: Sequence[_Candidate]) -> str:
        """The task: unusual ones first, as their scripts also mention the usual ones."""
        for domain, said in _WORDS.items():
            if self.words & said:
                return domain
        for root in sorted(self.roots & set(_ROOTS)):
            return _ROOTS[root]
        domains = {one.domain for one in candidates if one.domain}
        if len(domains) == 1:
            return domains.pop()
        sorts = self.names & {"cross_entropy", "CrossEntropyLoss", "nll_loss", "NLLLoss"}
        return "classification" if sorts and self.names & _IMAGES else ""

    def _marks(self) -> Iterator[str]:
        joined = {name.lower().replace("_", "") for name in self.names}
        if any("earlystop" in name for name in joined) or "patience" in self.words:
            yield "early-stopping"
        if self.names & {"get_last_lr", "LearningRateMonitor"} or any(map(_tells_rate, self.calls)):
            yield "lr-shown"


def _architecture(name: str) -> Entry:
    from ...knowledge import lookup  # few scripts name a model, and reading the table takes a while

    return lookup.architecture(name)


def _imports(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, str]]:
    """The names that imports bind, with the dotted paths they stand for."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


_TASKS = (
    ("CausalLM", "language-model"), ("LMHeadModel", "language-model"), ("SequenceClassification", "nlp"),
    ("TokenClassification", "nlp"), ("QuestionAnswering", "nlp"), ("MultipleChoice", "nlp"), ("MaskedLM", "nlp"),
    ("Seq2SeqLM", "translation"), ("ImageClassification", "classification"), ("ObjectDetection", "detection"),
    ("Segmentation", "segmentation"), ("CTC", "speech"), ("SpeechSeq2Seq", "speech"),
)  # fmt: skip


def _task(name: str) -> str:
    return next((task for part, task in _TASKS if part in name), "")


def _sounds_like_a_model(name: str) -> bool:
    lowered = name.lower()
    return any(part in lowered for part in ("net", "vit", "gpt", "bert", "transformer", "llama", "vgg", "swin", "deit"))


def _spread(call: ast.Call) -> bool:
    """Whether a call may be given more than is seen."""
    return any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args)


def _freezes(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        switched = isinstance(node.value, ast.Constant) and node.value.value is False
        return switched and isinstance(target, ast.Attribute) and target.attr == "requires_grad"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "requires_grad_":
        return bool(node.args) and isinstance(node.args[0], ast.Constant) and node.args[0].value is False
    return False


def _tells_rate(call: ast.Call) -> bool:
    """Whether a call that prints or logs is given a learning rate, by the names in it."""
    if words.dotted(call.func).rsplit(".", 1)[-1] not in _LOGS:
        return False
    for node in ast.walk(call):
        name = _said(node)
        if "lr" in parts(name) or "learning_rate" in name:
            return True
    return False


def _named(node: ast.AST) -> str:
    """The name that a piece of syntax uses or defines."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.name if isinstance(node, (ast.ClassDef, ast.FunctionDef)) else ""


def _said(node: ast.AST) -> str:
    """The name or text that a piece of syntax is."""
    if isinstance(node, ast.keyword):
        return node.arg or ""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return _named(node)
