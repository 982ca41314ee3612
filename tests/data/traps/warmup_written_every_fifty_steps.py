"""A warmup by hand that writes every 50 steps and stops at 1000, long before the first milestone."""
import torch

from audio import batches, mean_average_precision


def train(model, train_loader, test_loader, args):
    optimizer = torch.optim.Adam(model.parameters(), args.lr, weight_decay=5e-7, betas=(0.95, 0.999))
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(range(10, 60, 5)), gamma=0.5)
    warmup = args.warmup
    global_step, epoch = 0, 1
    while epoch < args.n_epochs + 1:
        model.train()
        for i, (audio, labels) in enumerate(train_loader):
            if global_step <= 1000 and global_step % 50 == 0 and warmup == True:
                warm_lr = (global_step / 1000) * args.lr
                for param_group in optimizer.param_groups:
                    param_group["lr"] = warm_lr
                print(f"warmup: {optimizer.param_groups[0]['lr']:f}")
            loss = torch.nn.functional.binary_cross_entropy_with_logits(model(audio), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            global_step += 1
        print(epoch, mean_average_precision(model, test_loader))
        scheduler.step()
        epoch += 1
