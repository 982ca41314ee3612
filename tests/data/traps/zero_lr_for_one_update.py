"""GPT training with a hand-written schedule: the very first update runs at LR 0."""
import math

import torch

from gpt import GPT, get_batch

max_lr, min_lr = 6e-4, 6e-5
warmup_iters, max_iters = 2000, 600000
accumulation = 5 * 8


def get_lr(it):
    if it < warmup_iters:
        return max_lr * it / warmup_iters
    if it > max_iters:
        return min_lr
    ratio = (it - warmup_iters) / (max_iters - warmup_iters)
    return min_lr + 0.5 * (1.0 + math.cos(math.pi * ratio)) * (max_lr - min_lr)


model = GPT(layers=12, heads=12, width=768).cuda()
optimizer = torch.optim.AdamW(model.parameters(), lr=max_lr, betas=(0.9, 0.95), weight_decay=0.1)
iter_num = 0
x, y = get_batch("train")
while True:
    lr = get_lr(iter_num)
    for group in optimizer.param_groups:
        group["lr"] = lr
    for micro_step in range(accumulation):
        logits, loss = model(x, y)
        loss = loss / accumulation
        x, y = get_batch("train")
        loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    iter_num += 1
    if iter_num > max_iters:
        break
