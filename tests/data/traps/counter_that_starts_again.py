"""Speech: an update whenever the counter of pending batches is full."""
import os
import torch
from torch import nn, optim
from torch.optim import lr_scheduler as lrs
from torch.utils.data import DataLoader
from speech import Corpus, collate, CTCNet

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
NUM_EPOCHS = int(os.environ.get("NUM_EPOCHS", "25"))
ACC_STEPS = int(os.environ.get("ACC_STEPS", 4))

train_data = DataLoader(Corpus("train-clean-100"), batch_size=8, collate_fn=collate, shuffle=True, drop_last=True)
dev_data = DataLoader(Corpus("dev-clean"), batch_size=8, collate_fn=collate)

net = CTCNet(80, 29).to(DEVICE)
optimizer = optim.AdamW(net.parameters(), lr=5e-4, betas=(0.9, 0.98))
updates_per_epoch = len(train_data) // ACC_STEPS
scheduler = lrs.OneCycleLR(optimizer, max_lr=5e-4, steps_per_epoch=updates_per_epoch, epochs=NUM_EPOCHS, anneal_strategy="linear")
ctc = nn.CTCLoss(blank=28)

pending = 0
best_wer = float("inf")
for ep in range(NUM_EPOCHS):
    net.train()
    optimizer.zero_grad()
    pending = 0
    for feats, labels, flen, llen in train_data:
        out = net(feats.to(DEVICE)).log_softmax(-1).transpose(0, 1)
        loss = ctc(out, labels, flen, llen) / ACC_STEPS
        loss.backward()
        pending += 1
        if pending == ACC_STEPS:
            nn.utils.clip_grad_norm_(net.parameters(), 5.)
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            pending = 0
    net.eval()
    errs = 0.0
    with torch.no_grad():
        for feats, labels, flen, llen in dev_data:
            errs += ctc(net(feats.to(DEVICE)).log_softmax(-1).transpose(0, 1), labels, flen, llen).item()
    print("epoch", ep, "dev", errs / len(dev_data))
