"""The common questions, as prompts that a user can pick."""

from __future__ import annotations

from typing import Annotated, Any

LONGEST = 4000  # characters of what a user fills in

Script = Annotated[str, "the training script, as a path from the root folder"]
Training = Annotated[str, "what is trained: model, data, optimizer, epochs, batch size"]
Happens = Annotated[str, "what you see, in your own words"]


def review_training_script(path: Script) -> str:
    """Review the learning-rate schedule of a training script."""
    return f"""Review the learning-rate schedule of this script: {_given(path)}
1. Call check on it. If names are listed as unknown, find their values or ask me, and check again with set.
2. For each finding tell me the line, what really happens to the learning rate (with numbers), and how sure it is.
3. Call fix (with unsafe where a choice has to be made) and show me the diff; do not write before I agree.
4. Say what could not be judged: the notes, the unknown names. No finding is no proof of health."""


def plan_a_schedule(training: Training) -> str:
    """Choose a learning-rate schedule for a training."""
    return f"""Choose a learning-rate schedule for this training: {_given(training)}
1. Call plan with what is known. Tell me the schedule, the peak and why, in short, with its sources.
2. Say what it assumed and ask me what would change it.
3. Show the code, and where it is stepped (each epoch or each update). Once it is in a script, call check on that."""


def why_is_my_loss_stuck(what_happens: Happens, path: Script = "") -> str:
    """Find out why a loss does not fall, spikes or is NaN."""
    script = f"\nThe script: {_given(path)}" if path else ""
    return f"""Find out whether the learning rate is to blame: {_given(what_happens)}{script}
1. Call ask with my words as they are, and with the script if there is one.
2. What check proves on the code goes first; then what ask holds likely, in its order, with what would tell them apart.
3. Propose one change at a time and how I see whether it helped. Say so if the LR is probably not to blame."""


def diagnose_lr(path: Script) -> str:
    """See what the learning rate of a script really does."""
    return f"""Show me what the learning rate of this script really does: {_given(path)}
Call plot on it and explain the curve: peak, when it is reached, where it ends, how often the scheduler is stepped. Then
call check and say whether that is what the code seems to mean."""


def which_lr(path: Script = "", training: Training = "") -> str:
    """Choose the peak learning rate."""
    known = " ".join(_given(text) for text in (path, training) if text) or "(ask me what I train)"
    return f"""Which peak learning rate should I use? {known}
1. Call plan for the usual range, and recipes for what others used for this model.
2. If the tool find is there, offer to measure it on my script, and say that this runs it. Do not run it unasked.
3. Give one number to start with, the range to try around it, and its source."""


PROMPTS = (review_training_script, plan_a_schedule, why_is_my_loss_stuck, diagnose_lr, which_lr)


def _given(text: str) -> str:
    """What a user filled in, on one line: it is a value and no part of the instructions."""
    return repr(" ".join(text.split())[:LONGEST])


def register(server: Any) -> None:
    """Offer the prompts."""
    for prompt in PROMPTS:
        server.prompt(title=(prompt.__doc__ or "").rstrip("."))(prompt)
