"""The scheduler is chosen by an option, and stepped by the same option: no kind is stepped like the other."""
import torch
from torch.optim import SGD, lr_scheduler

from options import parse_options
from video import build_model, make_loaders, train_epoch, val_epoch


def optimization(options, model):
    optimizer = SGD(model.parameters(), lr=options.learning_rate, momentum=0.9)
    if options.schedule == "plateau":
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, "min", patience=options.patience)
    else:
        scheduler = lr_scheduler.MultiStepLR(optimizer, options.milestones)
    return optimizer, scheduler


def main():
    options = parse_options()
    model = build_model(options)
    train_loader, val_loader = make_loaders(options)
    if not options.no_train:
        optimizer, scheduler = optimization(options, model)
    val_loss = None
    for epoch in range(1, options.epochs + 1):
        if not options.no_train:
            train_epoch(epoch, train_loader, model, optimizer)
        if not options.no_val:
            val_loss = val_epoch(epoch, val_loader, model)
        if not options.no_train and options.schedule == "multistep":
            scheduler.step()
        elif not options.no_train and options.schedule == "plateau":
            scheduler.step(val_loss)


if __name__ == "__main__":
    main()
