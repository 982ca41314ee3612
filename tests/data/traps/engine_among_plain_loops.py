"""Two ways of training in one file: the scheduler of the engine is not that of the plain loop's optimizer."""
import deepspeed

from setup_of_the_test import evaluate, load


def with_engine(stage):
    model, optimizer, train_loader, eval_loader, lr_scheduler = load()
    settings = {"train_micro_batch_size_per_gpu": 16, "zero_optimization": {"stage": stage}}
    model, optimizer, _, lr_scheduler = deepspeed.initialize(
        model=model, optimizer=optimizer, lr_scheduler=lr_scheduler, config_params=settings
    )
    model.train()
    for batch in train_loader:
        loss = model(**batch).loss
        model.backward(loss)
        model.step()
        for _ in range(2):
            lr_scheduler.step()
    return evaluate(model, eval_loader)


def plain():
    model, optimizer, train_loader, eval_loader, lr_scheduler = load()
    model.train()
    for batch in train_loader:
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        lr_scheduler.step()
        optimizer.zero_grad()
    return evaluate(model, eval_loader)


if __name__ == "__main__":
    for stage in [1, 2, 3]:
        assert with_engine(stage) > 0
        assert plain() > 0
