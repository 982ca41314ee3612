"""The success criteria of the six situations, as patterns that an answer must show, and claims it must not make."""

from __future__ import annotations

import re

Criteria = dict[str, str]

MUST: dict[int, Criteria] = {
    1: {
        "a clear yes": r"^Yes|\bdecay the LR|use a schedule",
        "MultiStepLR or CosineAnnealingLR": r"CosineAnnealingLR|MultiStepLR",
        "long training benefits": r"long training|benefit",
        "the established recipe, with its drops": r"30(,| and) 60",
        "the LR finder": r"LR (range test|finder)",
        "constant underperforms": r"underperform|clearly worse",
    },
    2: {
        "recognised as a plateau": r"plateau",
        "ReduceLROnPlateau": r"ReduceLROnPlateau",
        "mode, factor, patience": r"ReduceLROnPlateau\(\s*optimizer, mode=.min., factor=0\.\d+, patience=\d+",
        "step(val_loss)": r"scheduler\.step\(val_loss\)",
        "lower by 10 now": r"divide the LR by 10",
        "cosine or step from the start next time": r"from the start.*(CosineAnnealingLR|StepLR)",
    },
    3: {
        "missing warmup identified": r"warmup.*(missing|cause)|missing warmup",
        "mandatory for transformers": r"mandatory for a transformer",
        "why: random weights, large gradients": r"weights are random.*gradients are large",
        "SequentialLR with LinearLR and cosine": r"SequentialLR\(.*|LinearLR\(",
        "cosine over what is left": r"CosineAnnealingLR\(.*T_max=(\d+|epochs - warmup|total_updates - warmup)",
        "from 1% to 100%": r"1% to 100%",
        "standard practice for transformers": r"standard practice",
    },
    4: {
        "max_lr is too high": r"max_lr.*(too high)",
        "mechanics: ramp up 30%, down 70%": r"ramps up.*70%|first \d+%.*ramps up.*other \d+% down",
        "LR finder first": r"LR (range test|finder).*first|first.*LR range test",
        "1 to 3 times the finder's": r"0\.01.*0\.03",
        "plot the LR": r"[Pp]lot or print the LR|[Pp]lot the LR",
        "steps every batch": r"every batch",
        "try lower now": r"[Oo]r at once: try",
    },
    5: {
        "pushes back": r"significantly underperform",
        "quantity, honestly": r"2-5%.*no source",
        "why: high early, low late": r"High LR early.*[Ll]ow LR late",
        "no tuning: T_max is the length": r"only T_max",
        "the LR is the critical hyperparameter": r"hyperparameter most worth tuning",
        "evidence: papers": r"ResNet.*EfficientNet.*ViT",
        "one line": r"CosineAnnealingLR\(optimizer, T_max=",
        "return on one line": r"return for a line|one line",
    },
    6: {
        "step in the batch loop": r"inside the batch loop|after every batch",
        "once per epoch": r"ONCE PER EPOCH|once per epoch",
        "the placement": r"after the epoch|out of the batch loop",
        "the arithmetic": r"batches an epoch|100 batches, not 100 epochs",
        "the exception": r"OneCycleLR.*every batch",
        "print the LR": r"optimizer\.param_groups\[0\]\[.lr.\]",
    },
}

MUST_NOT: dict[int, tuple[str, ...]] = {
    1: (r"improve\w* (final )?accuracy by 2",),
    2: (r"change the architecture",),
    3: (r"warmup is not needed",),
    4: (r"peaks? at epoch 10 of 20",),
    5: (r"constant LR is fine",),
    6: (r"blame",),
}


def missed(scenario: int, text: str) -> list[str]:
    """The criteria that ``text`` does not meet, and the claims it should not make."""
    flat = " ".join(text.split())
    lacking = [name for name, pattern in MUST[scenario].items() if not re.search(pattern, flat)]
    return lacking + [f"says {pattern!r}" for pattern in MUST_NOT[scenario] if re.search(pattern, flat)]
