"""The milestones are a list that somebody else gives: nothing is known of it, not even its type."""
import torch


class Supervisor:
    def __init__(self, model, data, **settings):
        self.model = model
        self.data = data
        self.settings = settings
        self.first_epoch = int(settings.get("epoch", 0))

    def train(self, **overrides):
        return self._train(**{**self.settings, **overrides})

    def _train(self, base_lr, steps, patience=50, epochs=100, lr_decay_ratio=0.1, **ignored):
        optimizer = torch.optim.Adam(self.model.parameters(), lr=base_lr, eps=1e-3)
        lr_scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=steps, gamma=lr_decay_ratio)
        best, wait = float("inf"), 0
        for epoch in range(self.first_epoch, epochs):
            self.model.train()
            for x, y in self.data["train_loader"].get_iterator():
                optimizer.zero_grad()
                loss = (self.model(x) - y).abs().mean()
                loss.backward()
                optimizer.step()
            lr_scheduler.step()
            error = self.evaluate("val")
            if error < best:
                best, wait = error, 0
            else:
                wait += 1
                if wait == patience:
                    break

    def evaluate(self, which):
        self.model.eval()
        with torch.no_grad():
            losses = [(self.model(x) - y).abs().mean().item() for x, y in self.data[f"{which}_loader"].get_iterator()]
        return sum(losses) / len(losses)
