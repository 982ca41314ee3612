"""The DeepSpeed engine ticks the scheduler it was given at every real update."""
import argparse
import math

import deepspeed
from torch.utils.data import DataLoader
from transformers import AutoModelForCausalLM, get_scheduler

from corpus import build_dataset


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model_name", type=str, default="gpt2")
    parser.add_argument("--num_train_epochs", type=int, default=2)
    parser.add_argument("--gradient_accumulation_steps", type=int, default=4)
    parser.add_argument("--num_warmup_steps", type=int, default=100)
    parser.add_argument("--per_device_batch_size", type=int, default=8)
    parser = deepspeed.add_config_arguments(parser)
    return parser.parse_args()


def main():
    args = parse_args()
    deepspeed.init_distributed()
    model = AutoModelForCausalLM.from_pretrained(args.model_name)
    loader = DataLoader(build_dataset("train"), batch_size=args.per_device_batch_size, shuffle=True)
    optimizer = deepspeed.ops.adam.FusedAdam(model.parameters(), lr=1e-5, betas=(0.9, 0.95))
    updates_per_epoch = math.ceil(len(loader) / args.gradient_accumulation_steps)
    lr_scheduler = get_scheduler(
        name="cosine",
        optimizer=optimizer,
        num_warmup_steps=args.num_warmup_steps,
        num_training_steps=args.num_train_epochs * updates_per_epoch,
    )
    model, optimizer, _, lr_scheduler = deepspeed.initialize(
        model=model, optimizer=optimizer, args=args, lr_scheduler=lr_scheduler, dist_init_required=True
    )
    for epoch in range(args.num_train_epochs):
        model.train()
        for batch in loader:
            batch = {key: value.to(model.device) for key, value in batch.items()}
            loss = model(**batch, use_cache=False).loss
            model.backward(loss)
            model.step()
        print(f"epoch {epoch} done")


if __name__ == "__main__":
    main()
