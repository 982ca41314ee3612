"""Early stopping in batches, through a flag that ends the outer loop: what is counted and what ends it are entangled."""
import torch


def train(config, model, train_iter, dev_iter):
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
    total_batch, last_improve = 0, 0
    best, flag = float("inf"), False
    for epoch in range(config.num_epochs):
        for i, (texts, labels) in enumerate(train_iter):
            loss = torch.nn.functional.cross_entropy(model(texts), labels)
            model.zero_grad()
            loss.backward()
            optimizer.step()
            if total_batch % 100 == 0:
                dev_loss = evaluate(model, dev_iter)
                if dev_loss < best:
                    best = dev_loss
                    last_improve = total_batch
                model.train()
            total_batch += 1
            if total_batch - last_improve > config.require_improvement:
                flag = True
                break
        scheduler.step()
        if flag:
            break


def evaluate(model, data):
    model.eval()
    with torch.no_grad():
        return sum(torch.nn.functional.cross_entropy(model(x), y).item() for x, y in data) / len(data)
