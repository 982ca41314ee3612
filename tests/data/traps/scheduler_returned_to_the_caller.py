"""A factory: who calls it ticks the scheduler."""
import math

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, LinearLR, SequentialLR, StepLR


def build_optimizer(model, cfg):
    decay, no_decay = [], []
    for name, parameter in model.named_parameters():
        (no_decay if parameter.ndim == 1 or name.endswith(".bias") else decay).append(parameter)
    groups = [{"params": decay, "weight_decay": cfg.weight_decay}, {"params": no_decay, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=cfg.lr, betas=(0.9, 0.95))


def build_scheduler(optimizer, cfg):
    if cfg.scheduler == "step":
        return StepLR(optimizer, step_size=cfg.step_size, gamma=0.1)
    if cfg.scheduler == "cosine":
        warmup = LinearLR(optimizer, start_factor=0.01, total_iters=cfg.warmup)
        cosine = CosineAnnealingLR(optimizer, T_max=cfg.total - cfg.warmup)
        return SequentialLR(optimizer, [warmup, cosine], milestones=[cfg.warmup])
    return LambdaLR(optimizer, lambda step: min((step + 1) / cfg.warmup, math.sqrt(cfg.warmup / (step + 1))))


def setup(model, cfg):
    optimizer = build_optimizer(model, cfg)
    scheduler = build_scheduler(optimizer, cfg)
    return model, optimizer, scheduler
