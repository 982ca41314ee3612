"""What questions say about a training, as patterns over items.

A pattern is a row of elements: a tag or a word, several with ``|`` between, with ``?`` behind it if it may be absent
and ``*`` if it may also stand several times. Its numbers are given, in order, the names behind the arrow:

    WARMUP LASTING * NUM EPS -> warmup:ep

A name is a field of the setting; ``#name`` a number worth keeping; ``@name`` a place in time; ``_`` nothing (but the
number is taken, and no later pattern makes something else of it). ``?name`` is a function of :mod:`guards` that has
the last word. Earlier patterns win.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from .lexer import Item

GROUPS = {
    "LINK": "=|:|of|to|at|set|as|equals|be|about|around|approx|roughly|approximately|~|(|value|FILL|stay|sit|@|like|"
    "flat|fixed|default",
    "EPS": "EPOCH|EPOCHS",
    "SPS": "STEP|STEPS",
    "WITH": "with|w|at|@|of|,|=|:|(|LR|CONSTLR|FILL|and|using|a|starting|start|initial|~|peak|default|m",
    "LASTING": "of|for|over|=|:|(|during|in|last|lasts|take|takes|lasting|to|FIRST|FILL|LR|from|through|across|within|"
    "duration|length|AT|period|about|approx|linear|then|set|~|use|steps|NUM0|)",
    "JOIN": "of|-|linear|LR|worth|FILL|for|long|~|first|used|as|lr",
}

PATTERNS = """
QTY -> _
OPT - ? m NUM -> momentum ?share
OPT LINK|with|w * MOMENTUM LINK|with * NUM -> momentum ?share
SCHED decay|annealing|down * to NUM -> floor ?rate0
- b NUM -> batch_size ?count
eta = NUM -> lr ?rate
BETAS LINK * (|[ ? NUM ,|/|and NUM -> _ beta2 ?share2
BETA2 LINK * NUM -> beta2 ?share
beta1|eps|epsilon|seed|dropout|smoothing|temperature|lambda|alpha LINK * NUM -> _
version|python|cuda|line|resolution|top|rank|r LINK * NUM -> _
NUM beta1|dropout -> _
SEQLEN LINK * NUM -> _
NUM SEQLEN -> _
label smoothing LINK * NUM -> _

NUM - ? EPS -|of|worth|FILL|linear|LR|long|for|as|,|used|lr * WARMUP -> warmup:ep ?notahead
NUM - ? SPS -|of|worth|FILL|linear|LR|long|for|as|used|lr * WARMUP -> warmup:up ?notahead
PCT of|FILL|linear|LR|SPS|- * WARMUP -> warmup:pct
NUM WARMUPEPOCHS -> warmup:ep
NUM WARMUPSTEPS -> warmup:up
WARMUPRATIO LINK * NUM -> warmup:share ?share
WARMUPRATIO LINK * PCT -> warmup:pct
WARMUPEPOCHS LINK * NUM -> warmup:ep
WARMUPSTEPS LINK * NUM -> warmup:up
WARMUP LASTING * PCT -> warmup:pct
WARMUP LASTING * NUM EPS -> warmup:ep
WARMUP LASTING * NUM SPS -> warmup:up
WARMUP LASTING * NUM to|ARROW NUM LASTING * NUM EPS -> _ lr warmup:ep
WARMUP LASTING * NUM to|ARROW NUM LASTING * NUM SPS -> _ lr warmup:up
WARMUP to|from LR ? NUM ARROW|to NUM -> _ lr ?rates
WARMUP to NUM LASTING * NUM EPS -> lr warmup:ep
WARMUP to NUM LASTING * NUM SPS -> lr warmup:up
WARMUP =|:|of ? NUM -> warmup:guess ?warmupguess
NUM WARMUP -> warmup:guess ?warmupguess

EPS # ? NUM of|/ NUM EPS ? -> @epoch epochs
EPOCH|EPOCHS # ? NUM -|to|until|and|ARROW|till|through NUM -> @epoch @until
between EPS NUM and NUM -> @epoch @until
between NUM and|- NUM EPS -> @epoch @until
between SPS NUM and NUM -> @step @stepuntil
SPS # ? NUM -|to|and NUM -> @step @stepuntil
EPOCH # ? NUM -> @epoch
AFTER|AT|by EPOCHS # ? NUM -> @epoch ?happening
FIRST NUM -|or|to NUM EPS -> _ @first
FIRST NUM EPS out of NUM -> @first epochs
FIRST NUM of NUM EPS -> @first epochs
FIRST NUM EPS -> @first
FIRST NUM SPS -> @firststep
FIRST PCT -> _
LAST|per NUM -|to|or NUM EPS|SPS -> _ _
AFTER|AT|by|within|before|of|during FILL ? first EPOCH -> @one
ORD EPOCH -> @epoch
EPS ORD -> @epoch
NUM more|extra|additional|ago|later|consecutive|further|straight EPS|SPS -> _
NUM EPS|SPS later|ago|apart|behind|longer -> _
NUM EPS in|into -> @epoch ?happening
AFTER|by|within|AT FILL|about|around|~|roughly * NUM -|to|or NUM EPS -> @epoch @until ?happening
AFTER|by|within|AT FILL|about|around|~|roughly * NUM EPS -> @epoch ?happening
AFTER|by|within|AT FILL|about|around|~|roughly * NUM SPS -> @step ?happening
AT|by|from SPS # ? NUM -> @step
STEP # ? NUM -> @step
every|each|LAST FILL|~|about|around|roughly * NUM EPS -> #every_epochs ?notwarm
every|each|LAST FILL|~|about|around|roughly * NUM SPS -> #every_steps ?notwarm

NUM STEPSPEREPOCH -> batches_per_epoch
STEPSPEREPOCH LINK * NUM -> batches_per_epoch
NUM STEPS|BATCH|STEP / EPOCH -> batches_per_epoch
NUM EPS of|x|TIMES NUM STEPS|BATCH|STEP -> epochs batches_per_epoch
NUM STEPS|BATCH each|apiece -> batches_per_epoch ?eachepoch
NUM STEPS|BATCH|STEP per|each|every|an|in|makes|a|for FILL|one ? EPOCH -> batches_per_epoch
EPOCH LINK|has|takes|= * NUM STEPS|BATCH -> batches_per_epoch

LR ? NUM GOODLR well|fine ? at|for|with|on|@ BATCH|BATCHSIZE LINK * NUM -> reference_lr reference_batch ?lrandbatch
LR LINK|USE * NUM ( ? at|for|with|and|, FILL ? BATCH|BATCHSIZE LINK * NUM -> pair_lr pair_batch_size ?lrandbatch
BATCH|BATCHSIZE|GLOBALBATCH LINK|from * NUM ARROW|to NUM -> reference_batch batch_size ?counts
from BATCH|BATCHSIZE LINK * NUM to|ARROW BATCH|BATCHSIZE ? LINK * NUM -> reference_batch batch_size ?counts
MAXLR LINK * NUM -> #max_lr ?rate
MINLR LINK * NUM -> floor ?floor
LASTEPOCH LINK * NUM -> #last_epoch
PATIENCE LINK|EPOCHS * NUM EPS|SPS ? -> #patience
COOLDOWN LINK * NUM EPS|SPS ? -> #cooldown
FACTOR LINK|by * NUM -> #factor
THRESHOLD LINK * NUM -> #threshold
GAMMA LINK * NUM -> #gamma
STEPSIZE LINK * NUM EPS|SPS ? -> #step_size ?count
TMAX LINK * NUM -> #T_max ?nopercent
T0 LINK * NUM -> #T_0
TMULT LINK * NUM -> #T_mult
PCTSTART LINK * NUM -> #pct_start
PCTSTART LINK * PCT -> #pct_start
DIVFACTOR LINK * NUM -> #div_factor
FINALDIV LINK * NUM -> #final_div_factor
CYCLES LINK * NUM -> #num_cycles
STARTFACTOR LINK * NUM -> #start_factor
ENDFACTOR LINK * NUM -> #end_factor
POWER LINK * NUM -> #power
STEPUP LINK * NUM -> #step_size_up
STEPDOWN LINK * NUM -> #step_size_down
TINITIAL LINK * NUM -> #t_initial
DECAYT LINK * NUM -> #decay_t
WARMUPT LINK * NUM -> #warmup_t
WARMUPLRINIT LINK * NUM -> #warmup_lr_init
PATIENCE|FACTOR|GAMMA|TMAX|T0 NUM -> _

CLIP LINK|norm|value|GRADNORM * NUM -> clip
NUM - ? CLIP -> clip
MOMENTUM LINK * NUM -> momentum ?share
NUM MOMENTUM -> momentum ?sharebehind
WD LINK * NUM -> weight_decay ?small
NUM WD -> weight_decay ?smallbehind
EMA LINK|decay * NUM -> #ema_decay ?share
DMODEL LINK * NUM -> d_model

LR|CONSTLR LINK|was|fixed|constant|currently|from|go|DOWN * NUM down ? to|ARROW LINK * NUM -> lr _ ?rates
LR|CONSTLR LINK|was|fixed|constant|currently|FILL|flat|just|sits|USE * NUM -> lr ?rate
NUM FILL|- * LR|CONSTLR -> lr ?ratebehind
peak|peaking|peaks LINK|FILL|LR * NUM -> lr ?rate
OPT WITH * NUM -> lr ?ratelike
EPS at NUM -> lr ?ratelike
( NUM train|training ) -> samples ?many
fixed|constant|flat NUM -> lr ?ratelike

NUM GPU TIMES|with|each LINK|BATCHSIZE|BATCH * NUM -> processes batch_size ?eachgpu
NUM TIMES|- ? GPU WORLDX ? TIMES NUM SAMPLES|BATCH ? -> processes batch_size
NUM NODE TIMES|with|of|,|(|each|having|w * NUM TIMES ? GPU -> nodes processes
NUM TIMES|- ? FILL|nvidia|rtx|tesla * GPU -> processes ?gpus
WORLD LINK * NUM -> processes
single|one GPU -> one
NUM ACCUM -> accumulation ?count
NUM TIMES|- * ACCUM -> accumulation ?count
ACCUM LINK|over|every|steps|STEPS|by|FILL|BATCH|for|with|across|( * NUM TIMES|STEPS|BATCH ? -> accumulation ?count

GLOBALBATCH LINK * NUM -> #global_batch ?count
NUM GLOBALBATCH -> #global_batch ?count
NUM SAMPLES ? per|/ GPU|WORLDX|device|process -> batch_size ?count
BATCHSIZE LINK|was|currently * NUM -> batch_size ?count
BATCHSIZE LINK * NUM per|/ GPU|device -> batch_size ?count
NUM - ? BATCHSIZE -> batch_size ?count
BATCH =|:|of|was|~ ? NUM -> batch_size ?batchlike
BATCH per device|GPU LINK * NUM -> batch_size ?count
NUM SAMPLES per|/|a|each|every BATCH -> batch_size ?count
NUM per|a|each|/ BATCH -> batch_size ?count
NUM at a time -> batch_size ?count

NUM TOKENS per|/|a|each BATCH|STEP|GPU|FILL -> _
NUM TOKEN ? BATCH -> _
NUM training ? TOKENS -> tokens ?manytokens
NEPOCHS LINK * NUM -> epochs
NUM NEPOCHS -> epochs ?wholeepochs
EPOCHS =|:|of NUM -> epochs
EPOCHS|EPOCH = NUM -> epochs ?notlog
NUM - ? EPS -> epochs ?wholeepochs
EPOCHS NUM -> epochs ?wholeepochs
NSTEPS LINK * NUM -> steps ?many
NUM NSTEPS -> steps ?many
NUM training|train|optimizer|gradient|total ? - ? SPS -> steps ?wholesteps
STEPS =|: NUM -> steps ?many
TIMESTEPS LINK * NUM -> #timesteps
NUM total|environment|env ? TIMESTEPS -> #timesteps

DATASIZE LINK * NUM -> samples ?many
NUM labeled|labelled|training|train|total|of|FILL|- * SAMPLES -> samples ?manysamples
NUM ANY ANY|- * SAMPLES -> samples ?manysamples
dataset|trainset|corpus|set of|with|has|: FILL|about|around|~|roughly|only * NUM -> samples ?manyalone
SAMPLES =|: ? NUM -> samples ?manyalone
NUM - ? PARAMS -> parameters ?manyparams
NUM ANY ? PARAMS -> parameters ?manyparams
NUM - ? MODEL -> parameters ?modelsize
MODEL - ? NUM -> parameters ?modelsize
NUM PARAMSX|model|transformer|decoder|encoder|lm|llm -> parameters ?modelsize
"""


class Pattern:
    """One pattern, compiled: for each element its alternatives, whether it may be absent and whether it may repeat."""

    __slots__ = ("elements", "guard", "names", "text")

    def __init__(self, line: str) -> None:
        self.text = line
        left, _, right = line.partition(" -> ")
        names = right.split()
        self.names = [name for name in names if name[0] != "?"]
        self.guard = next((name[1:] for name in names if name[0] == "?"), "")
        self.elements: list[tuple[frozenset[str], str]] = []
        for word in left.split():
            if word in ("?", "*"):
                self.elements[-1] = (self.elements[-1][0], word)
            else:
                self.elements.append((_alternatives(word), ""))


@cache
def _alternatives(word: str) -> frozenset[str]:
    return frozenset(one for part in word.split("|") for one in GROUPS.get(part, part).split("|"))


@cache
def patterns() -> tuple[Pattern, ...]:
    """All patterns in their order."""
    return tuple(Pattern(line) for line in PATTERNS.split("\n") if line)


def matches(items: Sequence[Item]) -> Iterator[tuple[Pattern, int, int, list[Item]]]:
    """Every place where a pattern fits numbers that are not taken yet: the pattern, its items and its numbers."""
    places: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        for tag in item.tags:
            places.setdefault(tag, []).append(index)
    for pattern in patterns():
        first = pattern.elements[0][0]
        starts = {index for tag in first if tag in places for index in places[tag]}
        for start in sorted(starts):
            numbers: list[Item] = []
            end = _fit(items, start, pattern.elements, 0, numbers)
            if end and not any(number.taken for number in numbers):
                yield pattern, start, end, numbers


_NUMBERS = frozenset(("NUM", "PCT", "ORD", "QTY"))


def _fit(
    items: Sequence[Item], at: int, elements: Sequence[tuple[frozenset[str], str]], which: int, numbers: list[Item]
) -> int:
    """Where a match of the elements from ``which`` on ends; 0 if there is none. ``numbers`` gets the numbers."""
    if which == len(elements):
        return at
    wanted, quantity = elements[which]
    seen = at < len(items) and (not wanted.isdisjoint(items[at].tags) or ("ANY" in wanted and _plain(items[at])))
    if seen:
        counted = quantity == "" and not _NUMBERS.isdisjoint(wanted) and not _NUMBERS.isdisjoint(items[at].tags)
        if counted:
            if items[at].taken:
                return 0
            numbers.append(items[at])
        repeated = quantity == "*" and len(numbers) < 9
        end = _fit(items, at + 1, elements, which if repeated else which + 1, numbers)
        if end:
            return end
        if counted:
            numbers.pop()
    return _fit(items, at, elements, which + 1, numbers) if quantity else 0


def _plain(item: Item) -> bool:
    return item.text[0].isalpha() and item.tags.isdisjoint(_STOPPERS)


_STOPPERS = frozenset(
    "NUM PCT EPOCH EPOCHS STEP STEPS BATCH BATCHSIZE GPU LR with and or for per on in at of to from by than then but "
    "TOKENS TIMESTEPS WITH WARMUP classes val test validation held SCHED OPT".split()
)
