"""Correct scripts of other shapes: two optimizers (GAN), and cross-validation folds."""

from __future__ import annotations

import random

from .script import Block, Script

HEADS = ("import torch", "import torch.nn as nn", "from torch.utils.data import DataLoader, TensorDataset")


def pair_schedule(rng: random.Random, epochs: int) -> tuple[str, list[tuple[str, str]]]:
    """A scheduler class and its arguments, sized for the epochs."""
    name, args = rng.choice(
        (
            ("StepLR", [("step_size", str(-(-epochs // 3))), ("gamma", "0.3")]),
            ("CosineAnnealingLR", [("T_max", "EPOCHS")]),
            ("ExponentialLR", [("gamma", f"{0.05 ** (1 / epochs):.3f}")]),
            ("LambdaLR", [("lr_lambda", "lambda epoch: 1 - epoch / EPOCHS")]),
            ("LinearLR", [("start_factor", "1.0"), ("end_factor", "0.05"), ("total_iters", "EPOCHS")]),
        )
    )
    return name, list(args)


def write_call(script: Script, block: Block, tag: str, target: str, func: str, args: list[tuple[str, str]]) -> None:
    """A call that plants can change, on one line."""
    from .script import Call

    script.calls[tag] = Call(f"{target} = ", func, args)
    block.add(script.calls[tag].lines()[0][1], tag)


def gan_script(rng: random.Random) -> Script:
    """A small GAN: two networks, two optimizers, two schedules ticked per epoch."""
    script, block = Script(), Block()
    epochs = rng.choice((20, 30, 60, 100, 200))
    g, d = rng.choice((("generator", "discriminator"), ("netG", "netD"), ("G", "D")))
    opt_g, opt_d = rng.choice(
        (
            ("opt_g", "opt_d"),
            ("optimizerG", "optimizerD"),
            ("g_optimizer", "d_optimizer"),
            ("optim_g", "optim_d"),
        )
    )
    sched_g, sched_d = rng.choice((("sched_g", "sched_d"), ("schedulerG", "schedulerD"), ("g_sched", "d_sched")))
    rows = rng.choice((512, 1024, 1500))
    for line in (*HEADS, "from torch.optim import Adam, lr_scheduler"):
        block.add(line)
    block.add("")
    block.add(f"EPOCHS = {epochs}")
    block.add("LATENT = 16")
    block.add("")
    block.add("")
    with block.deeper("def build(n_in, n_out):"):
        block.add("return nn.Sequential(nn.Linear(n_in, 32), nn.LeakyReLU(0.2), nn.Linear(32, n_out))")
    block.add("")
    block.add("")
    in_main = rng.random() < 0.7
    if in_main:
        block.add("def main():")
        block.depth = 1
    block.add(
        f"loader = DataLoader(TensorDataset(torch.randn({rows}, 8)), batch_size=64, shuffle=True, drop_last=True)"
    )
    block.add(f"{g}, {d} = build(LATENT, 8), build(8, 1)")
    block.add("bce = nn.BCEWithLogitsLoss()")
    rate = rng.choice(("2e-4", "1e-4"))
    write_call(
        script,
        block,
        "opt_g",
        opt_g,
        "Adam",
        [("", f"{g}.parameters()"), ("lr", rate), ("betas", "(0.5, 0.999)")],
    )
    write_call(
        script,
        block,
        "opt_d",
        opt_d,
        "Adam",
        [("", f"{d}.parameters()"), ("lr", rate), ("betas", "(0.5, 0.999)")],
    )
    name, args = pair_schedule(rng, epochs)
    write_call(script, block, "sched_g", sched_g, f"lr_scheduler.{name}", [("", opt_g), *args])
    write_call(script, block, "sched_d", sched_d, f"lr_scheduler.{name}", [("", opt_d), *args])
    with block.deeper("for epoch in range(EPOCHS):", "epoch_for"):
        with block.deeper("for (real,) in loader:", "batch_for"):
            block.add("noise = torch.randn(real.size(0), LATENT)")
            block.add("ones, zeros = torch.ones(real.size(0), 1), torch.zeros(real.size(0), 1)")
            block.add(f"{opt_d}.zero_grad()")
            block.add(f"loss_d = bce({d}(real), ones) + bce({d}({g}(noise).detach()), zeros)")
            block.add("loss_d.backward()")
            block.add(f"{opt_d}.step()", "update_d")
            block.add(f"{opt_g}.zero_grad()")
            block.add(f"loss_g = bce({d}({g}(noise)), ones)")
            block.add("loss_g.backward()")
            block.add(f"{opt_g}.step()", "update_g")
        block.add(f"{sched_g}.step()", "tick_g")
        block.add(f"{sched_d}.step()", "tick_d")
        block.add('print(f"{epoch}: D {loss_d.item():.3f} G {loss_g.item():.3f}")', "epoch_end")
    block.depth = 0
    if in_main:
        block.add("")
        block.add("")
        with block.deeper('if __name__ == "__main__":'):
            block.add("main()")
    script.lines = block.lines
    script.names |= {"opt_g": opt_g, "opt_d": opt_d, "sched_g": sched_g, "sched_d": sched_d}
    return script


def kfold_script(rng: random.Random) -> Script:
    """Cross-validation: model, optimizer and schedule are new in every fold."""
    script, block = Script(), Block()
    epochs = rng.choice((10, 20, 30, 50))
    folds = rng.choice((3, 5, 10))
    fold = rng.choice(("fold", "k", "split"))
    for line in (*HEADS, "from torch.optim import SGD, lr_scheduler"):
        block.add(line)
    block.add("")
    block.add(f"EPOCHS = {epochs}")
    block.add(f"FOLDS = {folds}")
    block.add("")
    block.add("features, labels = torch.randn(600, 8), torch.randint(0, 3, (600,))")
    block.add("criterion = nn.CrossEntropyLoss()", "before_folds")
    with block.deeper(f"for {fold} in range(FOLDS):", "fold_for"):
        block.add(f"held_out = torch.arange(600) % FOLDS == {fold}")
        block.add("train_set = TensorDataset(features[~held_out], labels[~held_out])")
        block.add("loader = DataLoader(train_set, batch_size=32, shuffle=True)", "loader")
        block.add("model = nn.Linear(8, 3)", "model")
        write_call(
            script,
            block,
            "optimizer",
            "optimizer",
            "SGD",
            [("", "model.parameters()"), ("lr", "0.1"), ("momentum", "0.9")],
        )
        name, args = pair_schedule(rng, epochs)
        write_call(script, block, "scheduler", "scheduler", f"lr_scheduler.{name}", [("", "optimizer"), *args])
        with block.deeper("for epoch in range(EPOCHS):", "epoch_for"):
            with block.deeper("for x, y in loader:", "batch_for"):
                block.add("optimizer.zero_grad()")
                block.add("criterion(model(x), y).backward()")
                block.add("optimizer.step()", "update")
            block.add("scheduler.step()", "tick")
        with block.deeper("with torch.no_grad():"):
            block.add("accuracy = (model(features[held_out]).argmax(1) == labels[held_out]).float().mean()")
        block.add(f'print(f"{{{fold}}}: {{accuracy:.3f}}")')
    script.lines = block.lines
    return script
