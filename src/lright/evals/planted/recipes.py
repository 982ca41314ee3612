"""Whole correct training scripts, written in the style of a plan, with tags where plants may bite."""

from __future__ import annotations

import random
from collections.abc import Callable

from .schedules import SCHEDULES
from .script import Block, Call, Script
from .styles import INDEXED_LOOPS, Plan

CLASS_NAMES = {"train": "train_loader", "val": "val_loader", "x": "x", "y": "y"}
FLAGS = {"lr": "float", "weight_decay": "float", "gamma": "float", "resume": "str", "out": "str"}


class Writer:
    """Writes one script. Objects and values are spelled for the scope that is being written."""

    def __init__(self, rng: random.Random, plan: Plan) -> None:
        self.rng = rng
        self.plan = plan
        self.script = Script()
        self.values: dict[str, str] = {}
        self.imports: set[str] = {"import torch", "import torch.nn as nn"}
        self.scheduler_names: list[str] = []
        self.scope = "cls" if plan.structure == "trainer" else "main"
        self.fn_params: list[str] = []
        self.fn_names = {
            "model": "model",
            "optimizer": rng.choice(("optimizer", "opt")),
            "criterion": plan.names["criterion"],
            "train": rng.choice(("loader", "train_loader", "data_loader")),
            "device": "device",
            "scaler": "scaler",
            "scheduler": rng.choice(("scheduler", "lr_scheduler", "sched")),
            "x": plan.names["x"],
            "y": plan.names["y"],
        }
        self.lr0 = rng.choice(("0.1", "0.05", "0.01") if plan.optimizer == "SGD" else ("1e-3", "3e-4", "0.001"))
        if plan.imports == "module" and self.fn_names["scheduler"] == "lr_scheduler":
            self.fn_names["scheduler"] = "scheduler"

    # --- spelling -----------------------------------------------------------------------------------

    def obj(self, name: str) -> str:
        """An object (model, optimizer, train, ...) in the present scope."""
        local = name in ("x", "y")
        if self.scope == "cls":
            return self.plan.names[name] if local else f"self.{CLASS_NAMES.get(name, name)}"
        if self.scope == "fn":
            return self.fn_names.get(name, name)
        return self.plan.names.get(name, name)

    def var(self, name: str) -> str:
        """A plain variable that outlives a method in a class (``self.best``) and is bare elsewhere."""
        return f"self.{name}" if self.scope == "cls" else name

    def val(self, name: str, default: str) -> str:
        """A configured value in the present scope; remembers its default for the configuration block."""
        spelled = self.plan.value_names.get(name, name)
        config = self.plan.config
        if config == "literal":
            return default
        self.values.setdefault(name, default)
        if config == "const":
            return spelled.upper()
        if config in ("dict", "yaml"):
            return f'cfg["{spelled}"]'
        owner = "cfg" if config == "dataclass" else "args"
        if config == "local":
            if self.scope == "fn" and spelled not in self.fn_params:
                self.fn_params.append(spelled)
            return f"self.{spelled}" if self.scope == "cls" else spelled
        return f"self.{owner}.{spelled}" if self.scope == "cls" else f"{owner}.{spelled}"

    @property
    def epochs(self) -> str:
        """The number of epochs as this script writes it."""
        return self.val("epochs", str(self.plan.epochs))

    def scheduler_class(self, name: str) -> str:
        """A torch scheduler class under the script's import style."""
        self.scheduler_names.append(name)
        return {
            "direct": name,
            "alias": f"lrs.{name}",
            "optim": f"optim.lr_scheduler.{name}",
            "full": f"torch.optim.lr_scheduler.{name}",
            "module": f"lr_scheduler.{name}",
        }[self.plan.imports]

    def call(self, block: Block, tag: str, prefix: str, func: str, args: list[tuple[str, str]]) -> None:
        """Write a call that plants can change."""
        call = Call(prefix, func, args, split=self.plan.split_calls and len(args) > 2)
        self.script.calls[tag] = call
        for extra, text in call.lines():
            block.depth += extra
            block.add(text, tag)
            block.depth -= extra

    # --- parts --------------------------------------------------------------------------------------

    def data(self, block: Block) -> None:
        """Datasets and loaders."""
        plan = self.plan
        if plan.data == "known":
            self.imports.add("from torch.utils.data import DataLoader, TensorDataset")
            n = plan.samples
            block.add(f"train_set = TensorDataset(torch.randn({n}, 32), torch.randint(0, 10, ({n},)))", "dataset")
            if plan.evaluate:
                block.add("val_set = TensorDataset(torch.randn(256, 32), torch.randint(0, 10, (256,)))")
        elif plan.data == "dataset":
            self.imports |= {"import numpy as np", "from torch.utils.data import DataLoader, Dataset"}
            block.add('train_set = FeatureDataset("data/train")', "dataset")
            if plan.evaluate:
                block.add('val_set = FeatureDataset("data/val")')
        elif plan.data == "vision":
            self.imports |= {
                "from torchvision import datasets, transforms",
                "from torch.utils.data import DataLoader",
            }
            block.add("transform = transforms.ToTensor()")
            block.add(
                'train_set = datasets.CIFAR10("data", train=True, download=True, transform=transform)',
                "dataset",
            )
            if plan.evaluate:
                block.add('val_set = datasets.CIFAR10("data", train=False, transform=transform)')
        else:
            self.imports |= {"from data import build_dataset", "from torch.utils.data import DataLoader"}
            block.add('train_set = build_dataset("train")', "dataset")
            if plan.evaluate:
                block.add('val_set = build_dataset("val")')
        batch = self.val("batch_size", str(plan.batch_size))
        extra = ", drop_last=True" if plan.drop_last else ""
        if plan.ddp:
            self.imports.add("from torch.utils.data.distributed import DistributedSampler")
            block.add(f"{self.var('sampler')} = DistributedSampler(train_set)")
            extra += f", sampler={self.var('sampler')}"
        else:
            extra += ", shuffle=True"
        block.add(f"{self.obj('train')} = DataLoader(train_set, batch_size={batch}{extra})", "train_loader")
        if plan.evaluate:
            block.add(f"{self.obj('val')} = DataLoader(val_set, batch_size={batch})", "val_loader")

    def optimizer(self, block: Block) -> None:
        """The optimizer, with one group or two."""
        plan = self.plan
        lr = self.val("lr", self.lr0)
        if plan.scale_lr:
            lr = f"{lr} * {self.var('world_size')}"
        model = f"{self.obj('model')}.module" if plan.ddp else self.obj("model")
        if plan.groups:
            scale = ', "scale": 0.1' if plan.kind.startswith("manual") else ""
            groups = (
                f'[{{"params": {model}.backbone.parameters(), "lr": {lr} * 0.1{scale}}}, '
                f'{{"params": {model}.head.parameters()}}]'
            )
        elif plan.unfreeze:
            groups = f"{model}.head.parameters()"
        else:
            groups = f"{self.obj('model')}.parameters()"
        args = [("", groups), ("lr", lr)]
        if plan.optimizer == "SGD":
            args.append(("momentum", "0.9"))
        if plan.optimizer == "AdamW" or self.rng.random() < 0.3:
            args.append(("weight_decay", self.val("weight_decay", "1e-4")))
        style = self.rng.choice(("optim", "torch", "direct"))
        if plan.imports == "optim" or style == "optim":
            self.imports.add("import torch.optim as optim")
            func = f"optim.{plan.optimizer}"
        elif style == "torch":
            func = f"torch.optim.{plan.optimizer}"
        else:
            self.imports.add(f"from torch.optim import {plan.optimizer}")
            func = plan.optimizer
        self.call(block, "optimizer", f"{self.obj('optimizer')} = ", func, args)
        if plan.unfreeze:
            rate = "" if plan.kind.startswith("onecycle") else f', "lr": {lr} * 0.1'
            block.add(
                f'{self.obj("optimizer")}.add_param_group({{"params": {model}.backbone.parameters(){rate}}})',
                "add_group",
            )

    def total(self, block: Block) -> str:
        """The number of updates in the whole training, spelled for a schedule ticked per update."""
        plan = self.plan
        if plan.budget != "epochs":
            return self.max_steps
        loader, epochs = f"len({self.obj('train')})", self.epochs
        if plan.accum > 1:
            k = self.accum
            if plan.accum_rest == "keep":
                self.imports.add("import math")
                per_epoch = f"math.ceil({loader} / {k})"
            else:
                per_epoch = f"({loader} // {k})"
            self.script.names["per_epoch"] = per_epoch
        else:
            per_epoch = loader
        if not plan.total_variable:
            return f"{epochs} * {per_epoch}"
        if self.rng.random() < 0.5:
            name = self.rng.choice(("steps_per_epoch", "iters_per_epoch", "updates_per_epoch"))
            block.add(f"{name} = {per_epoch}", "per_epoch")
            per_epoch = name
        name = self.rng.choice(("total_steps", "num_training_steps", "n_updates", "t_total"))
        block.add(f"{name} = {epochs} * {per_epoch}", "total")
        return name

    @property
    def max_steps(self) -> str:
        """The number of updates of a training that is not counted in epochs."""
        return self.val("max_steps", str(self.plan.epochs * self.plan.batches))

    @property
    def accum(self) -> str:
        """The accumulation factor as this script writes it."""
        return self.val("accum", str(self.plan.accum_default))

    def scheduler(self, block: Block) -> None:
        """The schedule, by its recipe; sets the facts a plant needs."""
        horizon = self.total(block) if self.plan.unit == "update" else self.epochs
        self.script.facts["horizon"] = horizon
        SCHEDULES[self.plan.kind](self, block, horizon)

    def model(self, block: Block) -> None:
        """The model, criterion and what they need."""
        plan = self.plan
        model = self.obj("model")
        if self.scope == "cls":
            block.add('self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")')
        block.add(
            f"{model} = {'Net()' if self.needs_class else self.sequential()}.to({self.obj('device')})",
            "model",
        )
        if plan.ddp:
            self.imports.add("from torch.nn.parallel import DistributedDataParallel as DDP")
            block.add(f"{model} = DDP({model})")
        block.add(f"{self.obj('criterion')} = nn.CrossEntropyLoss()")

    @property
    def needs_class(self) -> bool:
        """Whether the model is a class with parts that have names."""
        return self.plan.groups or self.plan.unfreeze

    def sequential(self) -> str:
        """A small model in one expression."""
        if self.plan.data == "vision":
            return "nn.Sequential(nn.Flatten(), nn.Linear(3072, 64), nn.ReLU(), nn.Linear(64, 10))"
        return "nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 10))"

    # --- the inner loop -----------------------------------------------------------------------------

    def batch_loop(self, block: Block, tick: Callable[[Block], None] | None) -> None:
        """Train for one pass over the loader."""
        plan, loader = self.plan, self.obj("train")
        x, y = self.obj("x"), self.obj("y")
        style = plan.batch_loop
        if "tqdm" in style or style == "pbar":
            self.imports.add("from tqdm import tqdm")
        if style == "range_len":
            block.add(f"batches = iter({loader})")
        if style == "pbar":
            block.add(f"pbar = tqdm({loader})")
        header = {
            "plain": f"for {x}, {y} in {loader}:",
            "enumerate": f"for i, ({x}, {y}) in enumerate({loader}):",
            "tqdm": f"for {x}, {y} in tqdm({loader}):",
            "enum_tqdm": f"for i, ({x}, {y}) in enumerate(tqdm({loader}), 1):",
            "tqdm_enum": f"for i, ({x}, {y}) in tqdm(enumerate({loader}), total=len({loader})):",
            "unpack": f"for batch in {loader}:",
            "range_len": f"for i in range(len({loader})):",
            "pbar": f"for {x}, {y} in pbar:",
        }[style]
        with block.deeper(header, "batch_for"):
            if style == "unpack":
                block.add(f"{x}, {y} = batch")
            if style == "range_len":
                block.add(f"{x}, {y} = next(batches)")
            self.step(block, tick, "i" if style in INDEXED_LOOPS else None)
            if plan.budget == "while":
                block.add("step += 1")
                with block.deeper(f"if step >= {self.max_steps}:"):
                    block.add("break")

    def step(self, block: Block, tick: Callable[[Block], None] | None, index: str | None) -> None:
        """One micro-batch: forward, backward, and the update when it is due."""
        plan = self.plan
        x, y, optimizer = self.obj("x"), self.obj("y"), self.obj("optimizer")
        block.add(f"{x}, {y} = {x}.to({self.obj('device')}), {y}.to({self.obj('device')})", "batch_first")
        if plan.accum == 1:
            block.add(f"{optimizer}.zero_grad()")
        forward = f"{self.obj('criterion')}({self.obj('model')}({x}), {y})"
        if plan.amp:
            with block.deeper('with torch.autocast("cuda", enabled=torch.cuda.is_available()):'):
                block.add(f"loss = {forward}")
        elif self.rng.random() < 0.5:
            block.add(f"logits = {self.obj('model')}({x})")
            block.add(f"loss = {self.obj('criterion')}(logits, {y})")
        else:
            block.add(f"loss = {forward}")
        if plan.accum > 1:
            block.add(f"loss = loss / {self.accum}")
        block.add(f"{self.obj('scaler')}.scale(loss).backward()" if plan.amp else "loss.backward()")
        if plan.accum > 1:
            with block.deeper(self.guard(index), "guard"):
                self.update(block, tick)
                block.add(f"{optimizer}.zero_grad()", "zero_after")
        else:
            self.update(block, tick)
        if plan.budget == "epochs":
            block.add("running += loss.item()", "batch_last")
        else:
            with block.deeper("if step % 100 == 0:", "batch_last"):
                block.add('print(f"{step}: {loss.item():.4f}")')

    def guard(self, index: str | None) -> str:
        """The accumulation guard in one of its usual spellings."""
        k, i = self.accum, index or "i"
        count = i if self.plan.batch_loop == "enum_tqdm" else f"({i} + 1)"
        rest = f" or {count.strip('()')} == len({self.obj('train')})" if self.plan.accum_rest == "keep" else ""
        return f"if {count} % {k} == 0{rest}:"

    def update(self, block: Block, tick: Callable[[Block], None] | None) -> None:
        """Clip, update, tick."""
        plan, optimizer = self.plan, self.obj("optimizer")
        if plan.clip:
            if plan.amp:
                block.add(f"{self.obj('scaler')}.unscale_({optimizer})")
            block.add(f"nn.utils.clip_grad_norm_({self.obj('model')}.parameters(), 1.0)")
        if plan.amp:
            block.add(f"{self.obj('scaler')}.step({optimizer})", "update")
            block.add(f"{self.obj('scaler')}.update()", "update_last")
        else:
            block.add(f"{optimizer}.step()", "update", "update_last")
        if tick:
            tick(block)

    # --- evaluation ---------------------------------------------------------------------------------

    def eval_body(self, block: Block, model: str, loader: str, criterion: str, device: str) -> None:
        """The evaluation pass; leaves ``val_loss`` and ``val_acc``."""
        x, y = self.plan.names["x"], self.plan.names["y"]
        block.add(f"{model}.eval()")
        block.add("total_loss, correct, seen = 0.0, 0, 0")
        with block.deeper("with torch.no_grad():"), block.deeper(f"for {x}, {y} in {loader}:", "eval_for"):
            block.add(f"{x}, {y} = {x}.to({device}), {y}.to({device})")
            block.add(f"logits = {model}({x})")
            block.add(f"total_loss += {criterion}(logits, {y}).item() * len({y})")
            block.add(f"correct += (logits.argmax(1) == {y}).sum().item()")
            block.add(f"seen += len({y})", "eval_last")

    def eval_function(self) -> Block:
        """``evaluate(model, loader, criterion, device)`` or the ``validate`` method."""
        in_class = self.scope == "cls"
        block = Block(depth=1 if in_class else 0)
        header = "def validate(self):" if in_class else "def evaluate(model, loader, criterion, device):"
        with block.deeper(header, "eval_def"):
            if in_class:
                self.eval_body(block, "self.model", "self.val_loader", "self.criterion", "self.device")
            else:
                self.eval_body(block, "model", "loader", "criterion", "device")
            block.add("return total_loss / seen, correct / seen")
        return block

    @property
    def inline_eval(self) -> bool:
        """Whether evaluation is written inside the epoch loop."""
        return self.plan.inline_eval and self.scope == "main"

    def evaluation(self, block: Block) -> None:
        """Evaluate inside the epoch loop, inline or by a call."""
        if self.inline_eval:
            self.eval_body(block, self.obj("model"), self.obj("val"), self.obj("criterion"), "device")
            block.add("val_loss, val_acc = total_loss / seen, correct / seen", "eval_call")
        elif self.scope == "cls":
            block.add("val_loss, val_acc = self.validate()", "eval_call")
        else:
            block.add(
                f"val_loss, val_acc = evaluate({self.obj('model')}, {self.obj('val')}, "
                f"{self.obj('criterion')}, device)",
                "eval_call",
            )

    # --- the outer loop -----------------------------------------------------------------------------

    def tick(self, block: Block, argument: str = "") -> None:
        """The tick of the schedule."""
        if not self.has_state:
            return
        if self.plan.unit == "frac":
            argument = f"epoch + i / len({self.obj('train')})"
        block.add(f"{self.obj('scheduler')}.step({argument})", "tick")

    def fit(self, block: Block, train: Callable[[Block], None]) -> None:
        """The epoch loop around ``train``."""
        plan = self.plan
        if plan.early_stop:
            block.add('best, bad_epochs = float("inf"), 0')
        first = "start_epoch" if plan.resume else "0"
        if plan.resume and self.scope == "cls":
            first = "self.start_epoch"
        if plan.epoch_loop == "trange":
            self.imports.add("from tqdm import trange")
        if plan.epoch_loop == "while":
            block.add("epoch = 0")
        header = {
            "range": f"for epoch in range({self.epochs}):",
            "range1": f"for epoch in range(1, {self.epochs} + 1):",
            "trange": f"for epoch in trange({self.epochs}):",
            "start": f"for epoch in range({first}, {self.epochs}):",
            "while": f"while epoch < {self.epochs}:",
        }[plan.epoch_loop]
        with block.deeper(header, "epoch_for"):
            if plan.ddp:
                block.add(f"{self.var('sampler')}.set_epoch(epoch)")
            if plan.kind.startswith("manual"):
                self.manual(block)
            train(block)
            if plan.evaluate:
                self.evaluation(block)
            metric = f"val_{plan.metric}" if plan.unit == "val" else ""
            late = self.rng.random() < 0.5
            if plan.unit in ("epoch", "val") and not late:
                self.tick(block, metric)
            self.log(block)
            if plan.unit in ("epoch", "val") and late:
                self.tick(block, metric)
            self.checkpoint(block)
            if plan.early_stop:
                self.early_stop(block)
            if plan.epoch_loop == "while":
                block.add("epoch += 1")

    def log(self, block: Block) -> None:
        """One line a epoch; never empty, so that plants have a place."""
        plan = self.plan
        if plan.log_lr and self.has_state and plan.unit != "val":
            lr = f"{self.obj('scheduler')}.get_last_lr()[0]"
        else:
            lr = f"{self.obj('optimizer')}.param_groups[0]['lr']"
        text = f"epoch {{epoch}}: loss {{train_loss:.4f}}, lr {{{lr}:.2e}}"
        if plan.evaluate:
            text += ", val {val_loss:.4f}"
        block.add(f'print(f"{text}")', "epoch_end")

    def early_stop(self, block: Block) -> None:
        """Stop when the validation loss has not improved for a while."""
        with block.deeper("if val_loss < best:"):
            block.add("best, bad_epochs = val_loss, 0")
        with block.deeper("else:"):
            block.add("bad_epochs += 1")
        stop = self.val("stop", str(max(8, self.plan.epochs // 3)))
        with block.deeper(f"if bad_epochs >= {stop}:", "early_stop"):
            block.add("break")

    def manual(self, block: Block) -> None:
        """The LR of this epoch by hand: an absolute formula, written to every group."""
        plan, lr = self.plan, self.val("lr", self.lr0)
        every = max(2, plan.epochs // 3)
        formula = {
            "manual_step": f"{lr} * 0.1 ** (epoch // {every})",
            "manual_cosine": f"{lr} * 0.5 * (1 + math.cos(math.pi * epoch / {self.epochs}))",
            "manual_poly": f"{lr} * (1 - epoch / {self.epochs}) ** 0.9",
            "manual_exp": f"{lr} * {0.02 ** (1 / plan.epochs):.3f} ** epoch",
        }[plan.kind]
        if "math" in formula:
            self.imports.add("import math")
        self.script.names["factor"] = formula.removeprefix(f"{lr} * ")
        block.add(f"new_lr = {formula}", "manual_lr")
        with block.deeper(f"for group in {self.obj('optimizer')}.param_groups:", "manual_for"):
            scale = ' * group.get("scale", 1.0)' if plan.groups else ""
            block.add(f'group["lr"] = new_lr{scale}', "manual_write")

    # --- checkpoints --------------------------------------------------------------------------------

    @property
    def has_state(self) -> bool:
        """Whether there is a scheduler object to save."""
        return self.plan.kind != "none" and not self.plan.kind.startswith("manual")

    def checkpoint(self, block: Block) -> None:
        """Save at the end of an epoch."""
        plan, model = self.plan, self.obj("model")
        if plan.save == "none":
            return
        path = self.val("out", '"checkpoint.pt"')
        if plan.ddp:
            block.add(f"if {self.var('rank')} == 0:")
            block.depth += 1
        if plan.save == "model":
            block.add(f"torch.save({model}.state_dict(), {path})", "save")
        else:
            parts = [f'"model": {model}.state_dict()', f'"optimizer": {self.obj("optimizer")}.state_dict()']
            if self.has_state:
                parts.append(f'"scheduler": {self.obj("scheduler")}.state_dict()')
            parts.append('"epoch": epoch')
            if self.rng.random() < 0.5:
                block.add(f"torch.save({{{', '.join(parts)}}}, {path})", "save")
            else:
                with block.deeper("torch.save({", "save"):
                    for part in parts:
                        block.add(f"{part},", "save")
                block.add(f"}}, {path})", "save")
        if plan.ddp:
            block.depth -= 1

    def resume(self, block: Block) -> None:
        """Restore everything when a checkpoint is named."""
        start, path = self.var("start_epoch"), self.val("resume", '""')
        if self.plan.config == "literal":
            path = '"checkpoint.pt"'
        block.add(f"{start} = 0")
        self.imports.add("import os")
        with block.deeper(f"if os.path.isfile({path}):", "resume_if"):
            block.add(f'ckpt = torch.load({path}, map_location="cpu")', "load")
            block.add(f'{self.obj("model")}.load_state_dict(ckpt["model"])', "load_model")
            block.add(f'{self.obj("optimizer")}.load_state_dict(ckpt["optimizer"])', "load_optimizer")
            if self.has_state:
                block.add(f'{self.obj("scheduler")}.load_state_dict(ckpt["scheduler"])', "load_scheduler")
            block.add(f'{start} = ckpt["epoch"] + 1', "load_epoch")

    # --- putting it together ------------------------------------------------------------------------

    def setup(self, block: Block) -> None:
        """Everything before the loop."""
        plan = self.plan
        if plan.ddp:
            self.imports.add("import torch.distributed as dist")
            block.add('dist.init_process_group("nccl")')
            block.add(f"{self.var('rank')}, {self.var('world_size')} = dist.get_rank(), dist.get_world_size()")
        if self.scope == "main":
            block.add('device = torch.device("cuda" if torch.cuda.is_available() else "cpu")')
        self.data(block)
        self.model(block)
        self.optimizer(block)
        if self.has_state:
            first = len(block.lines)
            self.scheduler(block)
            for line in block.lines[first:]:
                line.tags |= {"region"}
        if plan.amp:
            block.add(f'{self.obj("scaler")} = torch.amp.GradScaler("cuda", enabled=torch.cuda.is_available())')
        if plan.resume:
            self.resume(block)

    def inner_tick(self) -> Callable[[Block], None] | None:
        """The tick inside the batch loop, where the schedule counts updates."""
        return self.tick if self.plan.unit in ("update", "frac") else None

    def train_inline(self, block: Block) -> None:
        """One epoch of training, written where it happens."""
        block.add(f"{self.obj('model')}.train()", "train_first")
        if self.plan.accum > 1:
            block.add(f"{self.obj('optimizer')}.zero_grad()")
        block.add("running = 0.0")
        self.batch_loop(block, self.inner_tick())
        block.add(f"train_loss = running / len({self.obj('train')})", "train_last")

    def helper(self) -> tuple[Block, Callable[[Block], None]]:
        """``train_one_epoch`` and the line that calls it."""
        name = self.rng.choice(("train_one_epoch", "train_epoch", "train", "run_epoch"))
        self.scope = "fn"
        body = Block(depth=1)
        body.add(f"{self.obj('model')}.train()")
        if self.plan.accum > 1:
            body.add(f"{self.obj('optimizer')}.zero_grad()")
        body.add("running = 0.0")
        self.batch_loop(body, self.inner_tick())
        body.add(f"return running / len({self.obj('train')})")
        objects = ["model", "train", "criterion", "optimizer", "device"]
        if self.plan.pass_scheduler and self.has_state:
            objects.insert(4, "scheduler")
        if self.plan.amp:
            objects.append("scaler")
        if self.plan.unit == "frac":
            objects.append("epoch")
        params = [self.obj(item) for item in objects] + self.fn_params + self.holder()
        self.scope = "main"
        function = Block()
        function.add(f"def {name}({', '.join(params)}):", "fn_def")
        function.lines += body.lines
        arguments = [self.obj(item) for item in objects] + self.fn_params + self.holder()

        def train(block: Block) -> None:
            block.add(f"train_loss = {name}({', '.join(arguments)})", "train_first", "train_last", "train_call")

        return function, train

    def holder(self) -> list[str]:
        """What carries the configuration into a helper function."""
        owner = {"argparse": "args", "mainargs": "args", "dataclass": "cfg"}.get(self.plan.config)
        return [owner] if owner else []

    def write(self) -> Script:
        """The whole script."""
        plan = self.plan
        functions: list[Block] = []
        main = Block(depth=0 if plan.structure == "flat" else 1)
        if plan.structure == "trainer":
            self.write_trainer(functions, main)
        else:
            train: Callable[[Block], None] = self.train_inline
            if plan.structure == "helper":
                function, train = self.helper()
                functions.append(function)
            if plan.evaluate and not self.inline_eval:
                functions.append(self.eval_function())
            self.setup(main)
            if plan.budget == "epochs":
                self.fit(main, train)
            else:
                self.fit_steps(main)
        self.assemble(functions, main)
        self.note_names()
        return self.script

    def write_trainer(self, functions: list[Block], main: Block) -> None:
        """A class with ``__init__``, ``train_epoch``, ``validate`` and ``fit``."""
        init = Block(depth=2)
        self.setup(init)
        epoch = Block(depth=1)
        with epoch.deeper("def train_epoch(self, epoch):"):
            epoch.add("self.model.train()")
            if self.plan.accum > 1:
                epoch.add("self.optimizer.zero_grad()")
            epoch.add("running = 0.0")
            self.batch_loop(epoch, self.inner_tick())
            epoch.add("return running / len(self.train_loader)")
        fit = Block(depth=1)
        with fit.deeper(f"def {self.rng.choice(('fit', 'train', 'run'))}(self):", "fit_def"):
            self.fit(
                fit,
                lambda block: block.add(
                    "train_loss = self.train_epoch(epoch)", "train_first", "train_last", "train_call"
                ),
            )
        cls = Block()
        cls.add("class Trainer:")
        params, stores = self.trainer_config()
        cls.depth = 1
        cls.add(f"def __init__({', '.join(['self', *params])}):")
        cls.depth = 2
        for store in stores:
            cls.add(store)
        cls.lines += init.lines
        for method in (epoch, *((self.eval_function(),) if self.plan.evaluate else ()), fit):
            cls.add("")
            cls.lines += method.lines
        functions.append(cls)
        method_name = fit.lines[0].text.removeprefix("def ").removesuffix("(self):")
        main.add(f"trainer = Trainer({', '.join(self.holder())})")
        main.add(f"trainer.{method_name}()")

    def trainer_config(self) -> tuple[list[str], list[str]]:
        """Parameters of ``Trainer.__init__`` and the lines that store them."""
        if self.plan.config == "local":
            items = [(self.plan.value_names.get(name, name), default) for name, default in self.values.items()]
            return [f"{name}={value}" for name, value in items], [f"self.{name} = {name}" for name, _ in items]
        holder = self.holder()
        return holder, [f"self.{name} = {name}" for name in holder]

    def fit_steps(self, block: Block) -> None:
        """Training for a number of updates, over epochs cut short or an endless loader."""
        plan, limit = self.plan, self.max_steps
        block.add(f"{self.obj('model')}.train()")
        if plan.budget == "while":
            block.add("step = 0")
            with block.deeper(f"while step < {limit}:", "epoch_for"):
                self.batch_loop(block, self.inner_tick())
        else:
            block.add(f"batches = iter({self.obj('train')})")
            with block.deeper(f"for step in range({limit}):", "batch_for"):
                with block.deeper("try:"):
                    block.add(f"{self.obj('x')}, {self.obj('y')} = next(batches)")
                with block.deeper("except StopIteration:"):
                    block.add(f"batches = iter({self.obj('train')})")
                    block.add(f"{self.obj('x')}, {self.obj('y')} = next(batches)")
                self.step(block, self.inner_tick(), None)
        if plan.evaluate:
            self.evaluation(block)
            block.add('print(f"val {val_loss:.4f} {val_acc:.3f}")')
        if plan.save != "none":
            path = self.val("out", '"model.pt"')
            block.add(f"torch.save({self.obj('model')}.state_dict(), {path})")

    # --- assembling ---------------------------------------------------------------------------------

    def assemble(self, functions: list[Block], main: Block) -> None:
        """Imports, configuration, classes, functions, main."""
        plan, out = self.plan, Block()
        config, call = self.configuration()
        for line in self.import_lines():
            out.add(line)
        out.add("")
        out.lines += config.lines
        if plan.data == "dataset":
            out.lines += dataset_class().lines
        if self.needs_class:
            out.lines += net_class(3072 if plan.data == "vision" else 32).lines
        for function in functions:
            out.add("")
            out.add("")
            out.lines += function.lines
        out.add("")
        if plan.structure == "flat":
            out.lines += self.local_values(0).lines
            out.lines += main.lines
        else:
            out.add("")
            out.add(call["def"])
            out.lines += self.local_values(1).lines
            if call["first"]:
                out.depth = 1
                out.add(call["first"])
                out.depth = 0
            out.lines += main.lines
            out.add("")
            out.add("")
            with out.deeper('if __name__ == "__main__":'):
                for line in call["run"].split("\n"):
                    out.add(line)
        self.script.lines = out.lines

    def import_lines(self) -> list[str]:
        """The import block, standard library first."""
        torch_names = sorted(set(self.scheduler_names))
        if torch_names:
            self.imports |= {
                "direct": {f"from torch.optim.lr_scheduler import {', '.join(torch_names)}"},
                "alias": {"import torch.optim.lr_scheduler as lrs"},
                "optim": {"import torch.optim as optim"},
                "full": set(),
                "module": {"from torch.optim import lr_scheduler"},
            }[self.plan.imports]
        if self.plan.config in ("argparse", "mainargs"):
            self.imports.add("import argparse")
        if self.plan.config == "dataclass":
            self.imports.add("from dataclasses import dataclass")
        standard = ("argparse", "math", "os", "dataclasses", "yaml")
        return sorted(self.imports, key=lambda line: (line.split()[1] not in standard, line))

    def local_values(self, depth: int) -> Block:
        """Local variables, where the configuration is just that."""
        block = Block(depth=depth)
        if self.plan.config == "local" and self.plan.structure != "trainer":
            for name, default in self.values.items():
                block.add(f"{self.plan.value_names.get(name, name)} = {default}", f"value_{name}")
        return block

    def configuration(self) -> tuple[Block, dict[str, str]]:
        """The configuration block at module level, and how main is defined and run."""
        config, out = self.plan.config, Block()
        items = [(name, self.plan.value_names.get(name, name), default) for name, default in self.values.items()]
        call = {"def": "def main():", "first": "", "run": "main()"}
        flat = self.plan.structure == "flat"
        if config == "const":
            for name, spelled, default in items:
                out.add(f"{spelled.upper()} = {default}", f"value_{name}")
        elif config == "dict":
            with out.deeper("cfg = {"):
                for name, spelled, default in items:
                    out.add(f'"{spelled}": {default},', f"value_{name}")
            out.add("}")
        elif config == "yaml":
            self.imports.add("import yaml")
            out.add('CONFIG = """')
            for name, spelled, default in items:
                number = FLAGS.get(name) == "float"
                out.add(f"{spelled}: {float(default):.6f}" if number else f"{spelled}: {default}", f"value_{name}")
            out.add('"""')
            out.add("cfg = yaml.safe_load(CONFIG)")
        elif config == "dataclass":
            out.add("")
            out.add("@dataclass")
            with out.deeper("class Config:"):
                for name, spelled, default in items:
                    out.add(f"{spelled}: {FLAGS.get(name, 'int')} = {default}", f"value_{name}")
            out.add("")
            if flat:
                out.add("")
                out.add("cfg = Config()")
            call["first"] = "cfg = Config()"
        elif config in ("argparse", "mainargs"):
            call = self.argparse(out, items, flat)
        return out, call

    def argparse(self, out: Block, items: list[tuple[str, str, str]], flat: bool) -> dict[str, str]:
        """Options with defaults: a function, or at module level in a flat script."""
        dash = self.rng.random() < 0.5

        def options(block: Block) -> None:
            block.add(f"{parser} = argparse.ArgumentParser()")
            for name, spelled, default in items:
                flag = spelled.replace("_", "-") if dash else spelled
                block.add(
                    f'{parser}.add_argument("--{flag}", type={FLAGS.get(name, "int")}, default={default})',
                    f"value_{name}",
                )

        parser = self.rng.choice(("parser", "p", "parser"))
        if flat:
            options(out)
            out.add(f"args = {parser}.parse_args()")
            return {"def": "", "first": "", "run": ""}
        out.add("")
        with out.deeper("def parse_args():"):
            options(out)
            out.add(f"return {parser}.parse_args()")
        if self.plan.config == "mainargs":
            return {"def": "def main(args):", "first": "", "run": "args = parse_args()\nmain(args)"}
        return {"def": "def main():", "first": "args = parse_args()", "run": "main()"}

    def note_names(self) -> None:
        """Tell plants how things are called where."""
        plan, script = self.plan, self.script
        for scope in ("main", "cls", "fn"):
            self.scope = scope
            for name in ("scheduler", "optimizer", "train", "val", "model", "x", "y", "criterion"):
                script.names[f"{name}@{scope}"] = self.obj(name)
        outer = "cls" if plan.structure == "trainer" else "main"
        inner = "fn" if plan.structure == "helper" else outer
        for name in ("scheduler", "optimizer", "train", "val", "model"):
            script.names[name] = script.names[f"{name}@{outer}"]
            script.names[f"inner_{name}"] = script.names[f"{name}@{inner}"]
        self.scope = outer
        script.names["epochs"] = self.epochs
        script.names["lr"] = self.val("lr", self.lr0)
        script.names["start_epoch"] = self.var("start_epoch")


def dataset_class() -> Block:
    """A map-style dataset over files, of a size that nobody knows."""
    block = Block()
    block.add("")
    block.add("")
    with block.deeper("class FeatureDataset(Dataset):"):
        with block.deeper("def __init__(self, folder):"):
            block.add('self.features = np.load(f"{folder}/features.npy")')
            block.add('self.labels = np.load(f"{folder}/labels.npy")')
        block.add("")
        with block.deeper("def __len__(self):"):
            block.add("return len(self.labels)")
        block.add("")
        with block.deeper("def __getitem__(self, index):"):
            block.add("return torch.from_numpy(self.features[index]), int(self.labels[index])")
    return block


def net_class(width: int) -> Block:
    """A model with a backbone and a head."""
    block = Block()
    block.add("")
    block.add("")
    with block.deeper("class Net(nn.Module):"):
        with block.deeper("def __init__(self):"):
            block.add("super().__init__()")
            block.add(f"self.backbone = nn.Sequential(nn.Flatten(), nn.Linear({width}, 64), nn.ReLU())")
            block.add("self.head = nn.Linear(64, 10)")
        block.add("")
        with block.deeper("def forward(self, x):"):
            block.add("return self.head(self.backbone(x))")
    return block


def training_script(rng: random.Random, plan: Plan) -> Script:
    """A correct script for one model, one optimizer and one schedule."""
    return Writer(rng, plan).write()
